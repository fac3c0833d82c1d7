// Every number of a job's results, one a row or a class a row, for CSV.
#ifndef SKEW_CLIENT_REPORT_VALUE_TABLES_H_
#define SKEW_CLIENT_REPORT_VALUE_TABLES_H_

#include "client/render/table.h"
#include "client/report/study_data.h"

namespace skew {

// All that `job.results` says of cells, classes and judges (see job_service.proto), under the names of its fields:
// "divergences_hellinger", "corrected_delta". Found by reflection, so a new field is there, too. Runs and measures of
// images have tables of their own.
Table EstimatesTable(const JobData& job);

// The measures of images (see ImageMeasures in run.proto) of every run with a result.
Table RunMeasuresTable(const JobData& job);

// What every judge made of the final images of every run: accepted, rejected and off-support images, and the mean
// softmax output, of every class of the dataset.
Table RunClassesTable(const JobData& job);

// Confusion counts and mean softmax outputs of the judges: what shares are corrected with.
Table ConfusionTable(const JobData& job);

}  // namespace skew

#endif  // SKEW_CLIENT_REPORT_VALUE_TABLES_H_

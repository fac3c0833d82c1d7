// The table of a study.
#ifndef SKEW_CLIENT_RENDER_RESULTS_TABLE_H_
#define SKEW_CLIENT_RENDER_RESULTS_TABLE_H_

#include <string>
#include <vector>

#include "client/render/table.h"
#include "skew/v1/job_service.pb.h"

namespace skew {

// One row per (bias point, model, class); what concerns the whole cell is shown in its first row only. At most 120
// columns wide: long bias points are reduced to the classes that differ between the cells.
// A '*' marks cells of which ResultsNotes says that not all runs are counted. CSV holds shares as fractions, unrounded,
// and repeats the cell's values in every row. Corrected values, Delta, total variation and rho stand in CSV and in
// CorrectedTable; those of CLEAM in CSV only.
Table ResultsTable(const v1::GetResultsResponse& results);

// What the columns of both tables are, for people.
extern const char kResultsLegend[];

// For people, the same rows with what the judge's correction makes of them, how far that is from the training shares,
// and how much runs vary. At most 120 columns wide.
Table CorrectedTable(const v1::GetResultsResponse& results);

// What stands for the bias points in tables, one a cell: whole, or the classes that differ between the cells.
std::vector<std::string> ShortBiasPoints(const v1::GetResultsResponse& results);
// And for the model of a cell.
std::string ShortModel(const v1::ResultCell& cell);

}  // namespace skew

#endif  // SKEW_CLIENT_RENDER_RESULTS_TABLE_H_

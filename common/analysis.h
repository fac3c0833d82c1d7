// Jobs as a study whose claims are tested, and the findings as an answer. The mathematics is in common/stats/claims.h.
#ifndef SKEW_COMMON_ANALYSIS_H_
#define SKEW_COMMON_ANALYSIS_H_

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "skew/v1/analysis_service.pb.h"
#include "skew/v1/job.pb.h"
#include "skew/v1/run.pb.h"

namespace skew {

// What is stored of one job.
struct JobToAnalyse {
  v1::Job job;
  std::vector<v1::Run> runs;
  std::vector<v1::Classifier> classifiers;               // the judges of its histograms
  std::map<std::string, double> largest_generator_loss;  // by run id, where it is known and NeedsLosses
};

// Whether the claim on generator losses (H7) asks for those of this run of the job.
bool NeedsLosses(const v1::Job& job, const v1::Run& run);

// INVALID_ARGUMENT when the request does not name 1 to 100 different jobs.
absl::Status CheckJobsToAnalyse(const v1::AnalyseJobsRequest& request);

// Semantics and errors as AnalysisService.AnalyseJobs; the jobs are those that the request names, oldest first.
absl::StatusOr<v1::AnalyseJobsResponse> AnalyseJobs(absl::Span<const JobToAnalyse> jobs,
                                                    const v1::AnalyseJobsRequest& request);

// The largest finite value of a column of CSV without quotes, as "losses.csv" is; absent when there is none.
std::optional<double> LargestInColumn(absl::string_view csv, absl::string_view column);

}  // namespace skew

#endif  // SKEW_COMMON_ANALYSIS_H_

// The table of a study, computed from the final histograms of its runs. The mathematics is in common/stats/.
#ifndef SKEW_COMMON_RESULTS_H_
#define SKEW_COMMON_RESULTS_H_

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "absl/types/span.h"
#include "skew/v1/job_service.pb.h"
#include "skew/v1/run.pb.h"

namespace skew {

// Mean, standard deviation (n-1) and 95% Student t interval of at least one value; sd and interval only from two values
// on. The interval is that of the mean and is not clamped.
v1::Estimate EstimateOf(absl::Span<const double> values);

// Share of `label` among the accepted images of the job's classes: counts[label] / sum(counts). NaN when no image was
// accepted in any of them, which no share can describe.
double GeneratedShare(const v1::ClassHistogram& histogram, int32_t label);

// Whether a run has succeeded with a final histogram.
bool HasResult(const v1::Run& run);

// Images accepted as one of the job's classes.
int64_t AcceptedImages(const v1::ClassHistogram& histogram);

// Digests of the judges whose histograms the results rest on.
std::set<std::string> JudgesOf(absl::Span<const v1::Run> runs);

// One cell per (bias point, model), in that order, from runs of one job. Only runs with a result count; those without
// an accepted image are left out of the class estimates. Shares are corrected where one of `classifiers` judged all
// runs of a cell. With `include_runs`, every run that counts is there by itself, too.
std::vector<v1::ResultCell> ComputeResults(absl::Span<const v1::Run> runs,
                                           absl::Span<const v1::Classifier> classifiers = {},
                                           bool include_runs = false);

}  // namespace skew

#endif  // SKEW_COMMON_RESULTS_H_

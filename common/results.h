// The table of a study, computed from the final histograms of its runs.
#ifndef SKEW_COMMON_RESULTS_H_
#define SKEW_COMMON_RESULTS_H_

#include <cstdint>
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

// One cell per (bias point, model), in that order, from runs of one job. Only SUCCEEDED runs with a final histogram
// count; runs without an accepted image are left out of the class estimates.
std::vector<v1::ResultCell> ComputeResults(absl::Span<const v1::Run> runs);

}  // namespace skew

#endif  // SKEW_COMMON_RESULTS_H_

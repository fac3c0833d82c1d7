// Whether a run that was done again came out the same.
#ifndef SKEW_COMMON_RUN_COMPARISON_H_
#define SKEW_COMMON_RUN_COMPARISON_H_

#include <vector>

#include "absl/status/statusor.h"
#include "skew/v1/reuse_service.pb.h"
#include "skew/v1/run.pb.h"

namespace skew {

// A run and all that was measured in it.
struct RunRecord {
  v1::Run run;
  std::vector<v1::ClassHistogram> histograms;  // by step, the final one last
  std::vector<v1::Artifact> artifacts;         // by name
};

// See ReuseService.CompareRuns; likewise its errors.
absl::StatusOr<v1::CompareRunsResponse> CompareRuns(const RunRecord& run, const RunRecord& other);

}  // namespace skew

#endif  // SKEW_COMMON_RUN_COMPARISON_H_

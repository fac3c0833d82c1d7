// How far a job is and when it should end.
#ifndef SKEW_CLIENT_RENDER_ESTIMATE_H_
#define SKEW_CLIENT_RENDER_ESTIMATE_H_

#include "absl/time/time.h"
#include "absl/types/span.h"
#include "skew/v1/run.pb.h"

namespace skew {

struct JobEstimate {
  // Part of all runs' work that is done, 0 to 1.
  double done = 0;
  // For the rest, at the pace so far; InfiniteDuration when there is no pace yet.
  absl::Duration left = absl::InfiniteDuration();
};

// Takes every run for the same amount of work. Runs ended without success, or answered from the store, count as
// done, but not towards the pace.
// `elapsed` is the time since the job's first run started.
JobEstimate EstimateJob(absl::Span<const v1::Run> runs, absl::Duration elapsed);

// For the rest of an active run, at its newest pace; InfiniteDuration when it has none.
absl::Duration TimeLeft(const v1::Run& run);

}  // namespace skew

#endif  // SKEW_CLIENT_RENDER_ESTIMATE_H_

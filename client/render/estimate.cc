#include "client/render/estimate.h"

#include <algorithm>

#include "client/render/format.h"
#include "common/run_state.h"

namespace skew {

JobEstimate EstimateJob(absl::Span<const v1::Run> runs, absl::Duration elapsed) {
  double done = 0;
  double worked = 0;
  for (const v1::Run& run : runs) {
    done += DoneFraction(run);
    const bool trained = !IsTerminal(run.state()) || (run.state() == v1::SUCCEEDED && run.reused_from().empty());
    if (trained) worked += DoneFraction(run);
  }
  const auto total = static_cast<double>(runs.size());
  JobEstimate estimate;
  if (total > 0) estimate.done = done / total;
  if (worked > 0 && elapsed > absl::ZeroDuration()) estimate.left = elapsed * ((total - done) / worked);
  return estimate;
}

absl::Duration TimeLeft(const v1::Run& run) {
  const v1::Progress& progress = run.progress();
  if (!(progress.steps_per_second() > 0)) return absl::InfiniteDuration();
  return absl::Seconds(std::max(0, progress.total_steps() - progress.step()) / progress.steps_per_second());
}

}  // namespace skew

// What will become of the queue: the policy of fair_share.h, played forward. Pure.
#ifndef SKEW_SERVER_JOBS_FORECAST_H_
#define SKEW_SERVER_JOBS_FORECAST_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "server/jobs/fair_share.h"
#include "skew/v1/queue.pb.h"

namespace skew {

// When one run should start and end. InfiniteFuture where nothing is known to rest it on.
struct RunForecast {
  int32_t number = 0;  // of all starts to come, this is that one: 0, 1, 2, ...
  absl::Time start = absl::InfiniteFuture();
  absl::Time end = absl::InfiniteFuture();
};

// The starts to come.
struct Forecast {
  // By user and batch of the snapshot: the batch's runs in their order. Shorter than the batch when its runs never
  // start or the forecast was cut off.
  std::vector<std::vector<std::vector<RunForecast>>> runs;
  // By active lease of the snapshot.
  std::vector<absl::Time> ends;
  // Numbers of the starts of each user, ascending.
  std::vector<std::vector<int32_t>> starts_of;
};

// Plays the policy from `snapshot` until nothing more starts or `most_starts` have happened. Use decays with
// `half_life`. Runs of unknown length count as `options.unknown`, but no time is told of them, nor of those that wait
// for their end.
Forecast PlayForward(FairShareSnapshot snapshot, const FairShareOptions& options, absl::Duration half_life,
                     int32_t most_starts);

// Why a run waits, by itself: paused, after a job, over a limit, a full disk, no device that fits.
struct WaitReason {
  v1::WaitCause cause = v1::WAIT_CAUSE_UNSPECIFIED;
  std::string text;
};

// Of the next run of a batch, in words that name users, jobs, limits and sizes. `number` is the run's place among the
// starts to come (RunForecast), below 0 when it has none.
WaitReason ExplainWait(const FairShareSnapshot& snapshot, const Forecast& forecast, size_t user, size_t batch,
                       int32_t number);

}  // namespace skew

#endif  // SKEW_SERVER_JOBS_FORECAST_H_

// Whose turn it is. Pure: a picture of users, queued runs and devices goes in, what to start comes out; no clock, no
// SQL, no processes.
//
// Between users: the next start belongs to the user with the least use per weight, where use is decayed slot-seconds
// (ended attempts and those under way) plus what the runs under way should still take, plus half of what the next run
// should. It converges to slot time in proportion to the weights of those who have something to run (after start-time
// fair queueing: Goyal, Vin and Cheng 1996).
// Whoever catches up on a past without use may hold the others up, but not for good: a user who has runs that could
// start, none under way, and no start for `aged_after` over the user's part of the weights goes first.
//
// Between the runs of one user: by priority, which grows by one for every `aged_after` that a job's runs have waited
// since the last start of one of them; then in the order of submission.
//
// What does not fit on any device now is passed over, so that no slot stands idle. Once it has waited for `aged_after`,
// the device that it should fit on first is reserved for it: others start there only when they should end before that
// (EASY backfilling: Lifka 1995). There is one reservation at a time.
#ifndef SKEW_SERVER_JOBS_FAIR_SHARE_H_
#define SKEW_SERVER_JOBS_FAIR_SHARE_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "common/ids.h"

namespace skew {

// What one run takes of a device.
struct RunNeed {
  int64_t memory_bytes = 0;   // of a GPU, 0: not known, then nearly all; CPU slots do not account for memory
  bool whole_device = false;  // nothing else beside it
};

// Queued runs of one job that are alike in everything that matters here.
struct QueuedBatch {
  JobId job;
  int64_t shape = 0;         // see RunShape
  int32_t priority = 0;      // the user's wish
  int32_t next_run = 0;      // number of the first of them
  int32_t stride = 1;        // from one of them to the next, about
  int32_t runs = 0;          // how many there are
  absl::Time waiting_since;  // since one of them was started last, or since they were queued
  RunNeed need;
  // What one of them should take on each kind of device, InfiniteDuration where nothing is known; by Device::kind.
  std::vector<absl::Duration> expected;

  // Why it may not start, apart from whose turn it is.
  bool paused = false;
  std::vector<JobId> after;                    // jobs that have not succeeded yet
  std::vector<JobId> trainings;                // the jobs that train its judges
  absl::Time ready_at = absl::InfinitePast();  // after a failed attempt, or when it has stood back
  std::string stands_back;                     // for what, and nobody knows until when
  std::string held;                            // what is not there that they need
  bool awaited = false;                        // a classifier's training that studies wait for: before everything
};

struct FairShareUser {
  std::string name;
  double weight = 1;  // above 0
  double use = 0;     // decayed slot-seconds, attempts under way included up to now
  int max_slots = 0;  // 0: no limit
  absl::Time last_start = absl::InfinitePast();
  std::vector<QueuedBatch> batches;
};

struct FairShareDevice {
  size_t kind = 0;           // devices of one kind take equally long
  int free_slots = 0;        // runs it could still take
  bool drained = false;      // or out of order
  int64_t memory_bytes = 0;  // 0: not accounted for
  int64_t free_bytes = 0;
  int settling = 0;  // runs that have ended and whose memory is not back yet: slots that are not free
};

// A run under way.
struct ActiveLease {
  JobId job;
  size_t user = 0;
  size_t device = 0;
  RunNeed need;
  int slots = 1;        // of the device that it holds: all of them for a whole device
  absl::Duration left;  // until it should end; InfiniteDuration when nothing is known
};

struct FairShareSnapshot {
  absl::Time now;
  std::vector<FairShareUser> users;
  std::vector<FairShareDevice> devices;
  std::vector<ActiveLease> active;
  // Why nothing is started, whatever the devices have free; for forecasts.
  std::string disk_problem;
  std::string start_problem;  // of the workers
};

struct FairShareOptions {
  absl::Duration aged_after = absl::Hours(1);
  // What a run counts as when nothing is known about how long it takes: about as long as others take.
  absl::Duration unknown = absl::Seconds(1);
};

// Start the next run of a batch on a device.
struct StartDecision {
  size_t user = 0;
  size_t batch = 0;
  size_t device = 0;
};

// What to start now, in this order. Deterministic; no two snapshots that are equal have different decisions.
std::vector<StartDecision> DecideStarts(const FairShareSnapshot& snapshot, const FairShareOptions& options);

// Whether a batch may start as far as it is concerned itself: it is not paused and waits for nothing.
bool IsReady(const QueuedBatch& batch, absl::Time now);
// Whether a device could take one run of it now; or at all, were it empty.
bool FitsNow(const RunNeed& need, const FairShareDevice& device, bool empty);
bool FitsEver(const RunNeed& need, const FairShareDevice& device);

}  // namespace skew

#endif  // SKEW_SERVER_JOBS_FAIR_SHARE_H_

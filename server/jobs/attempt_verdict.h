// What becomes of a run when an attempt has ended. Pure.
#ifndef SKEW_SERVER_JOBS_ATTEMPT_VERDICT_H_
#define SKEW_SERVER_JOBS_ATTEMPT_VERDICT_H_

#include "absl/time/time.h"
#include "server/jobs/launcher.h"
#include "server/store/run_store.h"

namespace skew {

// Why the daemon asked an attempt to stop.
enum class StopCause {
  kNone,
  kCancel,   // somebody cancelled the run
  kTimeout,  // over JobSpec.time_limit
  kDrain,    // the daemon stops, or did
  kPause,    // somebody paused the run
  kSilence,  // nothing was heard of the worker
  kRefused,  // the worker sent what cannot be
};

// The verdict, from what the worker said last, why it was stopped and how its process ended. Retries wait 1 s, 2 s,
// 4 s, ... at most a minute, by how often the run has failed. Where no worker could be started, or it says that
// something is missing that is not the run's, they wait twice as long as everything else does (see HoldAfter).
AttemptEnd DecideAttemptEnd(const AttemptFacts& facts, StopCause cause, const WorkerExit& exit, absl::Time now);

}  // namespace skew

#endif  // SKEW_SERVER_JOBS_ATTEMPT_VERDICT_H_

// The one table of legal run states changes, and what is derived from run states.
#ifndef SKEW_COMMON_RUN_STATE_H_
#define SKEW_COMMON_RUN_STATE_H_

#include "skew/v1/job.pb.h"
#include "skew/v1/run.pb.h"

namespace skew {

// Whether a run may go from one state to the other in one step.
bool IsLegalChange(v1::RunState from, v1::RunState to);

// SUCCEEDED, FAILED and CANCELLED: left only when somebody asks for a retry, and SUCCEEDED never.
bool IsTerminal(v1::RunState state);
bool IsTerminal(v1::JobState state);

// STARTING, RUNNING or CANCELLING: an attempt of the run goes on.
bool IsActive(v1::RunState state);

// Whether another attempt can help after one that ended for `reason`. The one place that decides retries.
bool IsRetried(v1::Reason reason);

// Whether an attempt that ended for `reason` counts towards JobSpec.max_attempts. Preemptions do not: they are the
// server's doing.
bool CountsAsAttempt(v1::Reason reason);

// Adds `count` runs in `state` to `counts`, the total included.
void AddRuns(v1::RunState state, int count, v1::RunCounts& counts);

// See JobState.
v1::JobState JobStateOf(const v1::RunCounts& counts);

}  // namespace skew

#endif  // SKEW_COMMON_RUN_STATE_H_

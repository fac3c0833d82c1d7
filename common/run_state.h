// The two tables of runs: which changes of their state are legal, and what follows when an attempt has ended. And what
// is derived from run states.
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

// What follows when an attempt has ended for a reason. The one place that decides retries.
struct FailureClass {
  v1::Reason reason = v1::REASON_UNSPECIFIED;
  bool retried = false;    // another attempt can help
  bool counts = true;      // towards JobSpec.max_attempts; what is the server's doing does not
  bool elsewhere = false;  // the next attempt goes to another device, if there is one that is free
};
const FailureClass& FailureClassOf(v1::Reason reason);

inline bool IsRetried(v1::Reason reason) { return FailureClassOf(reason).retried; }
inline bool CountsAsAttempt(v1::Reason reason) { return FailureClassOf(reason).counts; }

// Adds `count` runs in `state` to `counts`, the total included.
void AddRuns(v1::RunState state, int count, v1::RunCounts& counts);

// See JobState.
v1::JobState JobStateOf(const v1::RunCounts& counts);

}  // namespace skew

#endif  // SKEW_COMMON_RUN_STATE_H_

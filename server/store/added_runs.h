// Runs that a job gets after its submission, inside a write transaction.
#ifndef SKEW_SERVER_STORE_ADDED_RUNS_H_
#define SKEW_SERVER_STORE_ADDED_RUNS_H_

#include "absl/status/status.h"
#include "common/ids.h"
#include "server/store/connections.h"

namespace skew {

// Has the job's stop rule, if it has one, look at the cell of this run, which has just succeeded: adds the iteration
// that the cell needs next and queues it, or answers it from the store and looks again.
absl::Status AddNeededIteration(WriteScope& scope, RunId succeeded);

// The same for every cell of a job that was just submitted, whose runs may have been answered.
absl::Status AddNeededIterations(WriteScope& scope, JobId job);

}  // namespace skew

#endif  // SKEW_SERVER_STORE_ADDED_RUNS_H_

// The rows of a job that goes, piece by piece.
#ifndef SKEW_SERVER_STORE_REMOVED_ROWS_H_
#define SKEW_SERVER_STORE_REMOVED_ROWS_H_

#include "absl/status/statusor.h"
#include "common/ids.h"
#include "server/store/connections.h"
#include "server/store/job_deletion.h"

namespace skew {

// Removes as much of a job that nobody sees any more as may go at once, and writes its files down for removal. Whatever
// is left is whole: a run that is there has all that it had. True when the job itself is gone.
absl::StatusOr<bool> RemovePortion(WriteScope& scope, JobId id, const RemovedAtOnce& at_once);

}  // namespace skew

#endif  // SKEW_SERVER_STORE_REMOVED_ROWS_H_

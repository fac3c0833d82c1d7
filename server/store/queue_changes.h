// What users do to queued jobs, and what becomes of those that wait for others; inside a transaction.
#ifndef SKEW_SERVER_STORE_QUEUE_CHANGES_H_
#define SKEW_SERVER_STORE_QUEUE_CHANGES_H_

#include <cstdint>
#include <map>
#include <set>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/ids.h"
#include "server/store/connections.h"
#include "skew/v1/queue.pb.h"

namespace skew {

// Sets priority or pause of all runs of the job that have not ended, or of one, and appends the event
// (`change` needs no run_id). FAILED_PRECONDITION, naming the state, when there is nothing left to start.
absl::Status ChangeQueued(WriteScope& scope, JobId id, const v1::QueueChanged& change);
absl::Status ChangeQueued(WriteScope& scope, RunId id, const v1::QueueChanged& change);

// See JobService.RetryJob: of the job's runs after number `after` that can be retried, the first `most`. Without
// `after` it is checked and prepared first what all of them need. The number of the last one; 0 when there are no more.
absl::StatusOr<int32_t> RetryJob(WriteScope& scope, JobId id, int32_t after, int most);
// See RunService.RetryRun.
absl::Status RetryRun(WriteScope& scope, RunId id);

// Jobs whose waiting is over, one way or the other.
struct SettledWaits {
  std::set<JobId> changed;
  std::map<JobId, JobId> failed;  // and the job that they came after
};
absl::StatusOr<SettledWaits> FindSettled(Database& db);
// Lets the ones start and fails runs of the others; at most kRunsAtOnce in all, which may leave some for the next time.
absl::Status WriteSettled(WriteScope& scope, const SettledWaits& settled);

}  // namespace skew

#endif  // SKEW_SERVER_STORE_QUEUE_CHANGES_H_

// The tables of the queue and of users' shares, inside a transaction.
#ifndef SKEW_SERVER_STORE_QUEUE_ROWS_H_
#define SKEW_SERVER_STORE_QUEUE_ROWS_H_

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/ids.h"
#include "server/store/connections.h"
#include "skew/v1/queue.pb.h"
#include "skew/v1/run.pb.h"

namespace skew {

// A user's settings, those of "*" and the defaults filled in.
struct ShareSettings {
  double weight = 1;
  int32_t max_slots = 0;  // 0 here and below: no limit
  int32_t max_queued = 0;
  int64_t max_artifact_bytes = 0;
};
absl::StatusOr<ShareSettings> ReadShareSettings(Database& db, const std::string& user);

// RESOURCE_EXHAUSTED, naming the limit, its value and what there is, when `more_runs` queued ones are too many, or the
// user has stored as much as is allowed.
absl::Status CheckQueueLimit(Database& db, const std::string& user, int64_t more_runs);
absl::Status CheckArtifactLimit(Database& db, const std::string& user);

// Enters the QUEUED runs of a job that was just inserted.
absl::Status EnterQueue(WriteScope& scope, JobId job);

// Keeps the queue in step with a run that changes its state; its row has the new state already.
absl::Status MoveInQueue(WriteScope& scope, RunId run, v1::RunState from, v1::RunState to);

// Writes down what the job's queued runs wait for now: its classifier, jobs they come after.
absl::Status RefreshWaits(WriteScope& scope, JobId job);
// Jobs whose queued runs wait for something else than is written down.
absl::StatusOr<std::set<JobId>> ChangedWaits(Database& db);

// Jobs that `job` comes after and that have not succeeded, by number.
absl::StatusOr<std::vector<JobId>> OpenDependencies(Database& db, JobId job);
absl::StatusOr<std::vector<JobId>> Dependencies(Database& db, JobId job);
// The first of them that has ended otherwise; a number of 0 when none has.
absl::StatusOr<JobId> FailedDependency(Database& db, JobId job);

// Adds the attempt's slot time up to `until` to its owner's use, decayed to the end of the transaction.
absl::Status ChargeUse(WriteScope& scope, RunId run, int32_t attempt, absl::Time until);

// A run of the owner's was just started.
absl::Status NoteStart(WriteScope& scope, RunId run);

// The run has succeeded: learns its length and what it used of a GPU's memory, when this was its only attempt.
absl::Status LearnLength(WriteScope& scope, RunId run, int32_t attempt, int64_t peak_bytes);

}  // namespace skew

#endif  // SKEW_SERVER_STORE_QUEUE_ROWS_H_

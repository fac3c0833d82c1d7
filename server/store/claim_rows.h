// What RunStore claims runs with.
#ifndef SKEW_SERVER_STORE_CLAIM_ROWS_H_
#define SKEW_SERVER_STORE_CLAIM_ROWS_H_

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/ids.h"
#include "server/store/connections.h"
#include "server/store/run_store.h"
#include "server/store/sqlite.h"

namespace skew {

// The next of these runs that may start now. Nothing is found, although there may be others, when that one was done by
// another run after it had been begun itself: then it is answered; or when another run is trained that would answer it:
// then it stands back and gets a time before which it is not ready.
absl::StatusOr<std::optional<RunId>> FindRunnable(WriteScope& scope, const QueueKey& key);

// NOT_FOUND without this job.
absl::Status ReadJobSources(Database& db, JobId id, JobSources& sources);

// Everything of a claim but its attempt, which it has.
absl::Status ReadClaimedJob(Database& db, Claim& claim);

// QUEUED -> STARTING with a new attempt.
absl::Status ClaimRun(WriteScope& scope, RunId run, const ClaimDevice& device, const std::string& token_digest,
                      Claim& claim);

}  // namespace skew

#endif  // SKEW_SERVER_STORE_CLAIM_ROWS_H_

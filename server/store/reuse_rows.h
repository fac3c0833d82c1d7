// Runs that are answered from the store, because their content was done already.
//
// When that is decided: at submission, in its transaction, and for what then still waits whenever a run succeeds.
// Not when a run would be dispatched, because the job that gets all of its answers is then done at once, and because
// the dispatcher need not look: a run that waits is one whose content nobody has finished. The judge of a study may not
// be trained yet when it is submitted; then nothing can have been judged by it and there is nothing to find. Judges,
// all that a study has, are compared by the digests that the finished run's histogram has and those of the classifiers
// that the new run would get now. When a classifier is trained anew while runs wait, they are compared with the new one
// when the next run succeeds.
//
// A run under way is not waited for: two with the same content that have both started are both trained.
//
// Answers are copies of the rows (histograms and artifacts; the artifacts' files, stored by content, are shared), so
// that every reader finds them where it always did, and the original may be deleted. Whoever removes files must leave
// those that another run's row names.
#ifndef SKEW_SERVER_STORE_REUSE_ROWS_H_
#define SKEW_SERVER_STORE_REUSE_ROWS_H_

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/ids.h"
#include "server/store/connections.h"
#include "server/store/job_store.h"
#include "skew/v1/job.pb.h"

namespace skew {

// Answers the runs of `id`, which were just queued as `job` says, that were done already: by the newest that did.
// Nothing when the job says no_reuse.
absl::Status AnswerFromStore(WriteScope& scope, JobId id, const NewJob& job);

// Positions in `job` of the runs that would be, in ascending order. Reads only.
absl::StatusOr<std::vector<size_t>> FindAnswers(Database& db, const NewJob& job);

// Answers this run, which is queued, if another one did it already, whatever its own attempts brought; says whether it
// was.
absl::StatusOr<bool> AnswerIfDone(WriteScope& scope, RunId id);

// A run that is trained now with the content and the judges of this one, which is queued and was not begun: it would be
// answered by it.
absl::StatusOr<std::optional<RunId>> FindTwinUnderWay(Database& db, RunId id);

// Lets runs that stand back for this one, which is not trained any more and answers nobody, be ready again.
absl::Status ReleaseTwins(WriteScope& scope, RunId id);

// Answers the queued runs that have the content of `done`, which has just succeeded, and that no worker has begun; says
// which.
absl::StatusOr<std::vector<RunId>> AnswerWaitingTwins(WriteScope& scope, RunId done);

// Takes the key away from a run that is computed in another precision than the key was made with.
absl::Status CheckPrecision(WriteScope& scope, RunId id, v1::Precision precision);

// For the submitter: "3 of 5 runs done already: answered from the store".
std::string ReuseNote(const v1::RunCounts& counts);

}  // namespace skew

#endif  // SKEW_SERVER_STORE_REUSE_ROWS_H_

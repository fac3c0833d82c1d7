// From a submitted specification to a job that can be stored.
#ifndef SKEW_SERVER_API_SUBMISSION_H_
#define SKEW_SERVER_API_SUBMISSION_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "server/api/caller.h"
#include "server/api/large_calls.h"
#include "server/jobs/scheduler.h"
#include "server/store/dataset_registry.h"
#include "server/store/job_store.h"
#include "skew/v1/job_service.pb.h"

namespace skew {

// A validated job and the trainings of the classifiers it needs, should they not be there.
struct PreparedJob {
  NewJob job;
  std::vector<NewJob> trainings;
  std::optional<OpenStreams::Place> turn;  // of a job that is large
};

// Fills defaults, checks and expands. INVALID_ARGUMENT with everything that is wrong (see CheckSpec); errors of
// `await_turn`. `auto_precision` is what AUTO means on this server, AUTO when nobody knows.
absl::StatusOr<PreparedJob> PrepareJob(const v1::SubmitJobRequest& request, absl::string_view owner,
                                       DatasetRegistry& datasets, v1::Precision auto_precision,
                                       AwaitTurnOfCall await_turn);

// The job that the same request has made before goes into `response`; false when there is none. It is there whatever
// would keep a new one from being accepted, and so is its answer. ALREADY_EXISTS as of JobStore::Submit;
// INVALID_ARGUMENT as of CheckSpecSize.
absl::StatusOr<bool> AnswerRepeated(const v1::SubmitJobRequest& request, absl::string_view owner, JobStore& jobs,
                                    v1::SubmitJobResponse& response);
absl::StatusOr<bool> AnswerRepeated(const NewJob& job, JobStore& jobs, v1::SubmitJobResponse& response);

// Stores it and has it started. RESOURCE_EXHAUSTED while the disk is nearly full; other errors as of JobStore::Submit.
absl::Status SubmitPrepared(const PreparedJob& prepared, const Caller& caller, JobStore& jobs, Scheduler& scheduler,
                            v1::SubmitJobResponse& response);

}  // namespace skew

#endif  // SKEW_SERVER_API_SUBMISSION_H_

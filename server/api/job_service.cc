#include "server/api/job_service.h"

#include <string>
#include <utility>

#include "absl/functional/function_ref.h"
#include "absl/strings/str_cat.h"
#include "common/judges.h"
#include "common/results.h"
#include "common/status.h"
#include "common/stop_rule.h"
#include "server/api/changed.h"
#include "server/api/large_calls.h"
#include "server/api/ordered_bytes.h"
#include "server/api/preview.h"
#include "server/api/queue_service.h"
#include "server/api/respond.h"
#include "server/api/spec_check.h"
#include "server/api/submission.h"

namespace skew {
namespace {

// A stream that ends at once with an error.
class FailedWatch final : public WatchReactor {
 public:
  explicit FailedWatch(const absl::Status& status) { Finish(ToGrpc(status)); }
  void OnDone() override { delete this; }
};

// Watches what `topic_of` makes of the request.
template <typename Request>
WatchReactor* Watch(AccessGate& gate, WatchPump& pump, grpc::CallbackServerContext& context,
                    const grpc::ByteBuffer& bytes,
                    absl::FunctionRef<absl::StatusOr<WatchTopic>(const Request&)> topic_of) {
  grpc::ByteBuffer copy(bytes);
  Request request;
  if (!grpc::SerializationTraits<Request>::Deserialize(&copy, &request).ok()) {
    return new FailedWatch(
        absl::InvalidArgumentError(absl::StrCat("the request is no ", Request::descriptor()->name())));
  }
  absl::StatusOr<Caller> caller = gate.Admit(context, request);
  if (!caller.ok()) return new FailedWatch(caller.status());
  absl::StatusOr<WatchTopic> topic = topic_of(request);
  if (!topic.ok()) return new FailedWatch(topic.status());
  const absl::StatusOr<WatchReactor*> watch =
      pump.Watch(context, *std::move(caller), *std::move(topic), request.after_revision());
  return watch.ok() ? *watch : new FailedWatch(watch.status());
}

absl::Status CheckFilterLabels(const v1::JobFilter& filter) {
  if (filter.labels_size() <= kMostLabels) return absl::OkStatus();
  return InvalidField("filter.labels",
                      absl::StrCat(filter.labels_size(), " labels; no job has more than ", kMostLabels));
}

absl::Status CheckWatchFilter(const v1::JobFilter& filter) {
  if (!filter.states().empty()) {
    return InvalidField("filter.states", "states change while jobs are watched; their changes are among the events");
  }
  if (filter.deleted()) return InvalidField("filter.deleted", "only jobs that are not deleted can be watched so");
  if (!v1::JobKind_IsValid(filter.kind())) {
    return InvalidField("filter.kind", absl::StrCat(static_cast<int>(filter.kind()), " is no kind of job"));
  }
  return CheckFilterLabels(filter);
}

}  // namespace

grpc::Status JobService::SubmitJob(grpc::ServerContext* context, const v1::SubmitJobRequest* request,
                                   v1::SubmitJobResponse* response) {
  const absl::StatusOr<Caller> caller = gate_->Admit(*context, *request);
  if (!caller.ok()) return ToGrpc(caller.status());
  if (!request->validate_only()) {
    const absl::StatusOr<bool> repeated = AnswerRepeated(*request, caller->user, *jobs_, *response);
    if (!repeated.ok() || *repeated) return ToGrpc(repeated.status());
  }
  if (hub_->draining()) return ToGrpc(absl::UnavailableError("the server is shutting down and takes no new jobs"));
  absl::StatusOr<PreparedJob> prepared =
      PrepareJob(*request, caller->user, *datasets_, auto_precision_,
                 [&](int64_t runs) { return AwaitTurnFor(runs, *streams_, *caller, *context); });
  if (!prepared.ok()) return ToGrpc(prepared.status());
  if (request->validate_only()) {
    return ToGrpc(DescribePreview(*std::move(prepared), *reuse_, *view_, *response));
  }
  return ToGrpc(SubmitPrepared(*prepared, *caller, *jobs_, *scheduler_, *response));
}

grpc::Status JobService::GetJob(grpc::ServerContext* context, const v1::GetJobRequest* request, v1::Job* response) {
  const absl::StatusOr<Caller> caller = gate_->Admit(*context, *request);
  if (!caller.ok()) return ToGrpc(caller.status());
  const absl::StatusOr<JobId> id = JobId::Parse(request->job_id());
  if (!id.ok()) return ToGrpc(id.status());
  const grpc::Status status = Respond(jobs_->Get(*id), *response);
  return status.ok() ? ToGrpc(view_->Describe(*response)) : status;
}

grpc::Status JobService::ListJobs(grpc::ServerContext* context, const v1::ListJobsRequest* request,
                                  v1::ListJobsResponse* response) {
  const absl::StatusOr<Caller> caller = gate_->Admit(*context, *request);
  if (!caller.ok()) return ToGrpc(caller.status());
  if (const absl::Status status = CheckFilterLabels(request->filter()); !status.ok()) return ToGrpc(status);
  return Respond(jobs_->List(*request), *response);
}

grpc::Status JobService::CancelJob(grpc::ServerContext* context, const v1::CancelJobRequest* request,
                                   v1::Job* response) {
  return RespondChanged<JobId>(*gate_, *scheduler_, *context, *request, request->job_id(), *response,
                               [&](JobId id, const Actor& actor) { return jobs_->Cancel(id, actor); });
}

grpc::Status JobService::PauseJob(grpc::ServerContext* context, const v1::PauseJobRequest* request, v1::Job* response) {
  return RespondChanged<JobId>(*gate_, *scheduler_, *context, *request, request->job_id(), *response,
                               [&](JobId id, const Actor& actor) { return queue_->SetPaused(id, true, actor); });
}

grpc::Status JobService::ResumeJob(grpc::ServerContext* context, const v1::ResumeJobRequest* request,
                                   v1::Job* response) {
  return RespondChanged<JobId>(*gate_, *scheduler_, *context, *request, request->job_id(), *response,
                               [&](JobId id, const Actor& actor) { return queue_->SetPaused(id, false, actor); });
}

grpc::Status JobService::RetryJob(grpc::ServerContext* context, const v1::RetryJobRequest* request, v1::Job* response) {
  return RespondChanged<JobId>(*gate_, *scheduler_, *context, *request, request->job_id(), *response,
                               [&](JobId id, const Actor& actor) { return queue_->Retry(id, actor); });
}

grpc::Status JobService::SetJobPriority(grpc::ServerContext* context, const v1::SetJobPriorityRequest* request,
                                        v1::Job* response) {
  return RespondChanged<JobId>(*gate_, *scheduler_, *context, *request, request->job_id(), *response,
                               [&](JobId id, const Actor& actor) -> absl::StatusOr<v1::Job> {
                                 SKEW_RETURN_IF_ERROR(CheckPriority(request->priority()));
                                 return queue_->SetPriority(id, request->priority(), actor);
                               });
}

grpc::Status JobService::DeleteJob(grpc::ServerContext* context, const v1::DeleteJobRequest* request,
                                   v1::Job* response) {
  return RespondChanged<JobId>(
      *gate_, *scheduler_, *context, *request, request->job_id(), *response, [&](JobId id, const Actor& actor) {
        if (!request->purge()) return deletion_->Delete(id, actor);
        return deletion_->Purge(id, JobDeletion::When::kNow, actor, [this] { return !hub_->draining(); });
      });
}

grpc::Status JobService::UndeleteJob(grpc::ServerContext* context, const v1::UndeleteJobRequest* request,
                                     v1::Job* response) {
  return RespondChanged<JobId>(*gate_, *scheduler_, *context, *request, request->job_id(), *response,
                               [&](JobId id, const Actor& actor) { return deletion_->Undelete(id, actor); });
}

grpc::Status JobService::GetResults(grpc::ServerContext* context, const v1::GetResultsRequest* request,
                                    v1::GetResultsResponse* response) {
  const absl::StatusOr<Caller> caller = gate_->Admit(*context, *request);
  if (!caller.ok()) return ToGrpc(caller.status());
  const absl::StatusOr<JobId> id = JobId::Parse(request->job_id());
  if (!id.ok()) return ToGrpc(id.status());
  const absl::StatusOr<OpenStreams::Place> turn = AwaitTurn(*streams_, *caller, *context);
  if (!turn.ok()) return ToGrpc(turn.status());
  const absl::StatusOr<JobStore::JobWithRuns> stored = jobs_->GetWithRuns(*id);
  if (!stored.ok()) return ToGrpc(stored.status());
  response->set_job_id(stored->job.id());
  response->set_state(stored->job.state());
  response->set_revision(stored->job.revision());
  // The training of a classifier has no class shares, so no cells.
  if (stored->job.kind() != v1::STUDY) return grpc::Status::OK;
  if (!request->allow_different_judges()) {
    if (const absl::Status status = CheckOneJudge(JudgesOf(stored->runs)); !status.ok()) return ToGrpc(status);
  }
  for (v1::ResultCell& cell : ComputeResults(stored->runs, stored->classifiers, request->include_runs())) {
    *response->add_cells() = std::move(cell);
  }
  if (stored->job.spec().has_stop()) *response->mutable_saved() = SavedByStopping(stored->job.spec(), stored->runs);
  response->mutable_classifiers()->Assign(stored->classifiers.begin(), stored->classifiers.end());
  return grpc::Status::OK;
}

WatchReactor* JobService::WatchJob(grpc::CallbackServerContext* context, const grpc::ByteBuffer* bytes) {
  return Watch<v1::WatchJobRequest>(*gate_, *pump_, *context, *bytes,
                                    [](const v1::WatchJobRequest& request) -> absl::StatusOr<WatchTopic> {
                                      SKEW_ASSIGN_OR_RETURN(const JobId id, JobId::Parse(request.job_id()));
                                      return WatchTopic{id, ""};
                                    });
}

WatchReactor* JobService::WatchJobs(grpc::CallbackServerContext* context, const grpc::ByteBuffer* bytes) {
  return Watch<v1::WatchJobsRequest>(*gate_, *pump_, *context, *bytes,
                                     [](const v1::WatchJobsRequest& request) -> absl::StatusOr<WatchTopic> {
                                       SKEW_RETURN_IF_ERROR(CheckWatchFilter(request.filter()));
                                       return WatchTopic{EventHub::kAnyJob, OrderedBytes(request.filter())};
                                     });
}

}  // namespace skew

#include "server/api/job_service.h"

#include <utility>

#include "common/judges.h"
#include "common/results.h"
#include "common/status.h"
#include "common/stop_rule.h"
#include "server/api/changed.h"
#include "server/api/preview.h"
#include "server/api/queue_service.h"
#include "server/api/respond.h"
#include "server/api/submission.h"

namespace skew {
namespace {

// A stream that ends at once with an error.
class FailedWatch final : public WatchReactor {
 public:
  explicit FailedWatch(const absl::Status& status) { Finish(ToGrpc(status)); }
  void OnDone() override { delete this; }
};

}  // namespace

grpc::Status JobService::SubmitJob(grpc::ServerContext* context, const v1::SubmitJobRequest* request,
                                   v1::SubmitJobResponse* response) {
  const absl::StatusOr<Caller> caller = gate_->Admit(*context, *request);
  if (!caller.ok()) return ToGrpc(caller.status());
  if (hub_->draining()) return ToGrpc(absl::UnavailableError("the server is shutting down and takes no new jobs"));
  absl::StatusOr<PreparedJob> prepared = PrepareJob(*request, caller->user, *datasets_, auto_precision_);
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
        return request->purge() ? deletion_->Purge(id, JobDeletion::When::kNow, actor) : deletion_->Delete(id, actor);
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
  grpc::ByteBuffer copy(*bytes);
  v1::WatchJobRequest request;
  const grpc::Status parsed = grpc::SerializationTraits<v1::WatchJobRequest>::Deserialize(&copy, &request);
  if (!parsed.ok()) return new FailedWatch(absl::InvalidArgumentError("the request is no WatchJobRequest"));
  absl::StatusOr<Caller> caller = gate_->Admit(*context, request);
  if (!caller.ok()) return new FailedWatch(caller.status());
  const absl::StatusOr<JobId> id = JobId::Parse(request.job_id());
  if (!id.ok()) return new FailedWatch(id.status());
  const absl::StatusOr<WatchReactor*> watch = pump_->Watch(*context, *std::move(caller), *id, request.after_revision());
  return watch.ok() ? *watch : new FailedWatch(watch.status());
}

}  // namespace skew

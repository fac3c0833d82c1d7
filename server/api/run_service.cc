#include "server/api/run_service.h"

#include <fstream>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/run_state.h"
#include "common/status.h"
#include "server/api/queue_service.h"
#include "server/api/respond.h"

namespace skew {
namespace {

constexpr size_t kChunk = size_t{1} << 16;

// Sends what the file has from `offset` on, in chunks, and returns where it ended; -1 when the reader has gone.
template <typename Writer>
int64_t SendFile(const std::string& path, int64_t offset, Writer write) {
  std::ifstream in(path, std::ios::binary);
  in.seekg(offset);
  std::string chunk(kChunk, '\0');
  while (in) {
    in.read(chunk.data(), static_cast<std::streamsize>(chunk.size()));
    const auto count = static_cast<size_t>(in.gcount());
    if (count == 0) break;
    if (!write(chunk.substr(0, count), offset)) return -1;
    offset += static_cast<int64_t>(count);
  }
  return offset;
}

}  // namespace

grpc::Status RunService::GetRun(grpc::ServerContext* /*context*/, const v1::GetRunRequest* request, v1::Run* response) {
  const absl::StatusOr<RunId> id = RunId::Parse(request->run_id());
  if (!id.ok()) return ToGrpc(id.status());
  const grpc::Status status = Respond(jobs_->GetRun(*id), *response);
  // Of one run it is not known when its job changed last: any change makes the forecast anew.
  constexpr int64_t kNewest = std::numeric_limits<int64_t>::max();
  return status.ok() ? ToGrpc(view_->Describe(id->job, kNewest, {response})) : status;
}

grpc::Status RunService::ListRuns(grpc::ServerContext* /*context*/, const v1::ListRunsRequest* request,
                                  v1::ListRunsResponse* response) {
  const grpc::Status status = Respond(jobs_->ListRuns(*request), *response);
  if (!status.ok() || response->runs().empty()) return status;
  const absl::StatusOr<JobId> job = JobId::Parse(request->job_id());
  if (!job.ok()) return ToGrpc(job.status());
  std::vector<v1::Run*> runs(response->mutable_runs()->pointer_begin(), response->mutable_runs()->pointer_end());
  return ToGrpc(view_->Describe(*job, response->revision(), std::move(runs)));
}

grpc::Status RunService::CancelRun(grpc::ServerContext* /*context*/, const v1::CancelRunRequest* request,
                                   v1::Run* response) {
  const absl::StatusOr<RunId> id = RunId::Parse(request->run_id());
  return id.ok() ? Changed(jobs_->Cancel(*id), *response) : ToGrpc(id.status());
}

grpc::Status RunService::PauseRun(grpc::ServerContext* /*context*/, const v1::PauseRunRequest* request,
                                  v1::Run* response) {
  const absl::StatusOr<RunId> id = RunId::Parse(request->run_id());
  return id.ok() ? Changed(queue_->SetPaused(*id, true), *response) : ToGrpc(id.status());
}

grpc::Status RunService::ResumeRun(grpc::ServerContext* /*context*/, const v1::ResumeRunRequest* request,
                                   v1::Run* response) {
  const absl::StatusOr<RunId> id = RunId::Parse(request->run_id());
  return id.ok() ? Changed(queue_->SetPaused(*id, false), *response) : ToGrpc(id.status());
}

grpc::Status RunService::RetryRun(grpc::ServerContext* /*context*/, const v1::RetryRunRequest* request,
                                  v1::Run* response) {
  const absl::StatusOr<RunId> id = RunId::Parse(request->run_id());
  return id.ok() ? Changed(queue_->Retry(*id), *response) : ToGrpc(id.status());
}

grpc::Status RunService::SetRunPriority(grpc::ServerContext* /*context*/, const v1::SetRunPriorityRequest* request,
                                        v1::Run* response) {
  const absl::StatusOr<RunId> id = RunId::Parse(request->run_id());
  if (!id.ok()) return ToGrpc(id.status());
  const absl::Status valid = CheckPriority(request->priority());
  return valid.ok() ? Changed(queue_->SetPriority(*id, request->priority()), *response) : ToGrpc(valid);
}

grpc::Status RunService::Changed(absl::StatusOr<v1::Run> run, v1::Run& response) {
  const grpc::Status status = Respond(std::move(run), response);
  if (status.ok()) scheduler_->Wake();
  return status;
}

absl::StatusOr<AttemptId> RunService::FindAttempt(const v1::ReadLogRequest& request) {
  SKEW_ASSIGN_OR_RETURN(const RunId id, RunId::Parse(request.run_id()));
  SKEW_ASSIGN_OR_RETURN(const v1::Run run, jobs_->GetRun(id));
  if (run.attempts().empty()) {
    return absl::NotFoundError(absl::StrCat("run ", request.run_id(), " has not been started, so it has no log"));
  }
  const int32_t newest = run.attempts().rbegin()->number();
  if (request.attempt() < 0 || request.attempt() > newest) {
    return absl::NotFoundError(
        absl::StrCat("run ", request.run_id(), " has attempts 1 to ", newest, ", not ", request.attempt()));
  }
  return AttemptId{id, request.attempt() == 0 ? newest : request.attempt()};
}

grpc::Status RunService::ReadLog(grpc::ServerContext* context, const v1::ReadLogRequest* request,
                                 grpc::ServerWriter<v1::ReadLogResponse>* writer) {
  const absl::StatusOr<AttemptId> attempt = FindAttempt(*request);
  if (!attempt.ok()) return ToGrpc(attempt.status());
  if (request->offset() < 0) return ToGrpc(InvalidField("offset", absl::StrCat(request->offset(), " is below 0")));
  const std::string path = state_dir_->LogFile(*attempt);
  const auto write = [writer](std::string data, int64_t offset) {
    v1::ReadLogResponse response;
    response.set_data(std::move(data));
    response.set_offset(offset);
    return writer->Write(response);
  };
  int64_t offset = request->offset();
  while (true) {
    const absl::StatusOr<v1::Run> run = jobs_->GetRun(attempt->run);
    if (!run.ok()) return ToGrpc(run.status());
    const bool ended = run->attempts(attempt->number - 1).has_end_time();  // before the read: what was there is sent
    offset = SendFile(path, offset, write);
    if (offset < 0 || ended || !request->follow() || context->IsCancelled()) return grpc::Status::OK;
    // A file tells nobody that it grew: look again after a while.
    if (hub_->AwaitDrain(absl::Milliseconds(300))) return ToGrpc(absl::UnavailableError("the server is shutting down"));
  }
}

grpc::Status ArtifactService::ListArtifacts(grpc::ServerContext* /*context*/, const v1::ListArtifactsRequest* request,
                                            v1::ListArtifactsResponse* response) {
  if (request->run_id().empty() == request->job_id().empty()) {
    return ToGrpc(InvalidField("run_id", "exactly one of run_id and job_id is needed"));
  }
  const auto list = [&]() -> absl::StatusOr<std::vector<v1::Artifact>> {
    if (!request->run_id().empty()) {
      SKEW_ASSIGN_OR_RETURN(const RunId run, RunId::Parse(request->run_id()));
      return artifacts_->List(run);
    }
    SKEW_ASSIGN_OR_RETURN(const JobId job, JobId::Parse(request->job_id()));
    return artifacts_->List(job);
  };
  const absl::StatusOr<std::vector<v1::Artifact>> artifacts = list();
  if (!artifacts.ok()) return ToGrpc(artifacts.status());
  response->mutable_artifacts()->Assign(artifacts->begin(), artifacts->end());
  return grpc::Status::OK;
}

grpc::Status ArtifactService::ReadArtifact(grpc::ServerContext* /*context*/, const v1::ReadArtifactRequest* request,
                                           grpc::ServerWriter<v1::ReadArtifactResponse>* writer) {
  const absl::StatusOr<RunId> run = RunId::Parse(request->run_id());
  if (!run.ok()) return ToGrpc(run.status());
  const absl::StatusOr<v1::Artifact> artifact = artifacts_->Find(*run, request->name());
  if (!artifact.ok()) return ToGrpc(artifact.status());
  if (request->offset() < 0 || request->offset() > artifact->size_bytes()) {
    return ToGrpc(
        absl::OutOfRangeError(absl::StrCat("offset ", request->offset(), " is not in 0..", artifact->size_bytes())));
  }
  v1::ReadArtifactResponse response;
  *response.mutable_artifact() = *artifact;
  if (!writer->Write(response)) return grpc::Status::CANCELLED;
  response.clear_artifact();
  SendFile(artifacts_->PathOf(artifact->digest()), request->offset(), [&](std::string data, int64_t /*offset*/) {
    response.set_data(std::move(data));
    return writer->Write(response);
  });
  return grpc::Status::OK;
}

}  // namespace skew

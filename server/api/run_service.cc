#include "server/api/run_service.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <utility>
#include <vector>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "common/file.h"
#include "common/run_state.h"
#include "common/status.h"
#include "server/api/changed.h"
#include "server/api/large_calls.h"
#include "server/api/queue_service.h"
#include "server/api/respond.h"

namespace skew {
namespace {

constexpr size_t kChunk = size_t{1} << 16;

// To a client every error of a file that it may read is one that may pass: nothing that it asked for is wrong.
absl::Status FileError(absl::string_view what, const std::string& path) {
  return absl::UnavailableError(SystemError(errno, absl::StrCat("cannot ", what, " ", path)).message());
}

// Sends what the file has from `offset` on, in chunks, and returns where it ended; -1 when the reader has gone.
// NOT_FOUND when there is no such file, UNAVAILABLE when it cannot be read.
template <typename Writer>
absl::StatusOr<int64_t> SendFile(const std::string& path, int64_t offset, Writer write) {
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0 && errno == ENOENT) return absl::NotFoundError(absl::StrCat(path, " is not there"));
  if (file < 0) return FileError("open", path);
  const absl::Cleanup closer = [file] { close(file); };
  std::string chunk(kChunk, '\0');
  while (true) {
    const ssize_t count = pread(file, chunk.data(), chunk.size(), offset);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return FileError("read", path);
    if (count == 0) return offset;
    if (!write(chunk.substr(0, static_cast<size_t>(count)), offset)) return -1;
    offset += count;
  }
}

// A thread waits here until the message is taken, or the stream is cut.
template <typename Response>
bool Write(SlowReaders::Reader& reader, grpc::ServerWriter<Response>& writer, const Response& response) {
  reader.Begin();
  const bool taken = writer.Write(response);
  reader.End();
  return taken;
}

}  // namespace

grpc::Status RunService::GetRun(grpc::ServerContext* context, const v1::GetRunRequest* request, v1::Run* response) {
  const absl::StatusOr<Caller> caller = gate_->Admit(*context, *request);
  if (!caller.ok()) return ToGrpc(caller.status());
  const absl::StatusOr<RunId> id = RunId::Parse(request->run_id());
  if (!id.ok()) return ToGrpc(id.status());
  grpc::Status status = Respond(jobs_->GetRun(*id), *response);
  if (!status.ok() || IsTerminal(response->state())) return status;
  const absl::StatusOr<v1::Job> job = jobs_->Get(id->job);
  return job.ok() ? ToGrpc(view_->Describe(id->job, job->revision(), {response})) : ToGrpc(job.status());
}

grpc::Status RunService::ListRuns(grpc::ServerContext* context, const v1::ListRunsRequest* request,
                                  v1::ListRunsResponse* response) {
  const absl::StatusOr<Caller> caller = gate_->Admit(*context, *request);
  if (!caller.ok()) return ToGrpc(caller.status());
  grpc::Status status = Respond(jobs_->ListRuns(*request), *response);
  if (!status.ok() || response->runs().empty()) return status;
  const absl::StatusOr<JobId> job = JobId::Parse(request->job_id());
  if (!job.ok()) return ToGrpc(job.status());
  std::vector<v1::Run*> runs(response->mutable_runs()->pointer_begin(), response->mutable_runs()->pointer_end());
  return ToGrpc(view_->Describe(*job, response->revision(), std::move(runs)));
}

grpc::Status RunService::ListHistograms(grpc::ServerContext* context, const v1::ListHistogramsRequest* request,
                                        v1::ListHistogramsResponse* response) {
  const absl::StatusOr<Caller> caller = gate_->Admit(*context, *request);
  if (!caller.ok()) return ToGrpc(caller.status());
  return Respond(jobs_->ListHistograms(*request), *response);
}

grpc::Status RunService::CancelRun(grpc::ServerContext* context, const v1::CancelRunRequest* request,
                                   v1::Run* response) {
  return RespondChanged<RunId>(*gate_, *scheduler_, *context, *request, request->run_id(), *response,
                               [&](RunId id, const Actor& actor) { return jobs_->Cancel(id, actor); });
}

grpc::Status RunService::PauseRun(grpc::ServerContext* context, const v1::PauseRunRequest* request, v1::Run* response) {
  return RespondChanged<RunId>(*gate_, *scheduler_, *context, *request, request->run_id(), *response,
                               [&](RunId id, const Actor& actor) { return queue_->SetPaused(id, true, actor); });
}

grpc::Status RunService::ResumeRun(grpc::ServerContext* context, const v1::ResumeRunRequest* request,
                                   v1::Run* response) {
  return RespondChanged<RunId>(*gate_, *scheduler_, *context, *request, request->run_id(), *response,
                               [&](RunId id, const Actor& actor) { return queue_->SetPaused(id, false, actor); });
}

grpc::Status RunService::RetryRun(grpc::ServerContext* context, const v1::RetryRunRequest* request, v1::Run* response) {
  return RespondChanged<RunId>(*gate_, *scheduler_, *context, *request, request->run_id(), *response,
                               [&](RunId id, const Actor& actor) { return queue_->Retry(id, actor); });
}

grpc::Status RunService::SetRunPriority(grpc::ServerContext* context, const v1::SetRunPriorityRequest* request,
                                        v1::Run* response) {
  return RespondChanged<RunId>(*gate_, *scheduler_, *context, *request, request->run_id(), *response,
                               [&](RunId id, const Actor& actor) -> absl::StatusOr<v1::Run> {
                                 SKEW_RETURN_IF_ERROR(CheckPriority(request->priority()));
                                 return queue_->SetPriority(id, request->priority(), actor);
                               });
}

absl::StatusOr<AttemptId> RunService::FindAttempt(const v1::ReadLogRequest& request) {
  SKEW_ASSIGN_OR_RETURN(const RunId id, RunId::Parse(request.run_id()));
  SKEW_ASSIGN_OR_RETURN(const v1::Run run, jobs_->GetRun(id));
  if (!run.reused_from().empty()) {
    return absl::NotFoundError(
        absl::StrCat("run ", request.run_id(), " was answered from the store: see the log of ", run.reused_from()));
  }
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
  absl::StatusOr<Caller> caller = gate_->Admit(*context, *request);
  if (!caller.ok()) return ToGrpc(caller.status());
  const absl::StatusOr<AttemptId> attempt = FindAttempt(*request);
  if (!attempt.ok()) return ToGrpc(attempt.status());
  if (request->offset() < 0) return ToGrpc(InvalidField("offset", absl::StrCat(request->offset(), " is below 0")));
  const absl::StatusOr<OpenStreams::Place> place = streams_->Open(OpenStreams::Kind::kRead, caller->user);
  if (!place.ok()) return ToGrpc(place.status());
  const std::shared_ptr<SlowReaders::Reader> reader = slow_readers_->Follow(*context);
  const std::string path = state_dir_->LogFile(*attempt);
  absl::Status access;
  const auto write = [&](std::string data, int64_t offset) {
    access = gate_->Recheck(*caller);
    if (!access.ok()) return false;
    v1::ReadLogResponse response;
    response.set_data(std::move(data));
    response.set_offset(offset);
    return Write(*reader, *writer, response);
  };
  int64_t offset = request->offset();
  while (true) {
    const absl::StatusOr<v1::Run> run = jobs_->GetRun(attempt->run);
    if (!run.ok()) return ToGrpc(run.status());
    const bool ended = run->attempts(attempt->number - 1).has_end_time();  // before the read: what was there is sent
    const absl::StatusOr<int64_t> sent = SendFile(path, offset, write);
    if (access.ok()) access = gate_->Recheck(*caller);
    if (!access.ok()) return ToGrpc(access);
    if (absl::IsNotFound(sent.status()) && ended && offset == 0) {
      return ToGrpc(absl::NotFoundError(absl::StrCat("the log of ", attempt->ToString(), " is not there (any more)")));
    }
    if (!sent.ok() && !absl::IsNotFound(sent.status())) return ToGrpc(sent.status());
    offset = sent.value_or(offset);
    if (offset < 0 || ended || !request->follow() || context->IsCancelled()) return grpc::Status::OK;
    // A file tells nobody that it grew: look again after a while.
    if (hub_->AwaitDrain(absl::Milliseconds(300))) return ToGrpc(absl::UnavailableError("the server is shutting down"));
  }
}

grpc::Status ArtifactService::ListArtifacts(grpc::ServerContext* context, const v1::ListArtifactsRequest* request,
                                            v1::ListArtifactsResponse* response) {
  const absl::StatusOr<Caller> caller = gate_->Admit(*context, *request);
  if (!caller.ok()) return ToGrpc(caller.status());
  if (request->run_id().empty() == request->job_id().empty()) {
    return ToGrpc(InvalidField("run_id", "exactly one of run_id and job_id is needed"));
  }
  const auto list = [&]() -> absl::StatusOr<std::vector<v1::Artifact>> {
    if (!request->run_id().empty()) {
      SKEW_ASSIGN_OR_RETURN(const RunId run, RunId::Parse(request->run_id()));
      return artifacts_->List(run);
    }
    SKEW_ASSIGN_OR_RETURN(const JobId job, JobId::Parse(request->job_id()));
    SKEW_ASSIGN_OR_RETURN(const OpenStreams::Place turn, AwaitTurn(*streams_, *caller, *context));
    return artifacts_->List(job);
  };
  const absl::StatusOr<std::vector<v1::Artifact>> artifacts = list();
  if (!artifacts.ok()) return ToGrpc(artifacts.status());
  response->mutable_artifacts()->Assign(artifacts->begin(), artifacts->end());
  return grpc::Status::OK;
}

grpc::Status ArtifactService::ReadArtifact(grpc::ServerContext* context, const v1::ReadArtifactRequest* request,
                                           grpc::ServerWriter<v1::ReadArtifactResponse>* writer) {
  absl::StatusOr<Caller> caller = gate_->Admit(*context, *request);
  if (!caller.ok()) return ToGrpc(caller.status());
  const absl::StatusOr<RunId> run = RunId::Parse(request->run_id());
  if (!run.ok()) return ToGrpc(run.status());
  // First of all: to find it, all of it is read.
  const absl::StatusOr<OpenStreams::Place> place = streams_->Open(OpenStreams::Kind::kRead, caller->user);
  if (!place.ok()) return ToGrpc(place.status());
  const absl::StatusOr<v1::Artifact> artifact = artifacts_->Find(*run, request->name());
  if (!artifact.ok()) return ToGrpc(artifact.status());
  if (request->offset() < 0 || request->offset() > artifact->size_bytes()) {
    return ToGrpc(
        absl::OutOfRangeError(absl::StrCat("offset ", request->offset(), " is not in 0..", artifact->size_bytes())));
  }
  const std::shared_ptr<SlowReaders::Reader> reader = slow_readers_->Follow(*context);
  v1::ReadArtifactResponse response;
  *response.mutable_artifact() = *artifact;
  if (!Write(*reader, *writer, response)) return grpc::Status::CANCELLED;
  response.clear_artifact();
  absl::Status access;
  const auto write = [&](std::string data, int64_t /*offset*/) {
    access = gate_->Recheck(*caller);
    response.set_data(std::move(data));
    return access.ok() && Write(*reader, *writer, response);
  };
  const absl::Status sent = SendFile(artifacts_->PathOf(artifact->digest()), request->offset(), write).status();
  if (!access.ok() || sent.ok()) return ToGrpc(access);
  // It was there and whole just now: the next call says what became of it.
  return ToGrpc(absl::UnavailableError(sent.message()));
}

}  // namespace skew

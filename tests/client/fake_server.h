// A gRPC server whose answers a test scripts.
#ifndef SKEW_TESTS_CLIENT_FAKE_SERVER_H_
#define SKEW_TESTS_CLIENT_FAKE_SERVER_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/types/span.h"
#include "client/client.h"
#include "grpcpp/grpcpp.h"
#include "skew/v1/job_service.grpc.pb.h"
#include "skew/v1/run_service.grpc.pb.h"

namespace skew {

// Listens on a free port of 127.0.0.1. Every method takes its answers from a queue, one per call, and fails with
// UNIMPLEMENTED when that is empty. Requests are kept. Thread-safe.
class FakeServer {
 public:
  // What one call does: messages to send, then a status.
  template <typename Response>
  struct Answer {
    std::vector<Response> messages;
    grpc::Status status = grpc::Status::OK;
  };

  // The answers to one method and the requests it got.
  template <typename Request, typename Response>
  class Script {
   public:
    void Add(std::vector<Response> messages, grpc::Status status = grpc::Status::OK) ABSL_LOCKS_EXCLUDED(mutex_) {
      absl::MutexLock lock(&mutex_);
      answers_.push_back({std::move(messages), std::move(status)});
    }
    void Fail(grpc::StatusCode code, const std::string& message = "scripted") { Add({}, grpc::Status(code, message)); }

    std::vector<Request> requests() const ABSL_LOCKS_EXCLUDED(mutex_) {
      absl::MutexLock lock(&mutex_);
      return requests_;
    }

    Answer<Response> Next(const Request& request) ABSL_LOCKS_EXCLUDED(mutex_) {
      absl::MutexLock lock(&mutex_);
      requests_.push_back(request);
      if (requests_.size() > answers_.size()) return {{}, {grpc::StatusCode::UNIMPLEMENTED, "not scripted"}};
      return answers_[requests_.size() - 1];
    }

   private:
    mutable absl::Mutex mutex_;
    std::vector<Answer<Response>> answers_ ABSL_GUARDED_BY(mutex_);
    std::vector<Request> requests_ ABSL_GUARDED_BY(mutex_);
  };

  FakeServer();
  ~FakeServer();

  // With waits so short that tests do not notice them.
  Client::Options ClientOptions() const;
  // `authorization` of the last call.
  std::string authorization() const ABSL_LOCKS_EXCLUDED(mutex_);

  Script<v1::SubmitJobRequest, v1::SubmitJobResponse> submit_job;
  Script<v1::GetJobRequest, v1::Job> get_job;
  Script<v1::ListJobsRequest, v1::ListJobsResponse> list_jobs;
  Script<v1::WatchJobRequest, v1::WatchJobResponse> watch_job;
  Script<v1::GetRunRequest, v1::Run> get_run;
  Script<v1::ListRunsRequest, v1::ListRunsResponse> list_runs;
  Script<v1::ReadLogRequest, v1::ReadLogResponse> read_log;
  Script<v1::ReadArtifactRequest, v1::ReadArtifactResponse> read_artifact;

 private:
  class Jobs;
  class Runs;
  class Artifacts;

  void Note(const grpc::ServerContext& context) ABSL_LOCKS_EXCLUDED(mutex_);

  mutable absl::Mutex mutex_;
  std::string authorization_ ABSL_GUARDED_BY(mutex_);
  int port_ = 0;
  std::vector<std::unique_ptr<grpc::Service>> services_;
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace skew

#endif  // SKEW_TESTS_CLIENT_FAKE_SERVER_H_

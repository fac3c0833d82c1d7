#include "tests/client/fake_server.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace skew {
namespace {

template <typename Request, typename Response>
grpc::Status AnswerOnce(FakeServer::Script<Request, Response>& script, const Request& request, Response* response) {
  const auto answer = script.Next(request);
  if (!answer.messages.empty()) *response = answer.messages[0];
  return answer.status;
}

template <typename Request, typename Response>
grpc::Status AnswerStream(FakeServer::Script<Request, Response>& script, const Request& request,
                          grpc::ServerWriter<Response>* writer) {
  const auto answer = script.Next(request);
  for (const Response& message : answer.messages) writer->Write(message);
  return answer.status;
}

}  // namespace

class FakeServer::Jobs final : public v1::JobService::Service {
 public:
  explicit Jobs(FakeServer* server) : server_(server) {}

  grpc::Status SubmitJob(grpc::ServerContext* context, const v1::SubmitJobRequest* request,
                         v1::SubmitJobResponse* response) override {
    server_->Note(*context);
    return AnswerOnce(server_->submit_job, *request, response);
  }
  grpc::Status GetJob(grpc::ServerContext* context, const v1::GetJobRequest* request, v1::Job* response) override {
    server_->Note(*context);
    return AnswerOnce(server_->get_job, *request, response);
  }
  grpc::Status ListJobs(grpc::ServerContext* /*context*/, const v1::ListJobsRequest* request,
                        v1::ListJobsResponse* response) override {
    return AnswerOnce(server_->list_jobs, *request, response);
  }
  grpc::Status WatchJob(grpc::ServerContext* context, const v1::WatchJobRequest* request,
                        grpc::ServerWriter<v1::WatchJobResponse>* writer) override {
    server_->Note(*context);
    return AnswerStream(server_->watch_job, *request, writer);
  }

 private:
  FakeServer* const server_;
};

class FakeServer::Runs final : public v1::RunService::Service {
 public:
  explicit Runs(FakeServer* server) : server_(server) {}

  grpc::Status GetRun(grpc::ServerContext* /*context*/, const v1::GetRunRequest* request, v1::Run* response) override {
    return AnswerOnce(server_->get_run, *request, response);
  }
  grpc::Status ListRuns(grpc::ServerContext* /*context*/, const v1::ListRunsRequest* request,
                        v1::ListRunsResponse* response) override {
    return AnswerOnce(server_->list_runs, *request, response);
  }
  grpc::Status ReadLog(grpc::ServerContext* /*context*/, const v1::ReadLogRequest* request,
                       grpc::ServerWriter<v1::ReadLogResponse>* writer) override {
    return AnswerStream(server_->read_log, *request, writer);
  }

 private:
  FakeServer* const server_;
};

class FakeServer::Artifacts final : public v1::ArtifactService::Service {
 public:
  explicit Artifacts(FakeServer* server) : server_(server) {}

  grpc::Status ReadArtifact(grpc::ServerContext* /*context*/, const v1::ReadArtifactRequest* request,
                            grpc::ServerWriter<v1::ReadArtifactResponse>* writer) override {
    return AnswerStream(server_->read_artifact, *request, writer);
  }

 private:
  FakeServer* const server_;
};

FakeServer::FakeServer() {
  services_.push_back(std::make_unique<Jobs>(this));
  services_.push_back(std::make_unique<Runs>(this));
  services_.push_back(std::make_unique<Artifacts>(this));
  grpc::ServerBuilder builder;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port_);
  for (const std::unique_ptr<grpc::Service>& service : services_) builder.RegisterService(service.get());
  server_ = builder.BuildAndStart();
}

FakeServer::~FakeServer() { server_->Shutdown(); }

Client::Options FakeServer::ClientOptions() const {
  Client::Options options;
  options.server = {absl::StrCat("127.0.0.1:", port_), "from the test", "secret"};
  options.first_wait = absl::Milliseconds(1);
  return options;
}

std::string FakeServer::authorization() const {
  absl::MutexLock lock(&mutex_);
  return authorization_;
}

void FakeServer::Note(const grpc::ServerContext& context) {
  const auto found = context.client_metadata().find("authorization");
  absl::MutexLock lock(&mutex_);
  authorization_ =
      found == context.client_metadata().end() ? "" : std::string(found->second.data(), found->second.size());
}

}  // namespace skew

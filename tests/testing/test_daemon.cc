#include "tests/testing/test_daemon.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <utility>

#include "tests/testing/query_plans.h"
#include "tests/testing/synthetic_dataset.h"

namespace skew {

TestDaemon::TestDaemon(std::function<void(Daemon::Options&)> change) : change_(std::move(change)) {
  WriteSyntheticDataset(folder_ + "/datasets/tiny", 3, 40, 10);
  scheduler_options_.stop_grace = absl::Seconds(2);
  Start();
}

TestDaemon::~TestDaemon() { Stop(); }

void TestDaemon::Start() {
  Daemon::Options options;
  options.state_dir = folder_ + "/state";
  options.datasets = folder_ + "/datasets";
  options.listen = {"127.0.0.1:0"};
  options.devices = "cpu:1x1";
  options.worker_program = SCRIPTED_WORKER;
  options.commit = "c0mm17";
  options.scheduler = scheduler_options_;
  if (change_) change_(options);
  absl::StatusOr<std::unique_ptr<Daemon>> daemon = Daemon::Start(options);
  if (!daemon.ok()) {
    std::fprintf(stderr, "%s\n", daemon.status().ToString().c_str());
    std::abort();
  }
  daemon_ = *std::move(daemon);
  // Channels to one address are shared unless their arguments differ: every start has a connection of its own.
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  channel_ = grpc::CreateCustomChannel(daemon_->addresses().front(), grpc::InsecureChannelCredentials(), arguments);
  jobs_ = v1::JobService::NewStub(channel_);
  runs_ = v1::RunService::NewStub(channel_);
  artifacts_ = v1::ArtifactService::NewStub(channel_);
  server_ = v1::ServerService::NewStub(channel_);
  queue_ = v1::QueueService::NewStub(channel_);
  access_ = v1::AccessService::NewStub(channel_);
  reuse_ = v1::ReuseService::NewStub(channel_);
  admin_ = v1::AdminService::NewStub(channel_);
}

void TestDaemon::Stop() {
  if (daemon_ == nullptr) return;
  daemon_->Shutdown();
  const std::vector<std::string> statements = daemon_->connections().KeptStatements();
  daemon_.reset();
  const auto db = Database::Open(folder_ + "/state/skew.db", Database::Mode::kReadOnly, absl::Seconds(5));
  ASSERT_TRUE(db.ok()) << db.status();
  EXPECT_THAT(CostlySteps(**db, statements), ::testing::IsEmpty());
}

v1::JobSpec TestDaemon::Spec(const std::string& script) {
  v1::JobSpec spec;
  spec.set_dataset("tiny");
  (*spec.mutable_bias()->mutable_fixed())[0] = 20;
  (*spec.mutable_bias()->mutable_fixed())[2] = 20;
  spec.mutable_bias()->mutable_varied()->set_class_(1);
  spec.mutable_bias()->mutable_varied()->add_counts(5);
  spec.add_models()->mutable_vae()->set_precision(v1::BF16);  // as scripted workers say, whatever AUTO is here
  (*spec.mutable_labels())["script"] = script;
  return spec;
}

grpc::Status TestDaemon::Submit(const v1::JobSpec& spec, v1::SubmitJobResponse& response, const std::string& request_id,
                                bool validate_only) {
  grpc::ClientContext context;
  v1::SubmitJobRequest request;
  *request.mutable_spec() = spec;
  request.set_request_id(request_id);
  request.set_validate_only(validate_only);
  request.set_no_reuse(no_reuse_);
  return jobs_->SubmitJob(&context, request, &response);
}

std::string TestDaemon::MustSubmit(const v1::JobSpec& spec) {
  v1::SubmitJobResponse response;
  const grpc::Status status = Submit(spec, response);
  EXPECT_TRUE(status.ok()) << status.error_message();
  return response.job().id();
}

std::vector<v1::WatchJobResponse> TestDaemon::Watch(const std::string& job, int64_t after_revision) {
  grpc::ClientContext context;
  v1::WatchJobRequest request;
  request.set_job_id(job);
  request.set_after_revision(after_revision);
  const auto stream = jobs_->WatchJob(&context, request);
  std::vector<v1::WatchJobResponse> responses;
  v1::WatchJobResponse response;
  while (stream->Read(&response)) responses.push_back(response);
  const grpc::Status status = stream->Finish();
  EXPECT_TRUE(status.ok()) << status.error_message();
  return responses;
}

void TestDaemon::WatchUntil(const std::string& job, const std::function<bool(const v1::Event&)>& done) {
  grpc::ClientContext context;
  v1::WatchJobRequest request;
  request.set_job_id(job);
  const auto stream = jobs_->WatchJob(&context, request);
  v1::WatchJobResponse response;
  bool reached = false;
  while (!reached && stream->Read(&response)) reached = response.has_event() && done(response.event());
  EXPECT_TRUE(reached) << "the stream of " << job << " ended first";
  context.TryCancel();
  stream->Finish();
}

void TestDaemon::CallAs(grpc::ClientContext& context, const std::string& user) {
  std::string& token = tokens_[user];
  if (token.empty()) {
    v1::CreateUserRequest create;
    create.set_name(user);
    create.set_role(v1::MEMBER);
    v1::User created;
    grpc::ClientContext creating;
    EXPECT_TRUE(access_->CreateUser(&creating, create, &created).ok());
    v1::CreateTokenRequest request;
    request.set_user(user);
    v1::CreateTokenResponse response;
    grpc::ClientContext issuing;
    EXPECT_TRUE(access_->CreateToken(&issuing, request, &response).ok());
    token = response.secret();
  }
  context.AddMetadata("authorization", "Bearer " + token);
}

v1::Job TestDaemon::Await(const std::string& job) {
  const std::vector<v1::WatchJobResponse> responses = Watch(job);
  EXPECT_TRUE(!responses.empty() && responses.back().end().cause() == v1::StreamEnd::JOB_FINISHED);
  return GetJob(job);
}

v1::Job TestDaemon::GetJob(const std::string& job) {
  grpc::ClientContext context;
  v1::GetJobRequest request;
  request.set_job_id(job);
  v1::Job response;
  const grpc::Status status = jobs_->GetJob(&context, request, &response);
  EXPECT_TRUE(status.ok()) << status.error_message();
  return response;
}

v1::Run TestDaemon::GetRun(const std::string& run) {
  grpc::ClientContext context;
  v1::GetRunRequest request;
  request.set_run_id(run);
  v1::Run response;
  const grpc::Status status = runs_->GetRun(&context, request, &response);
  EXPECT_TRUE(status.ok()) << status.error_message();
  return response;
}

}  // namespace skew

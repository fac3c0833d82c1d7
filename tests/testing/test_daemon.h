// A real daemon in this process, with scripted workers and a small dataset.
#ifndef SKEW_TESTS_TESTING_TEST_DAEMON_H_
#define SKEW_TESTS_TESTING_TEST_DAEMON_H_

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "grpcpp/grpcpp.h"
#include "server/daemon.h"
#include "skew/v1/access_service.grpc.pb.h"
#include "skew/v1/admin_service.grpc.pb.h"
#include "skew/v1/job_service.grpc.pb.h"
#include "skew/v1/queue_service.grpc.pb.h"
#include "skew/v1/reuse_service.grpc.pb.h"
#include "skew/v1/run_service.grpc.pb.h"
#include "skew/v1/server_service.grpc.pb.h"
#include "tests/testing/temp_folder.h"

namespace skew {

// Owns a state directory that outlives restarts of the daemon in it. The dataset "tiny" has classes 0, 1 and 2 with 40
// training images each.
class TestDaemon {
 public:
  // `change` may alter the options of every start.
  explicit TestDaemon(std::function<void(Daemon::Options&)> change = nullptr);
  ~TestDaemon();

  // How the next Start runs the daemon.
  Scheduler::Options& scheduler_options() { return scheduler_options_; }
  void Start();
  // Drains and destroys the daemon; the state stays. Fails the test when a statement that the daemon executed would
  // read a whole table (see query_plans.h).
  void Stop();

  Daemon& daemon() { return *daemon_; }
  const std::string& folder() const { return folder_; }
  v1::JobService::Stub& jobs() { return *jobs_; }
  v1::RunService::Stub& runs() { return *runs_; }
  v1::ArtifactService::Stub& artifacts() { return *artifacts_; }
  v1::ServerService::Stub& server() { return *server_; }
  v1::QueueService::Stub& queue() { return *queue_; }
  v1::ReuseService::Stub& reuse() { return *reuse_; }
  v1::AdminService::Stub& admin() { return *admin_; }
  std::shared_ptr<grpc::Channel> channel() { return channel_; }

  // Whether runs may be answered from the store. Only after this: every script is to run.
  void AllowReuse() { no_reuse_ = false; }

  // A small valid study whose workers follow `script` (see scripted_worker.cc).
  static v1::JobSpec Spec(const std::string& script);

  grpc::Status Submit(const v1::JobSpec& spec, v1::SubmitJobResponse& response, const std::string& request_id = "",
                      bool validate_only = false);
  // Submits and returns the id; a refusal fails the test.
  std::string MustSubmit(const v1::JobSpec& spec);

  // All responses of a watch, up to its end.
  std::vector<v1::WatchJobResponse> Watch(const std::string& job, int64_t after_revision = 0);
  // Watches until `done` says so; the stream is then cancelled.
  void WatchUntil(const std::string& job, const std::function<bool(const v1::Event&)>& done);
  // Watches to the end and returns the job.
  v1::Job Await(const std::string& job);
  v1::Job GetJob(const std::string& job);
  v1::Run GetRun(const std::string& run);

  // Makes the call one of the member `user`, who is added by the first.
  void CallAs(grpc::ClientContext& context, const std::string& user);

 private:
  const std::function<void(Daemon::Options&)> change_;
  const TempFolder temp_;
  const std::string& folder_ = temp_.path();
  Scheduler::Options scheduler_options_;
  std::unique_ptr<Daemon> daemon_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<v1::JobService::Stub> jobs_;
  std::unique_ptr<v1::RunService::Stub> runs_;
  std::unique_ptr<v1::ArtifactService::Stub> artifacts_;
  std::unique_ptr<v1::ServerService::Stub> server_;
  std::unique_ptr<v1::QueueService::Stub> queue_;
  std::unique_ptr<v1::AccessService::Stub> access_;
  std::map<std::string, std::string> tokens_;  // by user
  std::unique_ptr<v1::ReuseService::Stub> reuse_;
  std::unique_ptr<v1::AdminService::Stub> admin_;
  bool no_reuse_ = true;
};

}  // namespace skew

#endif  // SKEW_TESTS_TESTING_TEST_DAEMON_H_

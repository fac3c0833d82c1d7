// Keeping the store, as clients of the daemon see it: backups, damaged artifacts, a disk that fills up.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <limits>

#include "common/status.h"
#include "server/store/restore.h"
#include "tests/testing/test_daemon.h"

namespace skew {
namespace {

using ::testing::HasSubstr;

class AdminTest : public ::testing::Test {
 protected:
  grpc::Status ReadArtifact(const std::string& run, std::string& content) {
    grpc::ClientContext context;
    v1::ReadArtifactRequest request;
    request.set_run_id(run);
    request.set_name("samples.txt");
    const auto stream = daemon_.artifacts().ReadArtifact(&context, request);
    v1::ReadArtifactResponse response;
    content.clear();
    while (stream->Read(&response)) content += response.data();
    return stream->Finish();
  }

  // Of the run's only artifact.
  v1::Artifact Describe(const std::string& run) {
    grpc::ClientContext context;
    v1::ListArtifactsRequest request;
    request.set_run_id(run);
    v1::ListArtifactsResponse response;
    EXPECT_TRUE(daemon_.artifacts().ListArtifacts(&context, request, &response).ok());
    EXPECT_EQ(response.artifacts_size(), 1);
    return response.artifacts(0);
  }

  std::string FileOf(const std::string& run) {
    const std::string digest = Describe(run).digest();
    return daemon_.folder() + "/state/artifacts/" + digest.substr(0, 2) + "/" + digest;
  }

  v1::BackUpResponse BackUp() {
    grpc::ClientContext context;
    v1::BackUpResponse backup;
    const grpc::Status status = daemon_.admin().BackUp(&context, {}, &backup);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return backup;
  }

  // Restarts with another reserve.
  void Reserve(int64_t bytes) {
    daemon_.Stop();
    reserve_ = bytes;
    daemon_.Start();
  }

  int64_t reserve_ = 0;
  TestDaemon daemon_{[this](Daemon::Options& options) { options.disk_reserve_bytes = reserve_; }};
};

constexpr int64_t kMoreThanAnyDisk = std::numeric_limits<int64_t>::max() / 2;

TEST_F(AdminTest, ABackupOfABusyServerIsRestoredAndGoesOn) {
  const std::string done = daemon_.MustSubmit(TestDaemon::Spec("finish"));
  daemon_.Await(done);
  const std::string open = daemon_.MustSubmit(TestDaemon::Spec("return"));
  daemon_.WatchUntil(open, [](const v1::Event& event) { return event.run_state().state() == v1::RUNNING; });
  const v1::BackUpResponse backup = BackUp();
  const std::string later = daemon_.MustSubmit(TestDaemon::Spec("finish"));
  daemon_.Stop();
  const std::string state = daemon_.folder() + "/state";
  const std::string lost = daemon_.folder() + "/lost";
  std::filesystem::rename(state, lost);
  {
    const auto opened = StateDir::Open(state);
    ASSERT_TRUE(opened.ok()) << opened.status();
    const auto restored = Restore(lost + "/backups/" + backup.name(), *opened, {"root", "login root"});
    ASSERT_TRUE(restored.ok()) << restored.status();
  }
  daemon_.Start();
  EXPECT_EQ(daemon_.GetJob(done).state(), v1::JOB_SUCCEEDED);
  std::string content;
  EXPECT_TRUE(ReadArtifact(done + ".1", content).ok());
  EXPECT_EQ(content, "samples of " + done + ".1");
  EXPECT_EQ(daemon_.Await(open).state(), v1::JOB_SUCCEEDED);
  EXPECT_EQ(daemon_.GetRun(open + ".1").attempts_size(), 2);
  EXPECT_EQ(daemon_.MustSubmit(TestDaemon::Spec("finish")), later);  // which was after the backup
}

TEST_F(AdminTest, ADamagedArtifactIsNotServedNorAnswersAnotherRun) {
  daemon_.AllowReuse();
  const v1::JobSpec spec = TestDaemon::Spec("finish");
  const std::string first = daemon_.MustSubmit(spec);
  daemon_.Await(first);
  std::ofstream(FileOf(first + ".1"), std::ios::app) << "!";
  std::string content;
  const grpc::Status status = ReadArtifact(first + ".1", content);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::DATA_LOSS);
  EXPECT_THAT(status.error_message(), HasSubstr("skewctl admin check"));
  EXPECT_EQ(content, "");
  EXPECT_NE(Describe(first + ".1").problem(), "");
  grpc::ClientContext listing;
  v1::ListQuarantineResponse quarantine;
  ASSERT_TRUE(daemon_.admin().ListQuarantine(&listing, {}, &quarantine).ok());
  ASSERT_EQ(quarantine.contents_size(), 1);
  EXPECT_THAT(quarantine.contents(0).artifacts(), testing::ElementsAre(first + ".1/samples.txt"));
  const std::string second = daemon_.MustSubmit(spec);
  EXPECT_EQ(daemon_.Await(second).runs().reused(), 0);
  EXPECT_TRUE(ReadArtifact(second + ".1", content).ok());
  EXPECT_EQ(daemon_.Await(daemon_.MustSubmit(spec)).runs().reused(), 1);  // of the second one
}

TEST_F(AdminTest, AnArtifactThatIsPutBackIsServedAfterACheck) {
  const std::string job = daemon_.MustSubmit(TestDaemon::Spec("finish"));
  daemon_.Await(job);
  const v1::BackUpResponse backup = BackUp();
  const std::string file = FileOf(job + ".1");
  std::ofstream(file, std::ios::app) << "!";
  const auto check = [&] {
    grpc::ClientContext context;
    v1::CheckArtifactsResponse response;
    EXPECT_TRUE(daemon_.admin().CheckArtifacts(&context, {}, &response).ok());
    return response;
  };
  EXPECT_EQ(check().damaged_size(), 1);
  std::string content;
  EXPECT_EQ(ReadArtifact(job + ".1", content).error_code(), grpc::StatusCode::DATA_LOSS);
  const std::string name = file.substr(file.find("/artifacts/"));
  std::filesystem::copy_file(backup.path() + name, file);
  EXPECT_EQ(check().healed_size(), 1);
  EXPECT_TRUE(ReadArtifact(job + ".1", content).ok());
}

TEST_F(AdminTest, NothingIsBegunWhileTheDiskIsNearlyFull) {
  daemon_.scheduler_options().on_stop = Scheduler::OnStop::kDetach;
  Reserve(0);
  const std::string running = daemon_.MustSubmit(TestDaemon::Spec("return"));
  daemon_.WatchUntil(running, [](const v1::Event& event) { return event.run_state().state() == v1::RUNNING; });
  v1::SubmitJobResponse response;
  ASSERT_TRUE(daemon_.Submit(TestDaemon::Spec("finish"), response, "once").ok());
  const std::string waiting = response.job().id();
  Reserve(kMoreThanAnyDisk);
  ASSERT_TRUE(daemon_.Submit(TestDaemon::Spec("finish"), response, "once").ok());
  EXPECT_EQ(response.job().id(), waiting);
  const grpc::Status refused = daemon_.Submit(TestDaemon::Spec("finish"), response);
  EXPECT_EQ(refused.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_THAT(refused.error_message(), HasSubstr("disk is nearly full"));
  EXPECT_TRUE(RetryDelay(FromGrpc(refused)).has_value());
  EXPECT_TRUE(daemon_.Submit(TestDaemon::Spec("finish"), response, "", /*validate_only=*/true).ok());
  grpc::ClientContext context;
  v1::BackUpResponse backup;
  EXPECT_EQ(daemon_.admin().BackUp(&context, {}, &backup).error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(daemon_.Await(running).state(), v1::JOB_SUCCEEDED);  // what is under way goes on
  const v1::Job job = daemon_.GetJob(waiting);
  EXPECT_EQ(job.state(), v1::JOB_QUEUED);
  EXPECT_EQ(job.outlook().wait_cause(), v1::DISK_FULL);
  EXPECT_THAT(job.outlook().wait_reason(), HasSubstr("disk is nearly full"));
  EXPECT_FALSE(job.outlook().has_start_time());
  Reserve(0);
  EXPECT_EQ(daemon_.Await(waiting).state(), v1::JOB_SUCCEEDED);
}

TEST_F(AdminTest, TheServerSaysWhatItsDiskHas) {
  grpc::ClientContext context;
  v1::ServerInfo info;
  ASSERT_TRUE(daemon_.server().GetServerInfo(&context, {}, &info).ok());
  EXPECT_GT(info.disk_free_bytes(), 0);
  EXPECT_EQ(info.disk_reserve_bytes(), 0);
}

}  // namespace
}  // namespace skew

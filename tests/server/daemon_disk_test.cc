// A daemon whose disk fails, is full or turns read-only: it refuses with a code that says to come again, what runs
// waits, and everything goes on when the disk does.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cerrno>
#include <filesystem>

#include "absl/strings/match.h"
#include "absl/time/clock.h"
#include "server/store/sqlite.h"
#include "tests/testing/opened_store.h"
#include "tests/testing/test_daemon.h"
#include "tests/testing/watched_disk.h"

namespace skew {
namespace {

using ::testing::AnyOf;
using ::testing::IsEmpty;
using ::testing::Not;

struct Trouble {
  const char* name;
  int error;
};

class DaemonDiskTest : public ::testing::TestWithParam<Trouble> {
 protected:
  void TearDown() override {
    Mend();
    daemon_.Stop();
  }

  // The disk refuses to be changed from now on.
  void Break() {
    disk_.SetFault([this](const DiskOp& op) {
      if (op.kind == DiskOp::Kind::kOpen || (op.IsSync() && GetParam().error != EIO)) return 0;
      absl::MutexLock lock(&mutex_);
      ++refused_;
      return GetParam().error;
    });
  }
  void Mend() { disk_.SetFault(nullptr); }

  // Until so many more operations have been refused.
  void AwaitRefusals(int more) {
    absl::MutexLock lock(&mutex_);
    const int enough = refused_ + more;
    const auto reached = [&] { return refused_ >= enough; };
    mutex_.Await(absl::Condition(&reached));
  }

  grpc::Status Submit(const std::string& request_id, std::string& job) {
    v1::SubmitJobResponse response;
    const grpc::Status status = daemon_.Submit(TestDaemon::Spec("finish"), response, request_id);
    job = response.job().id();
    return status;
  }

  TestDaemon daemon_{[](Daemon::Options& options) {
    options.devices = "cpu:2x1";
    options.disk_reserve_bytes = 0;
  }};
  WatchedDisk disk_{std::filesystem::canonical(daemon_.folder()).string() + "/state"};
  absl::Mutex mutex_;
  int refused_ ABSL_GUARDED_BY(mutex_) = 0;
};

TEST_P(DaemonDiskTest, TroubleCostsTimeOnly) {
  daemon_.Await(daemon_.MustSubmit(TestDaemon::Spec("finish")));
  v1::JobSpec spec = TestDaemon::Spec("report");
  (*spec.mutable_labels())["interval_ms"] = "5";
  const std::string running = daemon_.MustSubmit(spec);
  daemon_.WatchUntil(running, [](const v1::Event& event) { return event.progress().progress().step() > 3; });
  Break();
  AwaitRefusals(2);  // of its reports
  std::string job;
  const grpc::Status refused = Submit("once", job);
  EXPECT_THAT(refused.error_code(), AnyOf(grpc::StatusCode::UNAVAILABLE, grpc::StatusCode::RESOURCE_EXHAUSTED));
  EXPECT_THAT(refused.error_message(), Not(IsEmpty()));
  EXPECT_EQ(daemon_.GetJob(running).runs().active(), 1);  // what is there can be read
  const int64_t revision = daemon_.GetJob(running).revision();
  AwaitRefusals(2);
  Mend();
  daemon_.WatchUntil(running, [&](const v1::Event& event) { return event.revision() > revision; });
  ASSERT_TRUE(Submit("once", job).ok());
  EXPECT_EQ(daemon_.Await(job).state(), v1::JOB_SUCCEEDED);
  EXPECT_EQ(daemon_.GetRun(running + ".1").attempts_size(), 1);
  grpc::ClientContext context;
  v1::CancelJobRequest cancel;
  cancel.set_job_id(running);
  v1::Job cancelled;
  ASSERT_TRUE(daemon_.jobs().CancelJob(&context, cancel, &cancelled).ok());
  EXPECT_EQ(daemon_.Await(running).state(), v1::JOB_CANCELLED);
  daemon_.Stop();
  const auto store = OpenedStore::Open(daemon_.folder() + "/state");
  ASSERT_TRUE(store.ok()) << store.status();
  EXPECT_THAT(ProblemsOf(**store), IsEmpty());
}

TEST_P(DaemonDiskTest, AWorkerThatCannotBeStartedIsStartedLater) {
  daemon_.Await(daemon_.MustSubmit(TestDaemon::Spec("finish")));
  std::atomic<bool> once = false;
  disk_.SetFault([&once](const DiskOp& op) {
    const bool fails =
        op.kind == DiskOp::Kind::kMakeFolder && absl::StartsWith(op.path, "work/") && !once.exchange(true);
    return fails ? GetParam().error : 0;
  });
  v1::JobSpec spec = TestDaemon::Spec("finish");
  spec.set_max_attempts(1);
  const std::string job = daemon_.MustSubmit(spec);
  EXPECT_EQ(daemon_.Await(job).state(), v1::JOB_SUCCEEDED);
  const v1::Run run = daemon_.GetRun(job + ".1");
  ASSERT_EQ(run.attempts_size(), 2);
  EXPECT_EQ(run.attempts(0).reason(), v1::PREEMPTED);
  EXPECT_THAT(run.attempts(0).message(), ::testing::HasSubstr("could not start a worker"));
}

TEST_P(DaemonDiskTest, TheProcessOfAnAttemptIsWrittenDownLater) {
  daemon_.Await(daemon_.MustSubmit(TestDaemon::Spec("finish")));
  std::atomic<bool> launching = false;
  std::atomic<int> refused = 0;
  disk_.SetFault([&](const DiskOp& op) {
    if (op.kind == DiskOp::Kind::kMakeFolder && absl::StartsWith(op.path, "work/")) launching = true;
    const bool changes = op.kind == DiskOp::Kind::kWrite && absl::StartsWith(op.path, "skew.db");
    return launching && changes && refused++ < 1 ? GetParam().error : 0;
  });
  const std::string job = daemon_.MustSubmit(TestDaemon::Spec("wait"));
  daemon_.WatchUntil(job, [](const v1::Event& event) { return event.run_state().state() == v1::RUNNING; });
  const auto db = Database::Open(daemon_.folder() + "/state/skew.db", Database::Mode::kReadOnly, absl::Seconds(5));
  ASSERT_TRUE(db.ok()) << db.status();
  int64_t pid = 0;
  for (const absl::Time start = absl::Now(); pid == 0 && absl::Now() - start < absl::Seconds(20);) {
    Statement row = (*db)->Prepare("SELECT pid FROM attempts WHERE end_time IS NULL");
    if (row.Step()) pid = row.Int(0);
  }
  EXPECT_GT(pid, 0);
}

TEST_P(DaemonDiskTest, AFileThatCannotBeReadIsNotTakenForAnEmptyOne) {
  const std::string job = daemon_.MustSubmit(TestDaemon::Spec("finish"));
  daemon_.Await(job);
  const auto read_log = [&] {
    grpc::ClientContext context;
    v1::ReadLogRequest request;
    request.set_run_id(job + ".1");
    const auto stream = daemon_.runs().ReadLog(&context, request);
    v1::ReadLogResponse response;
    while (stream->Read(&response)) {
    }
    return stream->Finish();
  };
  EXPECT_TRUE(read_log().ok());
  disk_.SetFault([](const DiskOp& op) {
    const bool read = absl::StartsWith(op.path, "logs/") || absl::StartsWith(op.path, "artifacts/");
    return op.kind == DiskOp::Kind::kOpen && read ? GetParam().error : 0;
  });
  EXPECT_EQ(read_log().error_code(), grpc::StatusCode::UNAVAILABLE);
  grpc::ClientContext context;
  v1::ReadArtifactRequest request;
  request.set_run_id(job + ".1");
  request.set_name("samples.txt");
  const auto stream = daemon_.artifacts().ReadArtifact(&context, request);
  v1::ReadArtifactResponse response;
  while (stream->Read(&response)) EXPECT_EQ(response.data(), "");
  EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::UNAVAILABLE);
}

TEST_P(DaemonDiskTest, AnArtifactThatCannotBeStoredIsStoredLater) {
  daemon_.Await(daemon_.MustSubmit(TestDaemon::Spec("finish")));
  std::atomic<int> refused = 0;
  disk_.SetFault([&refused](const DiskOp& op) {
    const bool fails = op.kind == DiskOp::Kind::kRename && absl::StartsWith(op.target, "artifacts/");
    return fails && refused++ < 2 ? GetParam().error : 0;
  });
  const std::string job = daemon_.MustSubmit(TestDaemon::Spec("finish"));
  EXPECT_EQ(daemon_.Await(job).state(), v1::JOB_SUCCEEDED);
  EXPECT_EQ(daemon_.GetRun(job + ".1").attempts_size(), 1);
  EXPECT_GE(refused, 2);
}

INSTANTIATE_TEST_SUITE_P(Kinds, DaemonDiskTest,
                         ::testing::Values(Trouble{"Full", ENOSPC}, Trouble{"Fails", EIO}, Trouble{"ReadOnly", EROFS},
                                           Trouble{"Forbids", EACCES}),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace skew

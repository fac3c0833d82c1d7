// Workers that are stopped, hang, send garbage or send too much: what becomes of their runs, and that nobody else
// notices.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <cerrno>
#include <filesystem>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/file.h"
#include "server/store/sqlite.h"
#include "server/workers/local_launcher.h"
#include "tests/testing/grpc_peer.h"
#include "tests/testing/queue_fixture.h"
#include "tests/testing/watched_disk.h"

namespace skew {
namespace {

using ::testing::HasSubstr;

// Two slots.
class WorkerFaultTest : public ::testing::Test {
 protected:
  static v1::JobSpec Spec(const std::string& script, const std::map<std::string, std::string>& labels = {}) {
    v1::JobSpec spec = TestDaemon::Spec(script);
    spec.mutable_labels()->insert(labels.begin(), labels.end());
    return spec;
  }

  // Makes the classifier, so that studies start at once.
  void TrainClassifier() { daemon_.Await(daemon_.MustSubmit(Spec("finish"))); }

  void AwaitState(const std::string& job, v1::RunState state, int32_t attempt) {
    daemon_.WatchUntil(job, [=](const v1::Event& event) {
      return event.run_state().state() == state && event.run_state().attempt() == attempt;
    });
  }

  // The process of the only attempt of `job` that goes on, which has made progress.
  pid_t ProcessOf(const std::string& job) {
    daemon_.WatchUntil(job, [](const v1::Event& event) { return event.progress().progress().step() > 0; });
    return AwaitProcessOf(job);
  }

  // The same as soon as it is written down.
  pid_t AwaitProcessOf(const std::string& job) {
    const auto db = Database::Open(daemon_.folder() + "/state/skew.db", Database::Mode::kReadOnly, absl::Seconds(5));
    EXPECT_TRUE(db.ok()) << db.status();
    pid_t pid = 0;
    while (pid == 0) {
      Statement row = (*db)->Prepare("SELECT pid FROM attempts WHERE end_time IS NULL AND job_id = ?");
      row.Bind(JobId::Parse(job)->number);
      if (!row.Step()) break;
      pid = static_cast<pid_t>(row.Int(0));
    }
    return pid;
  }

  void CheckSequence(const std::string& job) {
    int64_t sequence = 0;
    for (const v1::WatchJobResponse& response : daemon_.Watch(job)) {
      if (response.has_event()) {
        EXPECT_EQ(response.event().sequence(), ++sequence);
      }
    }
  }

  void Cancel(const std::string& job) {
    grpc::ClientContext context;
    v1::CancelJobRequest request;
    request.set_job_id(job);
    v1::Job response;
    EXPECT_TRUE(daemon_.jobs().CancelJob(&context, request, &response).ok());
  }

  // Starts the daemon anew with another worker program.
  void RestartWith(const std::string& script) {
    daemon_.Stop();
    program_ = daemon_.folder() + "/program";
    if (!script.empty()) WriteProgram(script);
    daemon_.Start();
  }
  void WriteProgram(const std::string& script) {
    const std::string file = program_ + ".new";
    ASSERT_TRUE(WriteFileAtomically(file, "#!/bin/sh\n" + script + "\n").ok());
    std::filesystem::permissions(file, std::filesystem::perms::owner_all);
    std::filesystem::rename(file, program_);
  }
  // The program is what it should be from now on.
  void MendProgram() { WriteProgram("exec " + scripted_worker_ + " \"$@\""); }

  void Execute(const std::string& sql) {
    const auto db =
        Database::Open(daemon_.folder() + "/state/skew.db", Database::Mode::kReadWriteCreate, absl::Seconds(5));
    ASSERT_TRUE(db.ok()) << db.status();
    ASSERT_TRUE((*db)->Prepare(sql).Run().ok()) << sql;
  }

  // Until the job waits for a reason with these words, or ends. Nobody is told when it is held.
  v1::Job AwaitReason(const std::string& job, const std::string& words) {
    v1::Job now = daemon_.GetJob(job);
    while (now.state() == v1::JOB_QUEUED && !absl::StrContains(now.outlook().wait_reason(), words)) {
      absl::SleepFor(absl::Milliseconds(20));  // a user has 200 requests a second
      now = daemon_.GetJob(job);
    }
    return now;
  }

  std::string SubmitPaused(const v1::JobSpec& spec) {
    grpc::ClientContext context;
    v1::SubmitJobRequest request;
    *request.mutable_spec() = spec;
    request.set_no_reuse(true);
    request.set_paused(true);
    v1::SubmitJobResponse response;
    EXPECT_TRUE(daemon_.jobs().SubmitJob(&context, request, &response).ok());
    return response.job().id();
  }

  void Resume(const std::string& job) {
    grpc::ClientContext context;
    v1::ResumeJobRequest request;
    request.set_job_id(job);
    v1::Job response;
    EXPECT_TRUE(daemon_.jobs().ResumeJob(&context, request, &response).ok());
  }

  absl::Duration silence_ = absl::Minutes(1);
  absl::Duration start_grace_ = absl::Minutes(5);
  bool detach_ = false;
  std::string scripted_worker_;
  std::string program_;  // empty: the scripted worker
  TestDaemon daemon_{[this](Daemon::Options& options) {
    options.devices = "cpu:2x1";
    options.worker_silence = silence_;
    options.scheduler.attach_grace = silence_;
    scripted_worker_ = options.worker_program;
    if (!program_.empty()) options.worker_program = program_;
    options.scheduler.start_grace = start_grace_;
    if (detach_) options.scheduler.on_stop = Scheduler::OnStop::kDetach;
  }};
};

TEST_F(WorkerFaultTest, AStoppedWorkerIsLostKilledAndReplaced) {
  daemon_.Stop();
  silence_ = absl::Seconds(4);
  daemon_.Start();
  TrainClassifier();
  const std::string job = daemon_.MustSubmit(Spec("report", {{"interval_ms", "5"}}));
  const pid_t worker = ProcessOf(job);
  ASSERT_GT(worker, 0);
  ASSERT_EQ(kill(worker, SIGSTOP), 0);
  AwaitState(job, v1::RUNNING, 2);
  EXPECT_EQ(kill(worker, 0), -1);
  EXPECT_EQ(errno, ESRCH);
  const v1::Attempt lost = daemon_.GetRun(job + ".1").attempts(0);
  EXPECT_EQ(lost.reason(), v1::WORKER_LOST);
  EXPECT_THAT(lost.message(), HasSubstr("fell silent"));
  Cancel(job);
  EXPECT_EQ(daemon_.Await(job).state(), v1::JOB_CANCELLED);
  CheckSequence(job);
}

TEST_F(WorkerFaultTest, AWorkerThatGoesOnInTimeGoesOn) {
  TrainClassifier();
  const std::string job = daemon_.MustSubmit(Spec("report", {{"interval_ms", "5"}}));
  const pid_t worker = ProcessOf(job);
  ASSERT_EQ(kill(worker, SIGSTOP), 0);
  daemon_.Await(daemon_.MustSubmit(Spec("finish")));  // others do not notice
  ASSERT_EQ(kill(worker, SIGCONT), 0);
  Cancel(job);
  EXPECT_EQ(daemon_.Await(job).state(), v1::JOB_CANCELLED);
  EXPECT_EQ(daemon_.GetRun(job + ".1").attempts_size(), 1);
  CheckSequence(job);
}

TEST_F(WorkerFaultTest, ALostRunIsTriedOnAnotherDeviceThatIsFree) {
  TrainClassifier();
  const std::string job = daemon_.MustSubmit(Spec("crash-once"));
  EXPECT_EQ(daemon_.Await(job).state(), v1::JOB_SUCCEEDED);
  const v1::Run run = daemon_.GetRun(job + ".1");
  ASSERT_EQ(run.attempts_size(), 2);
  EXPECT_NE(run.attempts(0).device(), run.attempts(1).device());
}

struct BadProgram {
  const char* name;
  const char* script;  // empty: there is none
  const char* message;
};

class BadProgramTest : public WorkerFaultTest, public ::testing::WithParamInterface<BadProgram> {};

TEST_P(BadProgramTest, CostsTimeOnly) {
  start_grace_ = absl::Seconds(2);
  RestartWith(GetParam().script);
  v1::JobSpec spec = Spec("finish");
  spec.set_max_attempts(1);
  const std::string job = daemon_.MustSubmit(spec);
  AwaitState("j1", v1::QUEUED, 1);  // the training of its classifier
  MendProgram();
  EXPECT_EQ(daemon_.Await(job).state(), v1::JOB_SUCCEEDED);
  const v1::Run training = daemon_.GetRun("j1.1");
  EXPECT_EQ(training.attempts(0).reason(), v1::PREEMPTED);
  EXPECT_THAT(training.attempts(0).message(), HasSubstr("could not start a worker"));
  EXPECT_THAT(training.attempts(0).message(), HasSubstr(GetParam().message));
}

INSTANTIATE_TEST_SUITE_P(Kinds, BadProgramTest,
                         ::testing::Values(BadProgram{"missing", "", "No such file"},
                                           BadProgram{"incomplete", "exec /none/skew-worker", "code 127"},
                                           BadProgram{"crashing", "kill -SEGV $$", "signal 11"},
                                           BadProgram{"hanging", "exec sleep 1000", "fell silent"}),
                         [](const auto& info) { return std::string(info.param.name); });

TEST_F(WorkerFaultTest, ALongQueueIsNotChurnedWhileNoWorkerStarts) {
  TrainClassifier();
  RestartWith("exit 127");
  v1::JobSpec spec = Spec("finish");
  spec.set_iterations(50);
  const std::string job = daemon_.MustSubmit(spec);
  daemon_.WatchUntil(job, [](const v1::Event& event) { return event.run_state().attempt() == 2; });
  int attempts = 0;
  for (int run = 1; run <= 50; ++run) attempts += daemon_.GetRun(absl::StrCat(job, ".", run)).attempts_size();
  EXPECT_LT(attempts, 10);
  MendProgram();
  EXPECT_EQ(daemon_.Await(job).state(), v1::JOB_SUCCEEDED);
}

TEST_F(WorkerFaultTest, RunsWaitForADatasetThatIsNotThere) {
  TrainClassifier();
  const std::string job = SubmitPaused(Spec("finish"));
  const std::string dataset = daemon_.folder() + "/datasets/tiny";
  std::filesystem::rename(dataset, dataset + ".away");
  Resume(job);
  const v1::Job held = AwaitReason(job, "there is no dataset 'tiny'");
  EXPECT_EQ(held.state(), v1::JOB_QUEUED);
  EXPECT_EQ(held.outlook().wait_cause(), v1::RETRY_LATER);
  std::filesystem::rename(dataset + ".away", dataset);
  EXPECT_EQ(daemon_.Await(job).state(), v1::JOB_SUCCEEDED);
  EXPECT_EQ(daemon_.GetRun(job + ".1").attempts_size(), 1);
}

TEST_F(WorkerFaultTest, RunsWaitForAJudgeInQuarantine) {
  TrainClassifier();
  Execute(
      "INSERT INTO quarantine (digest, problem, time) "
      "SELECT digest, 'noted', 0 FROM artifacts WHERE name = 'classifier.pt'");
  const std::string job = daemon_.MustSubmit(Spec("finish"));
  EXPECT_EQ(AwaitReason(job, "is damaged and in quarantine").state(), v1::JOB_QUEUED);
  Execute("DELETE FROM quarantine");
  EXPECT_EQ(daemon_.Await(job).state(), v1::JOB_SUCCEEDED);
  EXPECT_EQ(daemon_.GetRun(job + ".1").attempts_size(), 1);
}

TEST_F(WorkerFaultTest, AWorkerThatLacksSomethingOfTheServersIsStartedAgain) {
  TrainClassifier();
  v1::JobSpec spec = Spec("lack-once");
  spec.set_max_attempts(1);
  const std::string job = daemon_.MustSubmit(spec);
  EXPECT_EQ(daemon_.Await(job).state(), v1::JOB_SUCCEEDED);
  const v1::Run run = daemon_.GetRun(job + ".1");
  ASSERT_EQ(run.attempts_size(), 2);
  EXPECT_EQ(run.attempts(0).reason(), v1::PREEMPTED);
  EXPECT_EQ(run.attempts(0).message(), "the dataset is not there");
}

TEST_F(WorkerFaultTest, AJobThatCannotBeReadHoldsUpNobodyElse) {
  TrainClassifier();
  const std::string damaged = SubmitPaused(Spec("finish"));
  Execute(absl::StrCat("UPDATE jobs SET spec = x'ff' WHERE id = ", JobId::Parse(damaged)->number));
  Execute(absl::StrCat("UPDATE runs SET paused = 0 WHERE job_id = ", JobId::Parse(damaged)->number));
  Execute(absl::StrCat("UPDATE queue SET paused = 0 WHERE job_id = ", JobId::Parse(damaged)->number));
  EXPECT_EQ(daemon_.Await(daemon_.MustSubmit(Spec("finish"))).state(), v1::JOB_SUCCEEDED);
}

TEST_F(WorkerFaultTest, AnAttemptThatCannotBeReadHoldsUpNoRestart) {
  TrainClassifier();
  detach_ = true;
  RestartWith("exec " + scripted_worker_ + " \"$@\"");
  const std::string damaged = daemon_.MustSubmit(Spec("deaf"));
  AwaitState(damaged, v1::RUNNING, 1);
  const pid_t worker = AwaitProcessOf(damaged);
  daemon_.Stop();
  EXPECT_TRUE(IdentifyProcess(worker).ok());
  Execute(absl::StrCat("UPDATE jobs SET spec = x'ff' WHERE id = ", JobId::Parse(damaged)->number));
  daemon_.Start();
  EXPECT_EQ(daemon_.Await(daemon_.MustSubmit(Spec("finish"))).state(), v1::JOB_SUCCEEDED);
  EXPECT_TRUE(Comes([&] { return absl::IsNotFound(IdentifyProcess(worker).status()); })) << "nobody knows it any more";
}

struct Garbage {
  const char* kind;
  const char* message;
};

class GarbageTest : public WorkerFaultTest, public ::testing::WithParamInterface<Garbage> {};

TEST_P(GarbageTest, EndsItsRunWithAReasonAndHarmsNobody) {
  TrainClassifier();
  const std::string other = daemon_.MustSubmit(Spec("report", {{"interval_ms", "5"}}));
  AwaitState(other, v1::RUNNING, 1);
  const std::string job = daemon_.MustSubmit(Spec("garbage", {{"kind", GetParam().kind}}));
  EXPECT_EQ(daemon_.Await(job).state(), v1::JOB_FAILED);
  const v1::Run run = daemon_.GetRun(job + ".1");
  EXPECT_EQ(run.reason(), v1::INTERNAL);
  EXPECT_THAT(run.message(), HasSubstr("the worker sent what cannot be"));
  EXPECT_THAT(run.message(), HasSubstr(GetParam().message));
  EXPECT_EQ(run.attempts_size(), 1);
  CheckSequence(job);
  EXPECT_EQ(daemon_.Await(daemon_.MustSubmit(Spec("finish"))).state(), v1::JOB_SUCCEEDED);
  EXPECT_EQ(daemon_.GetRun(other + ".1").attempts_size(), 1);
  Cancel(other);
  EXPECT_EQ(daemon_.Await(other).state(), v1::JOB_CANCELLED);
}

INSTANTIATE_TEST_SUITE_P(Kinds, GarbageTest,
                         ::testing::Values(Garbage{"gap", "report 6 follows 1"}, Garbage{"empty", "report 2 is empty"},
                                           Garbage{"negative", "progress.step: '-1'"},
                                           Garbage{"sum", "its parts add up to 0 of 3 images"},
                                           Garbage{"count", "histogram.counts of class 1: '-5'"},
                                           Garbage{"reason", "failed.reason: '99'"}, Garbage{"judge", ".1 trains none"},
                                           Garbage{"path", "artifact.file: '../../skew.db'"},
                                           Garbage{"content", "instead of"}),
                         [](const auto& info) { return std::string(info.param.kind); });

// Kibibytes of memory that this process has in use.
int64_t Resident() {
  const std::string status = ReadFile("/proc/self/status").value_or("");
  const size_t at = status.find("VmRSS:");
  return at == std::string::npos ? 0 : std::stoll(status.substr(at + 6));
}

TEST_F(WorkerFaultTest, AWorkerThatFloodsHoldsUpOnlyItself) {
  const CheapSyncs cheap;  // so that it does not only wait for the disk
  TrainClassifier();
  [[maybe_unused]] const int64_t before = Resident();
  const std::string flood = daemon_.MustSubmit(Spec("deluge", {{"reports", "1000000"}}));
  daemon_.WatchUntil(flood, [](const v1::Event& event) { return event.progress().progress().step() > 1'000; });
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(daemon_.Await(daemon_.MustSubmit(Spec("finish"))).state(), v1::JOB_SUCCEEDED);
  }
  // Sanitizers keep much of what was freed.
#if !defined(__SANITIZE_ADDRESS__) && !defined(SKEW_SANITIZE_THREAD)
  EXPECT_LT(Resident() - before, 64 << 10);
#endif
  Cancel(flood);
  EXPECT_EQ(daemon_.Await(flood).state(), v1::JOB_CANCELLED);
}

}  // namespace
}  // namespace skew

// The daemon as its clients see it: real server, real store, real processes; only the training is scripted.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "common/status.h"
#include "server/store/sqlite.h"
#include "tests/testing/test_daemon.h"

namespace skew {
namespace {

using ::testing::HasSubstr;

class DaemonTest : public ::testing::Test {
 protected:
  // Until a run of the job is in `state`.
  void AwaitRunState(const std::string& job, v1::RunState state) {
    daemon_.WatchUntil(job, [state](const v1::Event& event) { return event.run_state().state() == state; });
  }

  // Submits a job whose worker outlives the daemon it was started by, and returns the job's id when the next one
  // serves.
  std::string RunAcrossADetachedRestart(const std::string& script) {
    daemon_.scheduler_options().on_stop = Scheduler::OnStop::kDetach;
    daemon_.Stop();
    daemon_.Start();
    std::string id = daemon_.MustSubmit(TestDaemon::Spec(script));
    AwaitRunState(id, v1::RUNNING);
    daemon_.Stop();
    daemon_.Start();
    return id;
  }

  grpc::Status Cancel(const std::string& job, v1::Job& response) {
    grpc::ClientContext context;
    v1::CancelJobRequest request;
    request.set_job_id(job);
    return daemon_.jobs().CancelJob(&context, request, &response);
  }

  TestDaemon daemon_;
};

TEST_F(DaemonTest, AStudyTrainsItsClassifierFirstAndSucceeds) {
  v1::SubmitJobResponse response;
  ASSERT_TRUE(daemon_.Submit(TestDaemon::Spec("finish"), response).ok());
  EXPECT_EQ(response.job().id(), "j2");
  ASSERT_EQ(response.notes_size(), 1);
  EXPECT_THAT(response.notes(0), HasSubstr("j1"));
  const v1::Job job = daemon_.Await("j2");
  EXPECT_EQ(job.state(), v1::JOB_SUCCEEDED);
  EXPECT_EQ(daemon_.GetJob("j1").kind(), v1::CLASSIFIER_TRAINING);
  EXPECT_EQ(daemon_.GetJob("j1").state(), v1::JOB_SUCCEEDED);
  const v1::Run run = daemon_.GetRun("j2.1");
  EXPECT_EQ(run.state(), v1::SUCCEEDED);
  EXPECT_EQ(run.device(), "cpu0");
  EXPECT_TRUE(run.histogram().final());
  EXPECT_EQ(run.histogram().counts().at(1), 5);
  EXPECT_EQ(run.classifier_digest(), "scripted");
  EXPECT_EQ(run.manifest_digest(), "manifest of j2.1");
  EXPECT_EQ(run.precision(), v1::BF16);
}

TEST_F(DaemonTest, SeveralJudgesAreTrainedFirstAndJudgeTheSameImages) {
  v1::JobSpec spec = TestDaemon::Spec("finish");
  spec.mutable_evaluation()->add_more_judges()->set_seed(5);
  v1::SubmitJobResponse response;
  ASSERT_TRUE(daemon_.Submit(spec, response, "", /*validate_only=*/true).ok());
  EXPECT_EQ(response.job().outlook().wait_reason(), "its judges are trained first");
  response.Clear();
  ASSERT_TRUE(daemon_.Submit(spec, response).ok());
  EXPECT_EQ(response.job().id(), "j3");
  ASSERT_EQ(response.notes_size(), 1);
  EXPECT_EQ(response.notes(0), "its runs start when jobs j1, j2 have trained the classifiers");
  EXPECT_EQ(daemon_.Await("j3").state(), v1::JOB_SUCCEEDED);
  EXPECT_EQ(daemon_.GetJob("j2").spec().classifier().seed(), 5u);
  grpc::ClientContext context;
  v1::GetResultsRequest request;
  request.set_job_id("j3");
  v1::GetResultsResponse results;
  ASSERT_TRUE(daemon_.jobs().GetResults(&context, request, &results).ok());
  ASSERT_EQ(results.classifiers_size(), 2);  // the newest first
  EXPECT_EQ(results.classifiers(0).digest(), "scripted 5");
  EXPECT_EQ(results.classifiers(0).spec().seed(), 5u);
  EXPECT_EQ(results.classifiers(0).spec().epochs(), 4);
  for (const v1::ResultCell& cell : results.cells()) {
    ASSERT_EQ(cell.judges_size(), 2);
    EXPECT_EQ(cell.judges(0).classifier_digest(), "scripted");
    EXPECT_EQ(cell.judges(1).classifier_digest(), "scripted 5");
    EXPECT_EQ(cell.judges(1).runs(), cell.runs_succeeded());
    EXPECT_EQ(cell.judges(0).classes(1).generated().mean(), cell.classes(1).generated().mean());
    EXPECT_GT(cell.judges(1).classes(1).generated().mean(), cell.judges(0).classes(1).generated().mean());
    EXPECT_EQ(cell.classes(1).judge_spread().judges(), 2);
  }
  // Another study with the second judge alone finds it trained.
  v1::JobSpec alone = TestDaemon::Spec("finish");
  alone.mutable_evaluation()->mutable_classifier()->set_seed(5);
  ASSERT_TRUE(daemon_.Submit(alone, response).ok());
  EXPECT_TRUE(response.notes().empty());
}

TEST_F(DaemonTest, TheClassifierIsTrainedOnce) {
  daemon_.MustSubmit(TestDaemon::Spec("finish"));
  v1::SubmitJobResponse second;
  ASSERT_TRUE(daemon_.Submit(TestDaemon::Spec("finish"), second).ok());
  EXPECT_EQ(second.job().id(), "j3");
  EXPECT_EQ(daemon_.Await("j3").state(), v1::JOB_SUCCEEDED);
  v1::SubmitJobResponse third;
  ASSERT_TRUE(daemon_.Submit(TestDaemon::Spec("finish"), third).ok());
  EXPECT_EQ(third.job().id(), "j4");
  EXPECT_TRUE(third.notes().empty());
}

TEST_F(DaemonTest, TheSameRequestIdIsTheSameJob) {
  v1::SubmitJobResponse first;
  v1::SubmitJobResponse second;
  ASSERT_TRUE(daemon_.Submit(TestDaemon::Spec("finish"), first, "request").ok());
  ASSERT_TRUE(daemon_.Submit(TestDaemon::Spec("finish"), second, "request").ok());
  EXPECT_EQ(first.job().id(), second.job().id());
  EXPECT_TRUE(second.existing());
  v1::SubmitJobResponse clash;
  EXPECT_EQ(daemon_.Submit(TestDaemon::Spec("fail"), clash, "request").error_code(), grpc::StatusCode::ALREADY_EXISTS);
}

TEST_F(DaemonTest, ARepeatedRequestIsAnsweredAlsoWhileNoNewJobIsAccepted) {
  v1::SubmitJobResponse first;
  ASSERT_TRUE(daemon_.Submit(TestDaemon::Spec("finish"), first, "request").ok());
  std::ofstream(daemon_.folder() + "/datasets/tiny/train-images-idx3-ubyte", std::ios::trunc) << "short";
  v1::SubmitJobResponse second;
  const grpc::Status status = daemon_.Submit(TestDaemon::Spec("finish"), second, "request");
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(first.job().id(), second.job().id());
  EXPECT_TRUE(second.existing());
  EXPECT_EQ(daemon_.Submit(TestDaemon::Spec("finish"), second, "other").error_code(),
            grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_F(DaemonTest, ValidatingStoresNothing) {
  v1::SubmitJobResponse response;
  ASSERT_TRUE(daemon_.Submit(TestDaemon::Spec("finish"), response, "", /*validate_only=*/true).ok());
  EXPECT_EQ(response.job().id(), "");
  EXPECT_EQ(response.job().runs().total(), 1);
  EXPECT_EQ(response.job().spec().training().steps(), 6000);
  grpc::ClientContext context;
  v1::ListJobsResponse jobs;
  ASSERT_TRUE(daemon_.jobs().ListJobs(&context, {}, &jobs).ok());
  EXPECT_TRUE(jobs.jobs().empty());
}

TEST_F(DaemonTest, ABadSpecIsRefusedWithItsFieldsAndStoresNothing) {
  v1::JobSpec spec = TestDaemon::Spec("finish");
  spec.set_iterations(0);
  (*spec.mutable_bias()->mutable_fixed())[0] = 41;
  v1::SubmitJobResponse response;
  const grpc::Status status = daemon_.Submit(spec, response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  const auto violations = FieldViolations(FromGrpc(status));
  ASSERT_EQ(violations.size(), 2u);
  EXPECT_EQ(violations[0].field(), "iterations");
  EXPECT_EQ(violations[1].description(), "class 0: 41 images asked for, 40 available in the training split of tiny");
  grpc::ClientContext context;
  v1::ListJobsResponse jobs;
  ASSERT_TRUE(daemon_.jobs().ListJobs(&context, {}, &jobs).ok());
  EXPECT_TRUE(jobs.jobs().empty());
}

TEST_F(DaemonTest, ADatasetThatIsDamagedLaterIsRefusedByFileName) {
  daemon_.MustSubmit(TestDaemon::Spec("finish"));
  std::ofstream(daemon_.folder() + "/datasets/tiny/train-images-idx3-ubyte", std::ios::trunc) << "short";
  v1::SubmitJobResponse response;
  const grpc::Status status = daemon_.Submit(TestDaemon::Spec("finish"), response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(status.error_message(), HasSubstr("train-images-idx3-ubyte"));
}

TEST_F(DaemonTest, AnUnknownDatasetIsRefusedAndThoseThereAreNamed) {
  v1::JobSpec spec = TestDaemon::Spec("finish");
  spec.set_dataset("huge");
  v1::SubmitJobResponse response;
  EXPECT_THAT(daemon_.Submit(spec, response).error_message(), HasSubstr("there is no dataset 'huge'; known: tiny"));
}

TEST_F(DaemonTest, UnknownIdsAreNotFoundAndOthersInvalid) {
  v1::Job job;
  for (const auto& [id, code] : std::vector<std::pair<std::string, grpc::StatusCode>>{
           {"j99", grpc::StatusCode::NOT_FOUND}, {"99", grpc::StatusCode::INVALID_ARGUMENT}}) {
    grpc::ClientContext context;
    v1::GetJobRequest request;
    request.set_job_id(id);
    EXPECT_EQ(daemon_.jobs().GetJob(&context, request, &job).error_code(), code);
    EXPECT_EQ(Cancel(id, job).error_code(), code);
  }
}

TEST_F(DaemonTest, ANumericFailureEndsTheRunWithItsStep) {
  const v1::Job job = daemon_.Await(daemon_.MustSubmit(TestDaemon::Spec("fail")));
  EXPECT_EQ(job.state(), v1::JOB_FAILED);
  const v1::Run run = daemon_.GetRun("j2.1");
  EXPECT_EQ(run.reason(), v1::NUMERIC);
  EXPECT_EQ(run.message(), "loss_g is nan at step 12");
  EXPECT_EQ(run.attempts_size(), 1);
  EXPECT_EQ(job.message(), "j2.1: loss_g is nan at step 12");
}

TEST_F(DaemonTest, AKilledWorkerIsReplaced) {
  const v1::Job job = daemon_.Await(daemon_.MustSubmit(TestDaemon::Spec("crash-once")));
  EXPECT_EQ(job.state(), v1::JOB_SUCCEEDED);
  const v1::Run run = daemon_.GetRun("j2.1");
  ASSERT_EQ(run.attempts_size(), 2);
  EXPECT_EQ(run.attempts(0).reason(), v1::WORKER_LOST);
  EXPECT_EQ(run.attempts(0).message(), "the worker was killed by signal 9");
}

TEST_F(DaemonTest, AttemptsRunOut) {
  v1::JobSpec spec = TestDaemon::Spec("crash");
  spec.set_max_attempts(2);
  const v1::Job job = daemon_.Await(daemon_.MustSubmit(spec));
  EXPECT_EQ(job.state(), v1::JOB_FAILED);
  EXPECT_EQ(daemon_.GetRun("j2.1").attempts_size(), 2);
  EXPECT_EQ(daemon_.GetRun("j2.1").reason(), v1::WORKER_LOST);
}

TEST_F(DaemonTest, ARunningJobIsCancelled) {
  const std::string id = daemon_.MustSubmit(TestDaemon::Spec("wait"));
  AwaitRunState(id, v1::RUNNING);
  v1::Job job;
  ASSERT_TRUE(Cancel(id, job).ok());
  EXPECT_EQ(daemon_.Await(id).state(), v1::JOB_CANCELLED);
  const grpc::Status again = Cancel(id, job);
  EXPECT_EQ(again.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_THAT(again.error_message(), HasSubstr("is cancelled"));
}

TEST_F(DaemonTest, AWorkerThatDoesNotListenIsKilled) {
  const std::string id = daemon_.MustSubmit(TestDaemon::Spec("deaf"));
  AwaitRunState(id, v1::RUNNING);
  v1::Job job;
  ASSERT_TRUE(Cancel(id, job).ok());
  EXPECT_EQ(daemon_.Await(id).state(), v1::JOB_CANCELLED);
}

TEST_F(DaemonTest, AQueuedRunIsCancelledAtOnce) {
  const std::string first = daemon_.MustSubmit(TestDaemon::Spec("wait"));
  const std::string second = daemon_.MustSubmit(TestDaemon::Spec("finish"));
  AwaitRunState(first, v1::RUNNING);
  v1::Job job;
  ASSERT_TRUE(Cancel(second, job).ok());
  EXPECT_EQ(job.state(), v1::JOB_CANCELLED);
  ASSERT_TRUE(Cancel(first, job).ok());
  EXPECT_EQ(daemon_.Await(first).state(), v1::JOB_CANCELLED);
}

TEST_F(DaemonTest, ARunOverItsTimeLimitFails) {
  v1::JobSpec spec = TestDaemon::Spec("wait");
  spec.mutable_time_limit()->set_seconds(1);
  EXPECT_EQ(daemon_.Await(daemon_.MustSubmit(spec)).state(), v1::JOB_FAILED);
  EXPECT_EQ(daemon_.GetRun("j2.1").reason(), v1::TIMEOUT);
}

TEST_F(DaemonTest, StudiesOfACancelledClassifierFailWithItsName) {
  v1::JobSpec wait = TestDaemon::Spec("wait");
  AwaitRunState(daemon_.MustSubmit(wait), v1::RUNNING);  // takes the only device; its classifier j1 is there
  v1::JobSpec spec = TestDaemon::Spec("finish");
  spec.mutable_evaluation()->mutable_classifier()->set_seed(5);
  const std::string id = daemon_.MustSubmit(spec);  // j4, whose classifier is j3
  v1::Job job;
  ASSERT_TRUE(Cancel("j3", job).ok());
  EXPECT_EQ(daemon_.Await(id).state(), v1::JOB_FAILED);
  EXPECT_EQ(daemon_.GetRun(id + ".1").reason(), v1::DEPENDENCY_FAILED);
  EXPECT_THAT(daemon_.GetRun(id + ".1").message(), HasSubstr("j3"));
  ASSERT_TRUE(Cancel("j2", job).ok());
}

// Of a daemon that was killed between the end of a run and that of its folder.
TEST_F(DaemonTest, WorkFoldersThatNobodyNeedsAreSweptAtTheStart) {
  daemon_.Stop();
  const std::string left = daemon_.folder() + "/state/work/j4711.1";
  std::filesystem::create_directory(left);
  daemon_.Start();
  EXPECT_FALSE(std::filesystem::exists(left));
}

TEST_F(DaemonTest, ARestartPutsRunningRunsBackAndTheyEnd) {
  v1::JobSpec spec = TestDaemon::Spec("wait");
  const std::string id = daemon_.MustSubmit(spec);
  AwaitRunState(id, v1::RUNNING);
  daemon_.Stop();
  daemon_.Start();
  AwaitRunState(id, v1::QUEUED);
  const v1::Run run = daemon_.GetRun(id + ".1");
  EXPECT_EQ(run.attempts(0).reason(), v1::PREEMPTED);
  v1::Job job;
  ASSERT_TRUE(Cancel(id, job).ok());
  EXPECT_EQ(daemon_.Await(id).state(), v1::JOB_CANCELLED);
}

TEST_F(DaemonTest, ADetachedWorkerComesBackToTheNextDaemon) {
  const std::string id = RunAcrossADetachedRestart("return");
  EXPECT_EQ(daemon_.Await(id).state(), v1::JOB_SUCCEEDED);
  EXPECT_EQ(daemon_.GetRun(id + ".1").attempts_size(), 1);
}

TEST_F(DaemonTest, ADetachedWorkerThatDoesNotComeBackIsReplaced) {
  daemon_.scheduler_options().attach_grace = absl::Milliseconds(200);
  const std::string id = RunAcrossADetachedRestart("deaf-once");
  EXPECT_EQ(daemon_.Await(id).state(), v1::JOB_SUCCEEDED);
  const v1::Run run = daemon_.GetRun(id + ".1");
  ASSERT_EQ(run.attempts_size(), 2);
  EXPECT_EQ(run.attempts(0).reason(), v1::WORKER_LOST);
}

TEST_F(DaemonTest, ASecondDaemonIsKeptOutOfTheStateDirectory) {
  Daemon::Options options;
  options.state_dir = daemon_.folder() + "/state";
  options.listen = {"127.0.0.1:0"};
  EXPECT_EQ(Daemon::Start(options).status().code(), absl::StatusCode::kFailedPrecondition);
}

TEST_F(DaemonTest, ADatabaseLockedByAnotherProcessCostsNothingButTime) {
  const auto other =
      Database::Open(daemon_.folder() + "/state/skew.db", Database::Mode::kReadWriteCreate, absl::Seconds(1));
  ASSERT_TRUE(other.ok()) << other.status();
  const std::string id = daemon_.MustSubmit(TestDaemon::Spec("wait"));
  AwaitRunState(id, v1::RUNNING);
  {
    Transaction lock(other->get(), Transaction::Kind::kWrite);
    ASSERT_TRUE(lock.status().ok());
    v1::SubmitJobResponse response;
    EXPECT_EQ(daemon_.Submit(TestDaemon::Spec("finish"), response).error_code(), grpc::StatusCode::UNAVAILABLE);
    EXPECT_EQ(daemon_.GetJob(id).state(), v1::JOB_RUNNING);  // readers go on
  }
  v1::SubmitJobResponse response;
  EXPECT_TRUE(daemon_.Submit(TestDaemon::Spec("finish"), response).ok());
  v1::Job job;
  ASSERT_TRUE(Cancel(id, job).ok());
  EXPECT_EQ(daemon_.Await(response.job().id()).state(), v1::JOB_SUCCEEDED);
}

TEST_F(DaemonTest, NobodyAttachesWithoutAToken) {
  const auto stub = worker::v1::WorkerService::NewStub(
      grpc::CreateChannel("unix:" + daemon_.folder() + "/state/worker.sock", grpc::InsecureChannelCredentials()));
  grpc::ClientContext context;
  const auto stream = stub->Attach(&context);
  worker::v1::WorkerMessage hello;
  hello.mutable_hello()->set_token("guess");
  stream->Write(hello);
  worker::v1::DaemonMessage answer;
  EXPECT_FALSE(stream->Read(&answer));
  EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::UNAUTHENTICATED);
}

}  // namespace
}  // namespace skew

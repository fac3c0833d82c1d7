// Whose turn it is, as users see it: a real daemon with scripted workers.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "server/api/local_peer.h"
#include "tests/testing/queue_fixture.h"

namespace skew {
namespace {

using ::testing::HasSubstr;

class QueueTest : public QueueFixture {};

TEST_F(QueueTest, UsersTakeTurnsWhateverTheOrderOfSubmission) {
  const std::string holder = Occupy("cy");
  const std::string ada = MustSubmit("ada", Spec("finish", 6));
  const std::string bob = MustSubmit("bob", Spec("finish", 2));
  Cancel(holder);
  daemon_.Await(ada);
  daemon_.Await(bob);
  // Bob came last, and has used nothing when ada's first run has ended.
  EXPECT_LT(StartOf(bob + ".1"), StartOf(ada + ".2"));
  // Charged for what their attempts took; next to nothing of it decays within a test.
  EXPECT_NEAR(Shares()["ada"].used_slot_seconds(), SecondsOf(ada, 6), 0.01);
  EXPECT_NEAR(Shares()["bob"].used_slot_seconds(), SecondsOf(bob, 2), 0.01);
}

TEST_F(QueueTest, PriorityOrdersAUsersOwnJobs) {
  const std::string holder = Occupy();
  const std::string low = MustSubmit("ada", Spec("finish"));
  const std::string high =
      MustSubmit("ada", Spec("finish"), [](v1::SubmitJobRequest& request) { request.set_priority(5); });
  const std::string raised = MustSubmit("ada", Spec("finish"));
  v1::Job job;
  ASSERT_TRUE(SetPriority(raised, 9, job).ok());
  EXPECT_EQ(job.priority(), 9);
  EXPECT_EQ(daemon_.GetJob(high).priority(), 5);
  EXPECT_EQ(SetPriority(raised, 1001, job).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  Cancel(holder);
  for (const std::string& id : {low, high, raised}) daemon_.Await(id);
  EXPECT_LT(StartOf(raised + ".1"), StartOf(high + ".1"));
  EXPECT_LT(StartOf(high + ".1"), StartOf(low + ".1"));
  EXPECT_EQ(SetPriority(low, 1, job).error_code(), grpc::StatusCode::FAILED_PRECONDITION);
}

TEST_F(QueueTest, APausedJobWaitsUntilItIsResumed) {
  const std::string first = MustSubmit("ada", Spec("finish"));
  daemon_.Await(first);
  const std::string paused =
      MustSubmit("ada", Spec("finish", 2), [](v1::SubmitJobRequest& request) { request.set_paused(true); });
  EXPECT_TRUE(daemon_.GetJob(paused).paused());
  EXPECT_EQ(daemon_.GetJob(paused).outlook().wait_reason(), "paused");
  daemon_.Await(MustSubmit("ada", Spec("finish")));  // came later, and is done
  EXPECT_EQ(daemon_.GetJob(paused).state(), v1::JOB_QUEUED);
  EXPECT_FALSE(Resume(paused).paused());
  EXPECT_EQ(daemon_.Await(paused).state(), v1::JOB_SUCCEEDED);
  v1::Job job;
  EXPECT_EQ(CallJob(&v1::JobService::Stub::PauseJob, paused, job).error_code(), grpc::StatusCode::FAILED_PRECONDITION);
}

TEST_F(QueueTest, PausingStopsWhatRunsAndKeepsTheAttemptFree) {
  const std::string job = Occupy();
  EXPECT_TRUE(Pause(job).paused());
  AwaitState(job, v1::QUEUED);
  const v1::Run run = daemon_.GetRun(job + ".1");
  EXPECT_EQ(run.attempts(0).reason(), v1::PREEMPTED);
  EXPECT_THAT(run.message(), HasSubstr("paused"));
  EXPECT_TRUE(run.paused());
  daemon_.Await(MustSubmit("ada", Spec("finish")));  // the device is free
  Resume(job);
  daemon_.WatchUntil(job, [](const v1::Event& event) {
    return event.run_state().state() == v1::RUNNING && event.run_state().attempt() == 2;
  });
  Cancel(job);
  EXPECT_EQ(daemon_.Await(job).state(), v1::JOB_CANCELLED);
}

TEST_F(QueueTest, OneRunIsPausedAndTheOthersGoOn) {
  const std::string holder = Occupy();
  const std::string job = MustSubmit("ada", Spec("finish", 3));
  grpc::ClientContext context;
  v1::PauseRunRequest request;
  request.set_run_id(job + ".2");
  v1::Run run;
  ASSERT_TRUE(daemon_.runs().PauseRun(&context, request, &run).ok());
  EXPECT_TRUE(run.paused());
  Cancel(holder);
  daemon_.WatchUntil(job, [&](const v1::Event& event) {
    return event.run_state().run_id() == job + ".3" && event.run_state().state() == v1::SUCCEEDED;
  });
  EXPECT_EQ(daemon_.GetRun(job + ".2").state(), v1::QUEUED);
  EXPECT_FALSE(daemon_.GetJob(job).has_end_time());
  Resume(job);
  EXPECT_EQ(daemon_.Await(job).state(), v1::JOB_SUCCEEDED);
}

TEST_F(QueueTest, FailedRunsAreRetriedWithAllTheirAttempts) {
  v1::JobSpec spec = Spec("crash", 2);
  spec.set_max_attempts(1);
  const std::string id = MustSubmit("ada", spec);
  EXPECT_EQ(daemon_.Await(id).state(), v1::JOB_FAILED);
  const int64_t before = daemon_.GetJob(id).revision();
  v1::Job job;
  ASSERT_TRUE(CallJob(&v1::JobService::Stub::RetryJob, id, job).ok());
  EXPECT_EQ(job.runs().queued(), 2);
  EXPECT_FALSE(job.has_end_time());
  EXPECT_EQ(daemon_.Watch(id, before).back().end().cause(), v1::StreamEnd::JOB_FINISHED);
  const v1::Run run = daemon_.GetRun(id + ".2");
  EXPECT_EQ(run.attempts_size(), 2);
  EXPECT_THAT(run.message(), HasSubstr("attempt 1 of 1"));
}

TEST_F(QueueTest, NothingButFailedAndCancelledRunsIsRetried) {
  const std::string done = MustSubmit("ada", Spec("finish"));
  daemon_.Await(done);
  v1::Job job;
  const grpc::Status status = CallJob(&v1::JobService::Stub::RetryJob, done, job);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_THAT(status.error_message(), HasSubstr("has succeeded"));
  const std::string waiting = Occupy();
  grpc::ClientContext context;
  v1::RetryRunRequest request;
  request.set_run_id(waiting + ".1");
  v1::Run run;
  EXPECT_THAT(daemon_.runs().RetryRun(&context, request, &run).error_message(), HasSubstr("is running"));
  Cancel(waiting);
  daemon_.Await(waiting);
  grpc::ClientContext again;
  ASSERT_TRUE(daemon_.runs().RetryRun(&again, request, &run).ok());
  EXPECT_EQ(run.state(), v1::QUEUED);
  Cancel(waiting);
}

TEST_F(QueueTest, RetryingAStudyTrainsItsClassifierAgain) {
  const std::string holder = Occupy();
  v1::JobSpec spec = Spec("finish");
  spec.mutable_evaluation()->mutable_classifier()->set_seed(5);
  const std::string study = MustSubmit("ada", spec);  // its classifier is j3
  ASSERT_EQ(study, "j4");
  Cancel("j3");
  EXPECT_EQ(daemon_.Await(study).state(), v1::JOB_FAILED);
  v1::Job job;
  ASSERT_TRUE(CallJob(&v1::JobService::Stub::RetryJob, study, job).ok());
  EXPECT_EQ(daemon_.GetJob("j3").state(), v1::JOB_QUEUED);
  const int64_t now = daemon_.GetJob(study).revision();
  Cancel(holder);
  daemon_.Watch(study, now);
  EXPECT_EQ(daemon_.GetJob(study).state(), v1::JOB_SUCCEEDED);
}

TEST_F(QueueTest, AJobStartsAfterTheOneItComesAfter) {
  const std::string first = Occupy();
  const std::string second =
      MustSubmit("ada", Spec("finish"), [&](v1::SubmitJobRequest& request) { request.add_after(first); });
  v1::Job job = daemon_.GetJob(second);
  EXPECT_THAT(job.after(), ::testing::ElementsAre(first));
  EXPECT_EQ(job.outlook().wait_cause(), v1::AFTER_JOB);
  EXPECT_EQ(job.outlook().wait_reason(), "waits for job " + first);
  Cancel(first);
  EXPECT_EQ(daemon_.Await(second).state(), v1::JOB_FAILED);
  const v1::Run run = daemon_.GetRun(second + ".1");
  EXPECT_EQ(run.reason(), v1::DEPENDENCY_FAILED);
  EXPECT_THAT(run.message(), HasSubstr(first));
  // Neither can it be retried alone, nor another one be hung on it.
  EXPECT_EQ(CallJob(&v1::JobService::Stub::RetryJob, second, job).error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  v1::SubmitJobRequest request;
  *request.mutable_spec() = Spec("finish");
  request.add_after(first);
  v1::SubmitJobResponse response;
  EXPECT_EQ(Submit("ada", request, response).error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  request.set_after(0, "j99");
  EXPECT_EQ(Submit("ada", request, response).error_code(), grpc::StatusCode::INVALID_ARGUMENT);

  const std::string good = MustSubmit("ada", Spec("finish", 2));
  const std::string last = MustSubmit("ada", Spec("finish"), [&](v1::SubmitJobRequest& one) { one.add_after(good); });
  EXPECT_EQ(daemon_.Await(last).state(), v1::JOB_SUCCEEDED);
  EXPECT_GT(StartOf(last + ".1"), StartOf(good + ".2"));
}

TEST_F(QueueTest, LimitsRefuseWithTheirNameAndValue) {
  const std::string holder = Occupy("cy");
  SetShare("ada", [](v1::SetShareRequest& request) { request.set_max_queued(3); });
  MustSubmit("ada", Spec("finish", 2));
  v1::SubmitJobRequest request;
  *request.mutable_spec() = Spec("finish", 2);
  v1::SubmitJobResponse response;
  const grpc::Status queued = Submit("ada", request, response);
  EXPECT_EQ(queued.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(queued.error_message(), "ada has 2 queued runs and may have 3 (max_queued); 2 more are too many");
  EXPECT_TRUE(Submit("bob", request, response).ok());
  Cancel(holder);
  daemon_.Await(response.job().id());
  SetShare("*", [](v1::SetShareRequest& one) { one.set_max_artifact_bytes(10); });
  const grpc::Status artifacts = Submit("bob", request, response);
  EXPECT_EQ(artifacts.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_THAT(artifacts.error_message(), HasSubstr("may have 10 (max_artifact_bytes)"));
}

TEST_F(QueueTest, ASlotLimitLeavesTheOtherDevicesToOthers) {
  daemon_.Stop();
  TestDaemon two([](Daemon::Options& options) { options.devices = "cpu:2x1"; });
  grpc::ClientContext context;
  v1::SetShareRequest share;
  share.set_user(LoginOf(geteuid()));
  share.set_max_slots(1);
  v1::Share ignored;
  ASSERT_TRUE(two.queue().SetShare(&context, share, &ignored).ok());
  const std::string first = two.MustSubmit(Spec("wait", 2));
  two.WatchUntil(first, [](const v1::Event& event) { return event.run_state().state() == v1::RUNNING; });
  grpc::ClientContext list;
  v1::ListRunsRequest runs;
  runs.set_job_id(first);
  v1::ListRunsResponse response;
  ASSERT_TRUE(two.runs().ListRuns(&list, runs, &response).ok());
  EXPECT_EQ(response.runs(1).state(), v1::QUEUED);
  EXPECT_EQ(response.runs(1).outlook().wait_cause(), v1::SLOT_LIMIT);
  EXPECT_THAT(response.runs(1).outlook().wait_reason(), HasSubstr("over its slot limit"));
}

TEST_F(QueueTest, EverybodySeesWhyARunWaitsAndWhenItShouldEnd) {
  daemon_.Await(MustSubmit("ada", Spec("finish")));  // teaches the length of the shape
  const std::string holder = Occupy("ada");
  const std::string bob = MustSubmit("bob", Spec("finish", 3));
  const std::string cy = MustSubmit("cy", Spec("finish", 2));
  const v1::GetQueueResponse queue = Queue();
  ASSERT_EQ(queue.active_size(), 1);
  EXPECT_EQ(queue.active(0).owner(), "ada");
  EXPECT_EQ(queue.active(0).device(), "cpu0");
  EXPECT_EQ(queue.queued_runs(), 5);
  ASSERT_EQ(queue.waiting_size(), 2);
  EXPECT_EQ(queue.waiting(0).job_id(), bob);
  EXPECT_EQ(queue.waiting(0).outlook().wait_cause(), v1::NEXT);
  EXPECT_EQ(queue.waiting(1).job_id(), cy);
  EXPECT_EQ(queue.waiting(1).outlook().wait_reason(), "1 run of bob ahead");
  EXPECT_EQ(queue.shares_size(), 3);
  grpc::ClientContext context;
  v1::ListRunsRequest request;
  request.set_job_id(bob);
  v1::ListRunsResponse runs;
  ASSERT_TRUE(daemon_.runs().ListRuns(&context, request, &runs).ok());
  EXPECT_EQ(runs.runs(2).outlook().wait_reason(), "4 runs of bob and cy ahead");
  EXPECT_TRUE(runs.runs(2).outlook().has_end_time());
  const v1::Job job = daemon_.GetJob(cy);
  EXPECT_TRUE(job.outlook().has_start_time());
  EXPECT_GT(job.outlook().end_time().seconds(), 0);
  Cancel(holder);
  daemon_.Await(bob);
  EXPECT_FALSE(daemon_.GetJob(bob).has_outlook());
}

TEST_F(QueueTest, ADryRunSaysWhenAJobWouldStartAndEnd) {
  v1::SubmitJobRequest request;
  *request.mutable_spec() = Spec("finish", 4);
  request.set_validate_only(true);
  v1::SubmitJobResponse response;
  ASSERT_TRUE(Submit("ada", request, response).ok());
  EXPECT_EQ(response.job().outlook().wait_reason(), "its classifier is trained first");
  EXPECT_FALSE(response.job().outlook().has_end_time());  // nothing was learned yet
  daemon_.Await(MustSubmit("ada", Spec("finish")));
  const v1::Run run = daemon_.GetRun("j2.1");
  const double length = static_cast<double>(run.end_time().seconds() - run.start_time().seconds()) +
                        1e-9 * (run.end_time().nanos() - run.start_time().nanos());
  response.Clear();
  ASSERT_TRUE(Submit("ada", request, response).ok());
  const v1::Outlook& outlook = response.job().outlook();
  ASSERT_TRUE(outlook.has_start_time() && outlook.has_end_time());
  const double expected = static_cast<double>(outlook.end_time().seconds() - outlook.start_time().seconds()) +
                          1e-9 * (outlook.end_time().nanos() - outlook.start_time().nanos());
  EXPECT_NEAR(expected, 4 * length, 1e-3);  // four runs, one after the other on the only device
}

TEST_F(QueueTest, ADrainedDeviceStartsNothingAlsoAfterARestart) {
  daemon_.Await(MustSubmit("ada", Spec("finish")));
  grpc::ClientContext drain;
  v1::DrainDeviceResponse drained;
  ASSERT_TRUE(daemon_.queue().DrainDevice(&drain, {}, &drained).ok());
  EXPECT_TRUE(drained.devices(0).drained());
  daemon_.Stop();
  daemon_.Start();
  const std::string job = MustSubmit("ada", Spec("finish"));
  EXPECT_EQ(daemon_.GetJob(job).outlook().wait_reason(), "every device is drained");
  grpc::ClientContext unknown;
  v1::UndrainDeviceRequest request;
  request.set_device("cuda7");
  v1::UndrainDeviceResponse response;
  EXPECT_EQ(daemon_.queue().UndrainDevice(&unknown, request, &response).error_code(), grpc::StatusCode::NOT_FOUND);
  request.set_device("cpu0");
  grpc::ClientContext undrain;
  ASSERT_TRUE(daemon_.queue().UndrainDevice(&undrain, request, &response).ok());
  EXPECT_EQ(daemon_.Await(job).state(), v1::JOB_SUCCEEDED);
}

TEST_F(QueueTest, UseAndSharesOutliveARestart) {
  daemon_.Await(MustSubmit("ada", Spec("finish", 3)));
  SetShare("ada", [](v1::SetShareRequest& request) { request.set_weight(2.5); });
  const double before = Shares()["ada"].used_slot_seconds();
  EXPECT_GT(before, 0);
  daemon_.Stop();
  daemon_.Start();
  const v1::Share after = Shares()["ada"];
  EXPECT_EQ(after.weight(), 2.5);
  EXPECT_NEAR(after.used_slot_seconds(), before, 0.01 * before);
  EXPECT_LE(after.used_slot_seconds(), before);
}

TEST_F(QueueTest, SharesOutOfRangeAreRefused) {
  grpc::ClientContext context;
  v1::SetShareRequest request;
  request.set_weight(0);
  request.set_max_slots(-1);
  v1::Share share;
  const grpc::Status status = daemon_.queue().SetShare(&context, request, &share);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  for (const char* word : {"user", "weight: 0 is not in", "max_slots: -1"}) {
    EXPECT_THAT(status.error_message(), HasSubstr(word));
  }
}

}  // namespace
}  // namespace skew

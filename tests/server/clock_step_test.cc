// The system's clock is set by a day, there and back, while the daemon runs and while it does not: nothing happens too
// early, nothing waits for a day that comes again.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>

#include "common/proto_time.h"
#include "tests/testing/queue_fixture.h"

namespace skew {
namespace {

class ClockStepTest : public ::testing::TestWithParam<int> {
 protected:
  absl::Duration step() const { return absl::Hours(24) * GetParam(); }
  void SetClock() { offset_seconds_ += absl::ToInt64Seconds(step()); }

  v1::Event AwaitState(const std::string& job, v1::RunState state) {
    v1::Event found;
    daemon_.WatchUntil(job, [&](const v1::Event& event) {
      found = event;
      return event.run_state().state() == state;
    });
    return found;
  }

  // A run of the study "wait" with a time limit, under way.
  std::string StartWaiting() {
    daemon_.Await(daemon_.MustSubmit(TestDaemon::Spec("finish")));
    v1::JobSpec spec = TestDaemon::Spec("wait");
    *spec.mutable_time_limit() = ToProto(absl::Hours(1));
    std::string job = daemon_.MustSubmit(spec);
    AwaitState(job, v1::RUNNING);
    return job;
  }

  double UsedSeconds() {
    grpc::ClientContext context;
    v1::ListSharesResponse response;
    EXPECT_TRUE(daemon_.queue().ListShares(&context, {}, &response).ok());
    double used = 0;
    for (const v1::Share& share : response.shares()) used += share.used_slot_seconds();
    return used;
  }

  void Cancel(const std::string& job) {
    grpc::ClientContext context;
    v1::CancelJobRequest request;
    request.set_job_id(job);
    v1::Job response;
    EXPECT_TRUE(daemon_.jobs().CancelJob(&context, request, &response).ok());
    EXPECT_EQ(daemon_.Await(job).state(), v1::JOB_CANCELLED);
  }

  std::atomic<int64_t> offset_seconds_ = 0;
  TestDaemon daemon_{[this](Daemon::Options& options) {
    options.devices = "cpu:2x1";
    options.time = [this] {
      RealClock::Reading reading = RealClock::ReadSystem();
      reading.time += absl::Seconds(offset_seconds_.load());
      return reading;
    };
  }};
};

TEST_P(ClockStepTest, ARetryComesInTime) {
  daemon_.Await(daemon_.MustSubmit(TestDaemon::Spec("finish")));
  const std::string job = daemon_.MustSubmit(TestDaemon::Spec("crash-once"));
  daemon_.WatchUntil(job, [](const v1::Event& event) { return event.run_state().reason() == v1::WORKER_LOST; });
  SetClock();
  EXPECT_EQ(daemon_.Await(job).state(), v1::JOB_SUCCEEDED);
  EXPECT_EQ(daemon_.GetRun(job + ".1").attempts_size(), 2);
}

TEST_P(ClockStepTest, ARunUnderWayIsNeitherOverItsTimeNorChargedForIt) {
  const std::string job = StartWaiting();
  SetClock();
  EXPECT_EQ(daemon_.Await(daemon_.MustSubmit(TestDaemon::Spec("finish"))).state(), v1::JOB_SUCCEEDED);
  EXPECT_EQ(daemon_.GetRun(job + ".1").state(), v1::RUNNING);
  Cancel(job);
  EXPECT_LT(UsedSeconds(), 600);
}

TEST_P(ClockStepTest, WhatWaitsAcrossARestartIsStarted) {
  daemon_.Await(daemon_.MustSubmit(TestDaemon::Spec("finish")));
  const std::string job = daemon_.MustSubmit(TestDaemon::Spec("crash-once"));
  daemon_.WatchUntil(job, [](const v1::Event& event) { return event.run_state().reason() == v1::WORKER_LOST; });
  daemon_.Stop();
  SetClock();
  daemon_.Start();
  EXPECT_EQ(daemon_.Await(job).state(), v1::JOB_SUCCEEDED);
  EXPECT_LT(UsedSeconds(), 600);
}

TEST_P(ClockStepTest, AnAdoptedWorkerKeepsItsTime) {
  daemon_.Await(daemon_.MustSubmit(TestDaemon::Spec("finish")));
  daemon_.Stop();
  daemon_.scheduler_options().on_stop = Scheduler::OnStop::kDetach;
  daemon_.Start();
  v1::JobSpec spec = TestDaemon::Spec("return");
  *spec.mutable_time_limit() = ToProto(absl::Hours(1));
  const std::string job = daemon_.MustSubmit(spec);
  AwaitState(job, v1::RUNNING);
  daemon_.Stop();
  daemon_.scheduler_options().on_stop = Scheduler::OnStop::kCheckpoint;
  SetClock();
  daemon_.Start();
  EXPECT_EQ(daemon_.Await(job).state(), v1::JOB_SUCCEEDED);
  EXPECT_EQ(daemon_.GetRun(job + ".1").attempts_size(), 1);
  EXPECT_LT(UsedSeconds(), 600);
}

INSTANTIATE_TEST_SUITE_P(Days, ClockStepTest, ::testing::Values(1, -1),
                         [](const auto& info) { return info.param > 0 ? "Forward" : "Back"; });

}  // namespace
}  // namespace skew

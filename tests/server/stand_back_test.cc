// A run waits for another one that is trained and would answer it, and for nothing else.
#include <gtest/gtest.h>

#include <string>

#include "tests/testing/test_daemon.h"

namespace skew {
namespace {

// The last device is free for whoever can use it.
TEST(StandBackTest, ARunThatStandsBackKeepsNobodyElseFromStarting) {
  TestDaemon two([](Daemon::Options& options) { options.devices = "cpu:2x1"; });
  two.AllowReuse();
  const auto running = [](const v1::Event& event) { return event.run_state().state() == v1::RUNNING; };
  const std::string trained = two.MustSubmit(TestDaemon::Spec("wait"));
  two.WatchUntil(trained, running);
  const auto other = [](const std::string& script, uint32_t seed) {  // what it trains does not depend on the script
    v1::JobSpec spec = TestDaemon::Spec(script);
    spec.set_seed(seed);
    return spec;
  };
  const std::string holder = two.MustSubmit(other("wait", 8));
  two.WatchUntil(holder, running);
  const std::string twin = two.MustSubmit(TestDaemon::Spec("wait"));
  const std::string next = two.MustSubmit(other("finish", 9));
  const auto cancel = [&](const std::string& id) {
    grpc::ClientContext context;
    v1::CancelJobRequest request;
    request.set_job_id(id);
    v1::Job job;
    EXPECT_TRUE(two.jobs().CancelJob(&context, request, &job).ok());
  };
  cancel(holder);
  EXPECT_EQ(two.Await(next).state(), v1::JOB_SUCCEEDED);
  const v1::Run waiting = two.GetRun(twin + ".1");
  EXPECT_EQ(waiting.state(), v1::QUEUED);
  EXPECT_EQ(waiting.outlook().wait_reason(), "waits for " + trained + ".1, which trains the same");
  EXPECT_FALSE(waiting.outlook().has_start_time());
  cancel(trained);
  two.WatchUntil(twin, running);  // at once
  cancel(twin);
  two.Await(twin);
}

}  // namespace
}  // namespace skew

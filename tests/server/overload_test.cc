// What clients may use of the daemon, and what becomes of those that want more, read nothing, or are gone.
#include <gtest/gtest.h>

#include <array>
#include <thread>

#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "client/client.h"
#include "common/status.h"
#include "gmock/gmock.h"
#include "grpcpp/generic/generic_stub.h"
#include "tests/testing/grpc_peer.h"
#include "tests/testing/raw_call.h"
#include "tests/testing/raw_socket.h"
#include "tests/testing/test_daemon.h"
#include "tests/testing/watched_disk.h"

namespace skew {
namespace {

using grpc::StatusCode;
using ::testing::HasSubstr;

// Requests, far above a rate of two a second.
constexpr int kMany = 1000;

Client ClientOf(TestDaemon& daemon) {
  Client::Options options;
  options.server = {daemon.daemon().addresses().front(), "the test", ""};
  return Client(options);
}

TEST(OverloadTest, RequestsAboveTheRateAreRefusedForNow) {
  TestDaemon daemon([](Daemon::Options& options) { options.limits.requests_per_second = 2; });
  absl::Status status;
  int taken = 0;
  while (taken < kMany && (status = GetInfo(daemon.server())).ok()) ++taken;
  EXPECT_GE(taken, 10);
  EXPECT_TRUE(absl::IsResourceExhausted(status)) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("makes more than 2 requests a second"));
  ASSERT_TRUE(RetryDelay(status).has_value());
  EXPECT_GT(*RetryDelay(status), absl::ZeroDuration());
  EXPECT_LE(*RetryDelay(status), absl::Milliseconds(500));
  // Our own client waits for as long as it is told to.
  Client client = ClientOf(daemon);
  for (int i = 0; i < 3; ++i) {
    const auto info = client.GetServerInfo();
    EXPECT_TRUE(info.ok()) << info.status();
  }
}

TEST(OverloadTest, TheRateOfOneIsNotThatOfAnother) {
  TestDaemon daemon([](Daemon::Options& options) { options.limits.requests_per_second = 2; });
  grpc::ClientContext bob;
  daemon.CallAs(bob, "bob");
  int taken = 0;
  while (taken < kMany && GetInfo(daemon.server()).ok()) ++taken;
  EXPECT_LT(taken, kMany);
  v1::ServerInfo info;
  const grpc::Status status = daemon.server().GetServerInfo(&bob, {}, &info);
  EXPECT_TRUE(status.ok()) << status.error_message();
}

TEST(OverloadTest, PeersThatAreNoUsersHaveARateToo) {
  TestDaemon daemon([](Daemon::Options& options) { options.limits.requests_per_second = 2; });
  const auto guess = [&] {
    return RawCall(daemon.channel(), "/skew.v1.ServerService/GetServerInfo", "", Bearer("skew_1_nonsense"));
  };
  grpc::Status status;
  int guesses = 0;
  while (guesses < kMany && (status = guess()).error_code() == StatusCode::UNAUTHENTICATED) ++guesses;
  EXPECT_EQ(status.error_code(), StatusCode::RESOURCE_EXHAUSTED) << status.error_message();
  EXPECT_TRUE(RetryDelay(FromGrpc(status)).has_value());
  EXPECT_TRUE(GetInfo(daemon.server()).ok());  // the same login, as the user it is
}

TEST(OverloadTest, WatchesAreCountedPerUserAndTogether) {
  TestDaemon daemon([](Daemon::Options& options) { options.limits.watches = {2, 3}; });
  const std::string job = daemon.MustSubmit(TestDaemon::Spec("wait"));
  const auto as_bob = [&](grpc::ClientContext& context) { daemon.CallAs(context, "bob"); };
  auto first = std::make_unique<OpenWatch>(daemon.jobs(), job, 0, as_bob);
  OpenWatch second(daemon.jobs(), job, 0, as_bob);
  ASSERT_TRUE(first->Read() && second.Read());
  OpenWatch one_too_many(daemon.jobs(), job, 0, as_bob);
  EXPECT_FALSE(one_too_many.Read());
  const absl::Status refused = one_too_many.Finish();
  EXPECT_TRUE(absl::IsResourceExhausted(refused) && RetryDelay(refused).has_value()) << refused;
  EXPECT_THAT(std::string(refused.message()), HasSubstr("user 'bob' has 2 watches open"));
  OpenWatch of_another(daemon.jobs(), job);
  ASSERT_TRUE(of_another.Read());
  OpenWatch above_all(daemon.jobs(), job);
  EXPECT_FALSE(above_all.Read());
  EXPECT_THAT(std::string(above_all.Finish().message()), HasSubstr("the server has 3 watches open"));
  first.reset();
  EXPECT_TRUE(Comes([&] { return Watches(daemon) == 2; }));
  OpenWatch again(daemon.jobs(), job, 0, as_bob);
  EXPECT_TRUE(again.Read());
}

// Each has a thread: one user's must not be all of them.
TEST(OverloadTest, CallsAtWorkAreCountedPerUserAndWatchesAreNot) {
  TestDaemon daemon([](Daemon::Options& options) { options.limits.calls = {2, 10}; });
  const std::string job = daemon.MustSubmit(TestDaemon::Spec("finish"));
  daemon.Await(job);
  const auto as_bob = [&](grpc::ClientContext& context) { daemon.CallAs(context, "bob"); };
  std::array<grpc::ClientContext, 3> contexts;
  for (grpc::ClientContext& context : contexts) as_bob(context);
  absl::Notification held;
  absl::Notification go_on;
  std::thread writer([&] {
    const absl::Status written = daemon.daemon().connections().Write(absl::Now(), [&](WriteScope&) {
      held.Notify();
      go_on.WaitForNotification();
      return absl::OkStatus();
    });
    EXPECT_TRUE(written.ok()) << written;
  });
  held.WaitForNotification();
  std::vector<std::thread> submitters;
  for (size_t i = 0; i < 2; ++i) {
    submitters.emplace_back([&, i] {
      v1::SubmitJobRequest request;
      *request.mutable_spec() = TestDaemon::Spec("finish");
      v1::SubmitJobResponse response;
      const grpc::Status status = daemon.jobs().SubmitJob(&contexts[i], request, &response);
      EXPECT_TRUE(status.ok()) << status.error_message();
    });
  }
  const OpenStreams& open = daemon.daemon().open_streams();
  EXPECT_TRUE(Comes([&] { return open.count(OpenStreams::Kind::kCall) == 2; }));
  v1::ServerInfo info;
  const absl::Status refused = FromGrpc(daemon.server().GetServerInfo(&contexts[2], {}, &info));
  EXPECT_TRUE(absl::IsResourceExhausted(refused) && RetryDelay(refused).has_value()) << refused;
  EXPECT_THAT(std::string(refused.message()), HasSubstr("user 'bob' has 2 calls open"));
  OpenWatch watch(daemon.jobs(), job, 0, as_bob);
  EXPECT_TRUE(watch.Read());
  EXPECT_TRUE(GetInfo(daemon.server()).ok());  // of another user
  go_on.Notify();
  writer.join();
  for (std::thread& submitter : submitters) submitter.join();
  EXPECT_TRUE(Comes([&] { return open.count(OpenStreams::Kind::kCall) == 0; }));
}

// What a team's tools do, all of one login.
TEST(OverloadTest, FiftyScriptsAndTwoHundredWatchersOfOneUserAreAllServed) {
  TestDaemon daemon;
  const std::string job = daemon.MustSubmit(TestDaemon::Spec("finish"));
  daemon.Await(job);
  const std::string watched = daemon.MustSubmit(TestDaemon::Spec("wait"));
  std::vector<std::unique_ptr<OpenWatch>> watches;
  watches.reserve(200);
  for (int i = 0; i < 200; ++i) {
    watches.push_back(std::make_unique<OpenWatch>(daemon.jobs(), watched));
    ASSERT_TRUE(watches.back()->Read());
  }
  std::vector<std::thread> scripts;
  scripts.reserve(50);
  for (int i = 0; i < 50; ++i) {
    scripts.emplace_back([&] {
      const auto channel = Connect(daemon.daemon().addresses().front());
      const auto jobs = v1::JobService::NewStub(channel);
      const auto runs = v1::RunService::NewStub(channel);
      for (int round = 0; round < 4; ++round) {
        grpc::ClientContext contexts[3];
        v1::GetJobRequest get;
        get.set_job_id(job);
        v1::Job found;
        grpc::Status status = jobs->GetJob(&contexts[0], get, &found);
        EXPECT_TRUE(status.ok()) << status.error_message();
        v1::GetResultsRequest results;
        results.set_job_id(job);
        v1::GetResultsResponse cells;
        status = jobs->GetResults(&contexts[1], results, &cells);
        EXPECT_TRUE(status.ok()) << status.error_message();
        v1::ListRunsRequest list;
        list.set_job_id(job);
        v1::ListRunsResponse listed;
        status = runs->ListRuns(&contexts[2], list, &listed);
        EXPECT_TRUE(status.ok()) << status.error_message();
      }
    });
  }
  for (std::thread& script : scripts) script.join();
  EXPECT_EQ(Watches(daemon), 200);
}

TEST(OverloadTest, LogsThatAreFollowedAreCounted) {
  TestDaemon daemon([](Daemon::Options& options) { options.limits.reads = {1, 4}; });
  const std::string job = daemon.MustSubmit(TestDaemon::Spec("wait"));
  daemon.WatchUntil(job, [](const v1::Event& event) { return event.run_state().state() == v1::RUNNING; });
  v1::ReadLogRequest request;
  request.set_run_id(job + ".1");
  request.set_follow(true);
  v1::ReadLogResponse response;
  grpc::ClientContext following;
  const auto log = daemon.runs().ReadLog(&following, request);
  ASSERT_TRUE(log->Read(&response));
  grpc::ClientContext refused;
  const auto another = daemon.runs().ReadLog(&refused, request);
  EXPECT_FALSE(another->Read(&response));
  const absl::Status status = FromGrpc(another->Finish());
  EXPECT_TRUE(absl::IsResourceExhausted(status) && RetryDelay(status).has_value()) << status;
  // An artifact is a read from the moment on that it is looked for: all of it is read to check it.
  grpc::ClientContext refused_too;
  v1::ReadArtifactRequest artifact;
  artifact.set_run_id(job + ".1");
  artifact.set_name("none");
  v1::ReadArtifactResponse ignored;
  const auto looked_for = daemon.artifacts().ReadArtifact(&refused_too, artifact);
  EXPECT_FALSE(looked_for->Read(&ignored));
  EXPECT_EQ(looked_for->Finish().error_code(), StatusCode::RESOURCE_EXHAUSTED);
  following.TryCancel();
  log->Finish().ok();
  EXPECT_TRUE(Comes([&] { return daemon.daemon().open_streams().count(OpenStreams::Kind::kRead) == 0; }));
}

// Each of them would have a thread.
TEST(OverloadTest, ReflectionStreamsLeaveThreadsForOthers) {
  TestDaemon daemon([](Daemon::Options& options) {
    options.limits.calls = {4, 4};
    options.limits.reads = {1, 1};
  });
  const auto channel = Connect(daemon.daemon().addresses().front());
  grpc::GenericStub stub(channel);
  grpc::CompletionQueue queue;
  std::vector<std::unique_ptr<grpc::ClientContext>> contexts;
  std::vector<std::unique_ptr<grpc::GenericClientAsyncReaderWriter>> streams;
  for (int i = 0; i < 60; ++i) {
    contexts.push_back(std::make_unique<grpc::ClientContext>());
    streams.push_back(stub.PrepareCall(contexts.back().get(),
                                       "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", &queue));
    streams.back()->StartCall(nullptr);
    void* tag = nullptr;
    bool ok = false;
    queue.Next(&tag, &ok);
  }
  for (int i = 0; i < 20; ++i) EXPECT_TRUE(GetInfo(daemon.server()).ok());
  for (const auto& context : contexts) context->TryCancel();
  std::vector<grpc::Status> statuses(streams.size());
  for (size_t i = 0; i < streams.size(); ++i) {
    streams[i]->Finish(&statuses[i], nullptr);
    void* tag = nullptr;
    bool ok = false;
    queue.Next(&tag, &ok);
  }
}

// gRPC's own health service knows no users: those of everybody together are bounded.
TEST(OverloadTest, HealthWatchesAreBoundedInAll) {
  TestDaemon daemon;
  const auto channel = Connect(daemon.daemon().addresses().front());
  grpc::GenericStub stub(channel);
  grpc::CompletionQueue queue;
  const grpc::ByteBuffer nothing{std::make_unique<grpc::Slice>("").get(), 1};
  std::vector<std::unique_ptr<grpc::ClientContext>> contexts;
  std::vector<std::unique_ptr<grpc::GenericClientAsyncReaderWriter>> streams;
  std::vector<grpc::ByteBuffer> answers(1005);
  void* tag = nullptr;
  bool ok = false;
  int refused = 0;
  for (grpc::ByteBuffer& answer : answers) {
    contexts.push_back(std::make_unique<grpc::ClientContext>());
    streams.push_back(stub.PrepareCall(contexts.back().get(), "/grpc.health.v1.Health/Watch", &queue));
    streams.back()->StartCall(nullptr);
    queue.Next(&tag, &ok);
    streams.back()->WriteLast(nothing, grpc::WriteOptions(), nullptr);
    queue.Next(&tag, &ok);
    streams.back()->Read(&answer, nullptr);
    queue.Next(&tag, &ok);
    if (!ok) ++refused;
  }
  EXPECT_EQ(refused, 5);
  EXPECT_TRUE(GetInfo(daemon.server()).ok());
  for (const auto& context : contexts) context->TryCancel();
  for (const auto& stream : streams) {
    grpc::Status status;
    stream->Finish(&status, nullptr);
    queue.Next(&tag, &ok);
    EXPECT_EQ(status.error_code(), grpc::StatusCode::CANCELLED);
  }
}

TEST(OverloadTest, AWorkerThatFloodsIsSlowedDown) {
  const CheapSyncs cheap;  // it is not the disk that it waits for
  TestDaemon daemon([](Daemon::Options& options) {
    options.report_limits.per_second = 20;
    options.report_limits.at_once = 240;
  });
  const std::string job = daemon.MustSubmit(TestDaemon::Spec("flood"));
  std::vector<v1::Event> progress;
  for (const v1::WatchJobResponse& one : daemon.Watch(job)) {
    if (one.event().has_progress()) progress.push_back(one.event());
  }
  EXPECT_EQ(daemon.GetJob(job).state(), v1::JOB_SUCCEEDED);
  ASSERT_GE(progress.size(), 300u);
  const auto seconds = static_cast<double>(progress[299].time().seconds() - progress[0].time().seconds()) +
                       (progress[299].time().nanos() - progress[0].time().nanos()) / 1e9;
  EXPECT_GT(seconds, (300 - 240) / 20.0 * 0.8);
}

TEST(OverloadTest, ARunWhoseWorkerReportsAbsurditiesFails) {
  TestDaemon daemon;
  const std::string job = daemon.MustSubmit(TestDaemon::Spec("absurd"));
  EXPECT_EQ(daemon.Await(job).state(), v1::JOB_FAILED);
  const v1::Run run = daemon.GetRun(job + ".1");
  EXPECT_EQ(run.reason(), v1::INTERNAL);
  EXPECT_EQ(run.attempts_size(), 1);
  EXPECT_THAT(run.message(), HasSubstr("the worker sent what cannot be: progress.metrics"));
}

}  // namespace
}  // namespace skew

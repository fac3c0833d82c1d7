// Streams whose readers do not take what they are sent.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "client/client.h"
#include "common/slow_consumer.h"
#include "common/status.h"
#include "tests/testing/grpc_peer.h"
#include "tests/testing/test_daemon.h"

namespace skew {
namespace {

using ::testing::HasSubstr;

// Until the job has ended: the revisions of its events after that one, read by a client as slowly as `take` does. Where
// it is cut, as anybody can be where patience is short, it goes on.
std::vector<int64_t> ReadAll(TestDaemon& daemon, const std::string& job, int64_t after,
                             const std::function<void(size_t)>& take) {
  Client::Options options;
  options.server = {daemon.daemon().addresses().front(), "the test", ""};
  Client client(options);
  std::vector<int64_t> revisions;
  const absl::Status status = client.WatchJob(job, after, [&](const v1::Event& event) {
    revisions.push_back(event.revision());
    take(revisions.size());
    return absl::OkStatus();
  });
  EXPECT_TRUE(status.ok()) << status;
  return revisions;
}

std::vector<int64_t> ReadAll(TestDaemon& daemon, const std::string& job, int64_t after = 0) {
  return ReadAll(daemon, job, after, [](size_t) {});
}

// Whether they hang on the same page or not, and however much is behind it.
TEST(SlowReaderTest, ReadersThatStopHoldAPageEachAndAreCut) {
  TestDaemon daemon([](Daemon::Options& options) {
    options.limits.reader_patience = absl::Seconds(1);
    options.limits.reader_grace = absl::ZeroDuration();
  });
  const std::string job = daemon.MustSubmit(TestDaemon::Spec("long"));
  const std::vector<int64_t> all = ReadAll(daemon, job);  // three megabytes
  constexpr int kReaders = 20;
  const auto channel = Connect(daemon.daemon().addresses().front(), 1024);
  const auto stub = v1::JobService::NewStub(channel);
  std::vector<std::unique_ptr<OpenWatch>> readers;
  for (int i = 0; i < kReaders; ++i) {
    readers.push_back(std::make_unique<OpenWatch>(*stub, job, all[static_cast<size_t>(i)]));
    ASSERT_TRUE(readers.back()->Read());
  }
  int64_t most_held = 0;
  EXPECT_TRUE(Comes([&] {
    most_held = std::max(most_held, daemon.daemon().watches().held_bytes());
    return Watches(daemon) == 0;
  }));
  EXPECT_GT(most_held, 0);
  EXPECT_LT(most_held, kReaders * (300 << 10));
  EXPECT_EQ(daemon.daemon().watches().held_bytes(), 0);
  for (const std::unique_ptr<OpenWatch>& reader : readers) {
    int64_t last = reader->last().event().revision();
    for (const int64_t revision : reader->ReadAll()) last = revision;
    const absl::Status status = reader->Finish();
    EXPECT_TRUE(IsSlowConsumer(status)) << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr("go on after the last one that was read"));
    EXPECT_LT(last, all.back());
  }
}

TEST(SlowReaderTest, AReaderThatWasCutGoesOnWhereItWas) {
  TestDaemon daemon([](Daemon::Options& options) {
    options.limits.reader_patience = absl::Milliseconds(200);
    options.limits.reader_grace = absl::ZeroDuration();
  });
  const std::string job = daemon.MustSubmit(TestDaemon::Spec("long"));
  const std::vector<int64_t> all = ReadAll(daemon, job);
  const std::vector<int64_t> seen = ReadAll(daemon, job, 0, [&](size_t count) {
    if (count == 3) {
      EXPECT_TRUE(Comes([&] { return Watches(daemon) == 0; }));
    }
  });
  EXPECT_EQ(seen, all);
}

TEST(SlowReaderTest, AReaderThatIsOnlyLateIsToldSo) {
  TestDaemon daemon([](Daemon::Options& options) {
    options.limits.reader_patience = absl::Milliseconds(50);
    options.limits.reader_grace = absl::Hours(1);
  });
  v1::JobSpec spec = TestDaemon::Spec("finish");
  spec.set_iterations(6);
  const std::string job = daemon.MustSubmit(spec);
  const std::vector<int64_t> all = ReadAll(daemon, job);
  const auto stub = v1::JobService::NewStub(Connect(daemon.daemon().addresses().front(), 1024));
  OpenWatch late(*stub, job);
  EXPECT_TRUE(Comes([&] { return daemon.daemon().slow_readers().CountLate() == 1; }));
  std::vector<int64_t> seen = late.ReadAll();
  ASSERT_EQ(late.last().end().cause(), v1::StreamEnd::SLOW_CONSUMER);
  ASSERT_FALSE(seen.empty());
  EXPECT_EQ(late.last().end().revision(), seen.back());
  EXPECT_TRUE(late.Finish().ok());
  const std::vector<int64_t> rest = ReadAll(daemon, job, seen.back());
  seen.insert(seen.end(), rest.begin(), rest.end());
  EXPECT_EQ(seen, all);
}

TEST(SlowReaderTest, AnArtifactThatIsNotReadIsCutAndItsThreadIsFree) {
  TestDaemon daemon([](Daemon::Options& options) {
    options.limits.reader_patience = absl::Milliseconds(200);
    options.limits.reader_grace = absl::ZeroDuration();
  });
  const std::string job = daemon.MustSubmit(TestDaemon::Spec("finish"));
  ReadAll(daemon, job);
  const auto stub = v1::ArtifactService::NewStub(Connect(daemon.daemon().addresses().front(), 16));
  grpc::ClientContext context;
  v1::ReadArtifactRequest request;
  request.set_run_id(job + ".1");
  request.set_name("samples.txt");
  const auto stream = stub->ReadArtifact(&context, request);
  EXPECT_TRUE(Comes([&] { return daemon.daemon().open_streams().count(OpenStreams::Kind::kRead) == 1; }));
  EXPECT_TRUE(Comes([&] { return daemon.daemon().open_streams().count(OpenStreams::Kind::kRead) == 0; }));
  v1::ReadArtifactResponse response;
  while (stream->Read(&response)) {
  }
  const absl::Status status = FromGrpc(stream->Finish());
  EXPECT_TRUE(IsSlowConsumer(status)) << status;
}

}  // namespace
}  // namespace skew

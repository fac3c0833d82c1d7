// The streams of Client.
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "client/client.h"
#include "common/status.h"
#include "tests/client/fake_server.h"
#include "tests/client/testing.h"

namespace skew {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

v1::WatchJobResponse EventAt(int64_t revision, int64_t sequence) {
  v1::WatchJobResponse response;
  response.mutable_event()->set_job_id("j1");
  response.mutable_event()->set_revision(revision);
  response.mutable_event()->set_sequence(sequence);
  return response;
}

v1::WatchJobResponse End(v1::StreamEnd::Cause cause) {
  v1::WatchJobResponse response;
  response.mutable_end()->set_cause(cause);
  return response;
}

// Revisions of the requests and of the events that came.
struct Watched {
  absl::Status status;
  std::vector<int64_t> requested;
  std::vector<int64_t> seen;
};

Watched Watch(FakeServer& server, int64_t after_revision = 0, absl::Duration patience = absl::Minutes(2)) {
  Client::Options options = server.ClientOptions();
  options.stream_patience = patience;
  Client client(options);
  Watched watched;
  watched.status = client.WatchJob("j1", after_revision, [&](const v1::Event& event) {
    watched.seen.push_back(event.revision());
    return absl::OkStatus();
  });
  for (const v1::WatchJobRequest& request : server.watch_job.requests()) {
    watched.requested.push_back(request.after_revision());
  }
  return watched;
}

TEST(WatchJobTest, EndsWhenTheJobHasFinished) {
  FakeServer server;
  server.watch_job.Add({EventAt(3, 1), EventAt(7, 2), End(v1::StreamEnd::JOB_FINISHED)});
  const Watched watched = Watch(server);
  EXPECT_TRUE(watched.status.ok()) << watched.status;
  EXPECT_THAT(watched.seen, ElementsAre(3, 7));
}

TEST(WatchJobTest, ResumesAfterTheLastRevisionHoweverTheStreamEnded) {
  FakeServer server;
  server.watch_job.Add({EventAt(3, 1)}, {grpc::StatusCode::UNAVAILABLE, "gone"});
  server.watch_job.Add({EventAt(5, 2), End(v1::StreamEnd::DRAINING)});
  server.watch_job.Add({EventAt(8, 3)});  // cut: no end message
  server.watch_job.Fail(grpc::StatusCode::CANCELLED);
  server.watch_job.Add({EventAt(9, 4), End(v1::StreamEnd::JOB_FINISHED)});
  const Watched watched = Watch(server);
  EXPECT_TRUE(watched.status.ok()) << watched.status;
  EXPECT_THAT(watched.requested, ElementsAre(0, 3, 5, 8, 8));
  EXPECT_THAT(watched.seen, ElementsAre(3, 5, 8, 9));
}

TEST(WatchJobTest, ResumesAStreamThatWasReadTooSlowly) {
  FakeServer server;
  server.watch_job.Add({EventAt(3, 1), End(v1::StreamEnd::SLOW_CONSUMER)});
  server.watch_job.Add({EventAt(5, 2)},
                       {grpc::StatusCode::RESOURCE_EXHAUSTED, "SLOW_CONSUMER: a message was not taken"});
  server.watch_job.Add({}, ToGrpc(ExhaustedForNow("you have 5 watches open", absl::Milliseconds(5))));
  server.watch_job.Add({EventAt(8, 3), End(v1::StreamEnd::JOB_FINISHED)});
  const Watched watched = Watch(server);
  EXPECT_TRUE(watched.status.ok()) << watched.status;
  EXPECT_THAT(watched.requested, ElementsAre(0, 3, 5, 5));
  EXPECT_THAT(watched.seen, ElementsAre(3, 5, 8));
}

TEST(WatchJobTest, DoesNotRetryAMessageThatIsTooLarge) {
  FakeServer server;
  server.watch_job.Add({EventAt(3, 1)}, {grpc::StatusCode::RESOURCE_EXHAUSTED, "Received message larger than max"});
  EXPECT_TRUE(absl::IsResourceExhausted(Watch(server).status));
}

TEST(WatchJobTest, RefusesGaps) {
  FakeServer server;
  server.watch_job.Add({EventAt(3, 1)});
  server.watch_job.Add({EventAt(9, 3), End(v1::StreamEnd::JOB_FINISHED)});
  const Watched watched = Watch(server);
  EXPECT_TRUE(absl::IsDataLoss(watched.status)) << watched.status;
  EXPECT_THAT(std::string(watched.status.message()), HasSubstr("number 3 follows number 1; some are missing"));
  EXPECT_THAT(watched.seen, ElementsAre(3));
}

TEST(WatchJobTest, RefusesRepeats) {
  FakeServer server;
  server.watch_job.Add({EventAt(3, 1), EventAt(3, 1)});
  const Watched watched = Watch(server);
  EXPECT_TRUE(absl::IsDataLoss(watched.status)) << watched.status;
  EXPECT_THAT(std::string(watched.status.message()), HasSubstr("some are there twice"));
}

TEST(WatchJobTest, RefusesAHistoryWithoutItsBeginning) {
  FakeServer server;
  server.watch_job.Add({EventAt(3, 2)});
  EXPECT_TRUE(absl::IsDataLoss(Watch(server).status));
}

TEST(WatchJobTest, TakesAnySequenceAfterARevision) {
  FakeServer server;
  server.watch_job.Add({EventAt(31, 20), EventAt(32, 21), End(v1::StreamEnd::JOB_FINISHED)});
  const Watched watched = Watch(server, 30);
  EXPECT_TRUE(watched.status.ok()) << watched.status;
  EXPECT_THAT(watched.requested, ElementsAre(30));
}

TEST(WatchJobTest, RefusesEventsFromBeforeTheRevision) {
  FakeServer server;
  server.watch_job.Add({EventAt(30, 20)});
  EXPECT_TRUE(absl::IsDataLoss(Watch(server, 30).status));
}

TEST(WatchJobTest, DoesNotRetryOtherErrors) {
  FakeServer server;
  server.watch_job.Add({EventAt(3, 1)}, {grpc::StatusCode::NOT_FOUND, "no job j1"});
  const Watched watched = Watch(server);
  EXPECT_TRUE(absl::IsNotFound(watched.status)) << watched.status;
  EXPECT_THAT(watched.requested, SizeIs(1));
}

TEST(WatchJobTest, SaysWhenWhatComesNextIsNotKeptAnyMore) {
  FakeServer server;
  server.watch_job.Add({EventAt(3, 1), End(v1::StreamEnd::COMPACTED)});
  const Watched behind = Watch(server);
  EXPECT_TRUE(absl::IsOutOfRange(behind.status)) << behind.status;
  EXPECT_THAT(std::string(behind.status.message()), HasSubstr("after revision 3 are not kept any more"));
  EXPECT_THAT(behind.requested, SizeIs(1));
  FakeServer later;
  later.watch_job.Fail(grpc::StatusCode::OUT_OF_RANGE, "events of job j1 up to revision 3");
  const Watched refused = Watch(later);
  EXPECT_TRUE(absl::IsOutOfRange(refused.status)) << refused.status;
  EXPECT_THAT(refused.requested, SizeIs(1));
}

TEST(WatchJobTest, GivesUpWhenItsPatienceIsUsedUp) {
  FakeServer server;
  server.watch_job.Add({EventAt(3, 1), End(v1::StreamEnd::DRAINING)});
  const Watched watched = Watch(server, 0, absl::ZeroDuration());
  EXPECT_TRUE(absl::IsUnavailable(watched.status)) << watched.status;
  EXPECT_THAT(std::string(watched.status.message()), HasSubstr("the server is shutting down"));
}

TEST(WatchJobTest, EndsWithTheErrorOfItsReader) {
  FakeServer server;
  server.watch_job.Add({EventAt(3, 1), EventAt(4, 2), End(v1::StreamEnd::JOB_FINISHED)});
  Client client(server.ClientOptions());
  const absl::Status status =
      client.WatchJob("j1", 0, [](const v1::Event&) { return absl::UnknownError("output cannot be written"); });
  EXPECT_EQ(status.message(), "output cannot be written");
}

v1::ReadLogResponse LogAt(int64_t offset, const std::string& data) {
  v1::ReadLogResponse response;
  response.set_offset(offset);
  response.set_data(data);
  return response;
}

TEST(ReadLogTest, ResumesTheSameAttemptWhereItWas) {
  FakeServer server;
  server.get_run.Add({Parse<v1::Run>("attempts { number: 1 } attempts { number: 2 }")});
  server.read_log.Add({LogAt(0, "one\n")}, {grpc::StatusCode::UNAVAILABLE, "gone"});
  server.read_log.Add({LogAt(4, "two\n")});
  std::string text;
  const absl::Status status = Client(server.ClientOptions()).ReadLog("j1.1", 0, true, [&](absl::string_view data) {
    absl::StrAppend(&text, data);
    return absl::OkStatus();
  });
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_EQ(text, "one\ntwo\n");
  ASSERT_THAT(server.read_log.requests(), SizeIs(2));
  EXPECT_THAT(server.read_log.requests()[1], EqualsProto("run_id: 'j1.1' attempt: 2 offset: 4 follow: true"));
}

TEST(ReadLogTest, RefusesGaps) {
  FakeServer server;
  server.read_log.Add({LogAt(0, "one\n"), LogAt(6, "x")});
  const absl::Status status =
      Client(server.ClientOptions()).ReadLog("j1.1", 1, false, [](absl::string_view) { return absl::OkStatus(); });
  EXPECT_TRUE(absl::IsDataLoss(status)) << status;
}

}  // namespace
}  // namespace skew

#include "client/client.h"

#include <string>
#include <vector>

#include "absl/time/clock.h"
#include "client/duration.h"
#include "client/retry.h"
#include "common/status.h"
#include "tests/client/fake_server.h"
#include "tests/client/testing.h"

namespace skew {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

TEST(ClientTest, RetriesWhatIsUnavailable) {
  FakeServer server;
  server.get_job.Fail(grpc::StatusCode::UNAVAILABLE);
  server.get_job.Fail(grpc::StatusCode::UNAVAILABLE);
  server.get_job.Add({Parse<v1::Job>("id: 'j1'")});
  std::vector<std::string> notes;
  Client::Options options = server.ClientOptions();
  options.on_outage = [&](absl::string_view note) { notes.emplace_back(note); };
  Client client(options);

  const absl::StatusOr<v1::Job> job = client.GetJob("j1");
  ASSERT_TRUE(job.ok()) << job.status();
  EXPECT_EQ(job->id(), "j1");
  EXPECT_THAT(server.get_job.requests(), SizeIs(3));
  EXPECT_THAT(notes, ::testing::ElementsAre(HasSubstr("is not available, trying again: scripted")));
}

class OtherErrors : public ::testing::TestWithParam<grpc::StatusCode> {};

TEST_P(OtherErrors, AreNotRetried) {
  FakeServer server;
  server.get_job.Fail(GetParam());
  Client client(server.ClientOptions());
  EXPECT_EQ(client.GetJob("j1").status().raw_code(), static_cast<int>(GetParam()));
  EXPECT_THAT(server.get_job.requests(), SizeIs(1));
}

INSTANTIATE_TEST_SUITE_P(ClientTest, OtherErrors,
                         ::testing::Values(grpc::StatusCode::INTERNAL, grpc::StatusCode::NOT_FOUND,
                                           grpc::StatusCode::RESOURCE_EXHAUSTED, grpc::StatusCode::UNAUTHENTICATED,
                                           grpc::StatusCode::DEADLINE_EXCEEDED, grpc::StatusCode::ABORTED));

TEST(ClientTest, WaitsAsLongAsARefusalSays) {
  FakeServer server;
  server.get_job.Add({}, ToGrpc(ExhaustedForNow("too many requests", absl::Milliseconds(30))));
  server.get_job.Add({}, ToGrpc(ExhaustedForNow("too many requests", absl::Milliseconds(30))));
  server.get_job.Add({Parse<v1::Job>("id: 'j1'")});
  std::vector<std::string> notes;
  Client::Options options = server.ClientOptions();
  options.on_outage = [&](absl::string_view note) { notes.emplace_back(note); };
  const absl::Time start = absl::Now();
  const absl::StatusOr<v1::Job> job = Client(options).GetJob("j1");
  ASSERT_TRUE(job.ok()) << job.status();
  EXPECT_GE(absl::Now() - start, absl::Milliseconds(60));
  EXPECT_THAT(server.get_job.requests(), SizeIs(3));
  EXPECT_THAT(notes, ::testing::ElementsAre(HasSubstr("asks to wait: too many requests")));
}

TEST(ClientTest, DoesNotWaitLongerThanItsPatience) {
  FakeServer server;
  server.get_job.Add({}, ToGrpc(ExhaustedForNow("the disk is full", absl::Seconds(30))));
  const absl::Time start = absl::Now();
  const absl::Status status = Client(server.ClientOptions()).GetJob("j1").status();
  EXPECT_LT(absl::Now() - start, absl::Seconds(9));
  EXPECT_TRUE(absl::IsResourceExhausted(status)) << status;
  EXPECT_EQ(RetryDelay(status), absl::Seconds(30));
  EXPECT_THAT(server.get_job.requests(), SizeIs(1));
}

TEST(ClientTest, UnreachableErrorSaysWhichAddressAndFromWhere) {
  FakeServer server;
  server.get_job.Fail(grpc::StatusCode::UNAVAILABLE);
  Client::Options options = server.ClientOptions();
  options.patience = absl::ZeroDuration();
  const absl::Status status = Client(options).GetJob("j1").status();
  EXPECT_TRUE(absl::IsUnavailable(status));
  EXPECT_THAT(std::string(status.message()), HasSubstr("(from the test) is not available: scripted"));
  EXPECT_THAT(server.get_job.requests(), SizeIs(1));
}

TEST(ClientTest, SendsTheToken) {
  FakeServer server;
  server.get_job.Add({v1::Job()});
  ASSERT_TRUE(Client(server.ClientOptions()).GetJob("j1").ok());
  EXPECT_EQ(server.authorization(), "Bearer secret");
}

TEST(ClientTest, SubmitsTheSameRequestAgain) {
  FakeServer server;
  server.submit_job.Fail(grpc::StatusCode::UNAVAILABLE);
  server.submit_job.Add({Parse<v1::SubmitJobResponse>("job { id: 'j2' }")});
  const auto request = Parse<v1::SubmitJobRequest>("spec { dataset: 'mnist' } request_id: 'r'");
  ASSERT_TRUE(Client(server.ClientOptions()).SubmitJob(request).ok());
  ASSERT_THAT(server.submit_job.requests(), SizeIs(2));
  EXPECT_EQ(server.submit_job.requests()[1].request_id(), "r");
}

TEST(ClientTest, KeepsFieldViolations) {
  FakeServer server;
  server.submit_job.Add({}, ToGrpc(InvalidField("bias.varied.counts[2]", "0 is not positive")));
  const absl::Status status = Client(server.ClientOptions()).SubmitJob({}).status();
  ASSERT_THAT(FieldViolations(status), SizeIs(1));
  EXPECT_EQ(FieldViolations(status)[0].field(), "bias.varied.counts[2]");
}

TEST(ClientTest, ListsJobsPageByPageUpToTheLimit) {
  FakeServer server;
  server.list_jobs.Add({Parse<v1::ListJobsResponse>("jobs { id: 'j3' } jobs { id: 'j2' } next_page_token: 'p'")});
  server.list_jobs.Add({Parse<v1::ListJobsResponse>("jobs { id: 'j1' } next_page_token: 'q'")});
  const auto filter = Parse<v1::JobFilter>("states: JOB_RUNNING");
  const auto jobs = Client(server.ClientOptions()).ListJobs(filter, 3);
  ASSERT_TRUE(jobs.ok()) << jobs.status();
  EXPECT_THAT(*jobs, SizeIs(3));
  ASSERT_THAT(server.list_jobs.requests(), SizeIs(2));
  EXPECT_THAT(server.list_jobs.requests()[1],
              EqualsProto("page_size: 1 page_token: 'p' filter { states: JOB_RUNNING }"));
}

TEST(ClientTest, RunListHasTheRevisionOfItsFirstPage) {
  FakeServer server;
  server.list_runs.Add({Parse<v1::ListRunsResponse>("runs { id: 'j1.1' } next_page_token: 'p' revision: 5")});
  server.list_runs.Add({Parse<v1::ListRunsResponse>("runs { id: 'j1.2' } revision: 9")});
  const auto list = Client(server.ClientOptions()).ListRuns("j1");
  ASSERT_TRUE(list.ok()) << list.status();
  EXPECT_THAT(list->runs, SizeIs(2));
  EXPECT_EQ(list->revision, 5);
}

TEST(RetryTest, HasNoPatienceLeftWhenThereWasNone) {
  Retry retry(absl::ZeroDuration(), absl::Milliseconds(1));
  EXPECT_FALSE(retry.has_waited());
  EXPECT_FALSE(retry.Wait());
}

TEST(RetryTest, EndsAtTheLatestTime) {
  Retry retry(absl::Hours(1), absl::Milliseconds(1), absl::Now() + absl::Seconds(1));
  int waits = 0;
  while (retry.Wait()) ++waits;
  EXPECT_GE(waits, 1);
}

TEST(ClientTest, WaitsForAServerUntilTheDeadline) {
  FakeServer server;
  for (int i = 0; i < 1000; ++i) server.get_job.Fail(grpc::StatusCode::UNAVAILABLE);
  Client::Options options = server.ClientOptions();
  options.patience = absl::InfiniteDuration();
  options.deadline = absl::Now() + absl::Seconds(2);
  const absl::Status status = Client(options).GetJob("j1").status();
  EXPECT_TRUE(absl::IsDeadlineExceeded(status)) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("is not available: scripted"));
}

TEST(TimeoutTest, BareNumbersAreSeconds) {
  EXPECT_EQ(ParseTimeout("90").value(), absl::Seconds(90));
  EXPECT_EQ(ParseTimeout("1h30m").value(), absl::Minutes(90));
  for (const char* text : {"", "0", "-1s", "soon", "9000h"}) {
    EXPECT_THAT(std::string(ParseTimeout(text).status().message()), HasSubstr("is not a duration like 10s")) << text;
  }
}

TEST(RetryTest, EndsAfterItsTotal) {
  Retry retry(absl::Milliseconds(4), absl::Milliseconds(1));
  int waits = 0;
  while (retry.Wait()) ++waits;
  EXPECT_TRUE(retry.has_waited());
  EXPECT_GE(waits, 1);
  EXPECT_LE(waits, 4);
}

}  // namespace
}  // namespace skew

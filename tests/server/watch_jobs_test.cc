// Watches of all jobs.
#include <gtest/gtest.h>

#include <random>

#include "common/status.h"
#include "gmock/gmock.h"
#include "tests/testing/test_daemon.h"

namespace skew {
namespace {

using ::testing::HasSubstr;

v1::JobSpec Labelled(const std::string& value) {
  v1::JobSpec spec = TestDaemon::Spec("finish");
  spec.set_iterations(3);
  (*spec.mutable_labels())["group"] = value;
  return spec;
}

// Reads until so many runs have succeeded, giving the stream up after a few events again and again.
std::vector<v1::Event> WatchAll(TestDaemon& daemon, const v1::JobFilter& filter, int64_t revision, int succeeded) {
  std::mt19937 random(1);
  std::vector<v1::Event> events;
  while (true) {
    grpc::ClientContext context;
    v1::WatchJobsRequest request;
    *request.mutable_filter() = filter;
    request.set_after_revision(revision);
    const auto stream = daemon.jobs().WatchJobs(&context, request);
    v1::WatchJobResponse response;
    const auto most = 1 + random() % 9;
    for (uint32_t i = 0; i < most && stream->Read(&response); ++i) {
      EXPECT_TRUE(response.has_event());
      events.push_back(response.event());
      revision = response.event().revision();
      if (response.event().run_state().state() == v1::SUCCEEDED && --succeeded == 0) {
        context.TryCancel();
        stream->Finish();
        return events;
      }
    }
    context.TryCancel();
    stream->Finish();
  }
}

std::vector<std::string> Texts(const std::vector<v1::Event>& events, const std::string& job) {
  std::vector<std::string> texts;
  for (const v1::Event& event : events) {
    if (event.job_id() == job) texts.push_back(event.ShortDebugString());
  }
  return texts;
}

std::vector<std::string> TextsOf(TestDaemon& daemon, const std::string& job) {
  std::vector<v1::Event> events;
  for (const v1::WatchJobResponse& one : daemon.Watch(job)) {
    if (one.has_event()) events.push_back(one.event());
  }
  return Texts(events, job);
}

TEST(WatchJobsTest, ShowsEveryEventOfEveryJobOnceHoweverOftenItIsCut) {
  TestDaemon daemon;
  const std::string one = daemon.MustSubmit(Labelled("a"));
  const std::string other = daemon.MustSubmit(Labelled("b"));
  const std::vector<v1::Event> events = WatchAll(daemon, {}, 0, 1 + 3 + 3);  // with the training of the classifier
  for (size_t i = 1; i < events.size(); ++i) EXPECT_GT(events[i].revision(), events[i - 1].revision());
  const std::vector<std::string> of_one = TextsOf(daemon, one);
  const std::vector<std::string> of_other = TextsOf(daemon, other);
  // Its last event may be the end of one of them, after which the other has more to come.
  const std::vector<std::string> seen_of_one = Texts(events, one);
  const std::vector<std::string> seen_of_other = Texts(events, other);
  EXPECT_EQ(seen_of_one, std::vector<std::string>(of_one.begin(), of_one.begin() + std::ssize(seen_of_one)));
  EXPECT_EQ(seen_of_other, std::vector<std::string>(of_other.begin(), of_other.begin() + std::ssize(seen_of_other)));
  EXPECT_GE(seen_of_one.size() + 1, of_one.size());
  EXPECT_GE(seen_of_other.size() + 1, of_other.size());
}

TEST(WatchJobsTest, ShowsJobsThatAreSubmittedLaterIfTheFilterLetsThemThrough) {
  TestDaemon daemon;
  daemon.Await(daemon.MustSubmit(Labelled("before")));
  v1::ListJobsResponse list;
  grpc::ClientContext listing;
  ASSERT_TRUE(daemon.jobs().ListJobs(&listing, {}, &list).ok());
  v1::JobFilter filter;
  (*filter.mutable_labels())["group"] = "wanted";
  v1::WatchJobsRequest request;
  *request.mutable_filter() = filter;
  request.set_after_revision(list.revision());
  grpc::ClientContext context;
  const auto stream = daemon.jobs().WatchJobs(&context, request);
  daemon.Await(daemon.MustSubmit(Labelled("other")));
  const std::string wanted = daemon.MustSubmit(Labelled("wanted"));
  v1::WatchJobResponse response;
  ASSERT_TRUE(stream->Read(&response));
  EXPECT_EQ(response.event().job_id(), wanted);
  EXPECT_EQ(response.event().sequence(), 1);
  daemon.Await(wanted);
  // It does not end with the job, but with the server, and says up to where it has looked.
  daemon.daemon().Shutdown();
  int64_t last = 0;
  while (stream->Read(&response) && response.has_event()) {
    EXPECT_EQ(response.event().job_id(), wanted);
    last = response.event().revision();
  }
  EXPECT_EQ(response.end().cause(), v1::StreamEnd::DRAINING);
  EXPECT_GE(response.end().revision(), last);
  EXPECT_TRUE(stream->Finish().ok());
}

TEST(WatchJobsTest, RefusesWhatItCannotWatch) {
  TestDaemon daemon;
  const auto refusal = [&](const v1::WatchJobsRequest& request) {
    grpc::ClientContext context;
    const auto stream = daemon.jobs().WatchJobs(&context, request);
    v1::WatchJobResponse response;
    EXPECT_FALSE(stream->Read(&response));
    return stream->Finish();
  };
  v1::WatchJobsRequest states;
  states.mutable_filter()->add_states(v1::JOB_RUNNING);
  EXPECT_EQ(refusal(states).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(refusal(states).error_message(), HasSubstr("filter.states"));
  v1::WatchJobsRequest deleted;
  deleted.mutable_filter()->set_deleted(true);
  EXPECT_THAT(refusal(deleted).error_message(), HasSubstr("filter.deleted"));
  v1::WatchJobsRequest kind;
  kind.mutable_filter()->set_kind(static_cast<v1::JobKind>(99));
  EXPECT_THAT(refusal(kind).error_message(), HasSubstr("filter.kind: 99"));
  v1::WatchJobsRequest future;
  future.set_after_revision(1'000'000);
  EXPECT_EQ(refusal(future).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(refusal(future).error_message(), HasSubstr("after_revision"));
  v1::WatchJobsRequest labels;
  for (int i = 0; i < 17; ++i) (*labels.mutable_filter()->mutable_labels())[std::to_string(i)] = "x";
  EXPECT_THAT(refusal(labels).error_message(), HasSubstr("filter.labels: 17"));
}

}  // namespace
}  // namespace skew

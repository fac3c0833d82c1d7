// Event streams: what one watcher sees, all see, whenever they come and however often they are cut.
#include <gtest/gtest.h>

#include <random>
#include <thread>

#include "tests/testing/test_daemon.h"

namespace skew {
namespace {

// What distinguishes events, as text.
std::vector<std::string> Texts(const std::vector<v1::WatchJobResponse>& responses) {
  std::vector<std::string> texts;
  for (const v1::WatchJobResponse& response : responses) {
    if (response.has_event()) texts.push_back(response.event().ShortDebugString());
  }
  return texts;
}

v1::JobSpec ManyRuns() {
  v1::JobSpec spec = TestDaemon::Spec("finish");
  spec.set_iterations(6);
  return spec;
}

// Watches to the end, giving the stream up after a few events again and again.
std::vector<std::string> WatchWithCuts(TestDaemon& daemon, const std::string& job, uint32_t seed) {
  std::mt19937 random(seed);
  std::vector<std::string> texts;
  int64_t revision = 0;
  while (true) {
    grpc::ClientContext context;
    v1::WatchJobRequest request;
    request.set_job_id(job);
    request.set_after_revision(revision);
    const auto stream = daemon.jobs().WatchJob(&context, request);
    const auto events = random() % 5;
    v1::WatchJobResponse response;
    for (uint32_t i = 0; i <= events && stream->Read(&response); ++i) {
      if (response.has_end()) {
        EXPECT_EQ(response.end().cause(), v1::StreamEnd::JOB_FINISHED);
        stream->Finish();
        return texts;
      }
      revision = response.event().revision();
      texts.push_back(response.event().ShortDebugString());
    }
    context.TryCancel();
    stream->Finish();
  }
}

TEST(WatchTest, SequencesAreDenseAndRevisionsIncrease) {
  TestDaemon daemon;
  const std::vector<v1::WatchJobResponse> responses = daemon.Watch(daemon.MustSubmit(ManyRuns()));
  int64_t sequence = 0;
  int64_t revision = 0;
  for (const v1::WatchJobResponse& response : responses) {
    if (!response.has_event()) continue;
    EXPECT_EQ(response.event().sequence(), ++sequence);
    EXPECT_GT(response.event().revision(), revision);
    revision = response.event().revision();
  }
  // Accepted; of each run: starting, running, 3 x progress, 2 histograms, artifact, succeeded.
  EXPECT_EQ(sequence, 1 + 6 * 9);
  EXPECT_EQ(responses.back().end().cause(), v1::StreamEnd::JOB_FINISHED);
  EXPECT_EQ(responses.back().end().revision(), revision);
}

TEST(WatchTest, WatchersThatReconnectSeeWhatAnUndisturbedOneSees) {
  TestDaemon daemon;
  const std::string job = daemon.MustSubmit(ManyRuns());
  std::vector<std::vector<std::string>> seen(4);
  std::vector<std::thread> watchers;
  for (uint32_t i = 0; i < seen.size(); ++i) {
    watchers.emplace_back([&, i] { seen[i] = WatchWithCuts(daemon, job, i); });
  }
  const std::vector<std::string> undisturbed = Texts(daemon.Watch(job));
  for (std::thread& watcher : watchers) watcher.join();
  for (const std::vector<std::string>& one : seen) EXPECT_EQ(one, undisturbed);
  EXPECT_EQ(Texts(daemon.Watch(job)), undisturbed);  // and so does one that comes late
}

TEST(WatchTest, ADrainingServerSaysSoAndTheStreamResumesAfterTheRestart) {
  TestDaemon daemon;
  const std::string job = daemon.MustSubmit(TestDaemon::Spec("wait"));
  daemon.WatchUntil(job, [](const v1::Event& event) { return event.run_state().state() == v1::RUNNING; });
  std::vector<v1::WatchJobResponse> before;
  std::thread watcher([&] { before = daemon.Watch(job); });
  daemon.WatchUntil(job, [](const v1::Event& event) { return event.run_state().state() == v1::RUNNING; });
  daemon.daemon().Shutdown();
  watcher.join();
  ASSERT_FALSE(before.empty());
  EXPECT_EQ(before.back().end().cause(), v1::StreamEnd::DRAINING);
  daemon.Stop();
  daemon.Start();
  {
    grpc::ClientContext context;
    v1::CancelJobRequest request;
    request.set_job_id(job);
    v1::Job response;
    ASSERT_TRUE(daemon.jobs().CancelJob(&context, request, &response).ok());
  }
  std::vector<std::string> pieces = Texts(before);
  const std::vector<std::string> rest = Texts(daemon.Watch(job, before.back().end().revision()));
  pieces.insert(pieces.end(), rest.begin(), rest.end());
  EXPECT_EQ(pieces, Texts(daemon.Watch(job)));
}

TEST(WatchTest, UnknownJobsAndRevisionsAreErrors) {
  TestDaemon daemon;
  const std::string job = daemon.MustSubmit(TestDaemon::Spec("finish"));
  for (const auto& [id, revision, code] : std::vector<std::tuple<std::string, int64_t, grpc::StatusCode>>{
           {"j99", 0, grpc::StatusCode::NOT_FOUND},
           {"x", 0, grpc::StatusCode::INVALID_ARGUMENT},
           {job, 1'000'000, grpc::StatusCode::INVALID_ARGUMENT},
           {job, -1, grpc::StatusCode::INVALID_ARGUMENT}}) {
    grpc::ClientContext context;
    v1::WatchJobRequest request;
    request.set_job_id(id);
    request.set_after_revision(revision);
    const auto stream = daemon.jobs().WatchJob(&context, request);
    v1::WatchJobResponse response;
    EXPECT_FALSE(stream->Read(&response));
    EXPECT_EQ(stream->Finish().error_code(), code) << id << " " << revision;
  }
}

}  // namespace
}  // namespace skew

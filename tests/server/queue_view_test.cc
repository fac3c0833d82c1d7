// What forecasts cost: how often one is made, and of how much.
#include "server/jobs/queue_view.h"

#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <thread>

#include "absl/synchronization/barrier.h"
#include "absl/synchronization/notification.h"
#include "server/store/run_shape.h"
#include "tests/testing/fake_clock.h"
#include "tests/testing/temp_folder.h"

namespace skew {
namespace {

constexpr absl::Duration kViewHalfLife = absl::Hours(10);

// Stands still, and tells when it is read.
class WatchedClock final : public Clock {
 public:
  absl::Time Now() override {
    if (on_read) on_read();
    return now_;
  }
  bool AwaitWithDeadline(absl::Mutex* /*mutex*/, const absl::Condition& condition, absl::Time /*deadline*/) override {
    return condition.Eval();
  }

  std::function<void()> on_read;

 private:
  const absl::Time now_ = absl::FromUnixSeconds(1'800'000'000);
};

class QueueViewTest : public ::testing::Test {
 protected:
  // A job of `kinds` models that take a second each.
  NewJob JobOf(int kinds) {
    NewJob job;
    job.owner = "ada";
    job.classifier_key = "key";
    job.spec.set_dataset("tiny");
    for (int i = 0; i < kinds; ++i) {
      job.spec.add_models()->mutable_vae_mlp()->set_width(i);
      job.runs.emplace_back().set_model_index(i);
    }
    RunShapes shapes(job.spec);
    const absl::Status learned = connections_->Write(clock_.Now(), [&](WriteScope& scope) {
      absl::Status status;
      for (const v1::Run& run : job.runs) {
        status.Update(scope.db
                          .Prepare("INSERT OR IGNORE INTO run_lengths (shape, device_kind, runs, length, peak_bytes) "
                                   "VALUES (?, 'cpu x1', 1, 1000000, 0)")
                          .Bind(shapes.Of(run))
                          .Run());
      }
      return status;
    });
    EXPECT_TRUE(learned.ok()) << learned;
    return job;
  }

  v1::Job Preview(int kinds) {
    v1::Job preview;
    const absl::Status status = view_.DescribeSubmission(JobOf(kinds), {}, preview);
    EXPECT_TRUE(status.ok()) << status;
    return preview;
  }

  const TempFolder folder_;
  FakeClock clock_;
  WatchedClock queue_clock_;  // read once for each picture of the queue
  const std::unique_ptr<Connections> connections_ = *Connections::Open(folder_.path() + "/skew.db");
  JobStore jobs_{connections_.get(), &clock_};
  QueueStore queue_{connections_.get(), &queue_clock_, kViewHalfLife};
  DeviceLedger devices_{{Lease{"cpu0", "cpu", {0}, "cpu x1"}}};
  DiskReserve reserve_{folder_.path(), 0};
  StartHolds holds_{&clock_};
  QueueView view_{&queue_, &devices_, &reserve_, &holds_, &clock_, absl::Hours(1)};
};

TEST_F(QueueViewTest, APreviewIsOfNoMoreRowsThanTheQueueOfAUser) {
  EXPECT_TRUE(Preview(500).outlook().has_end_time());
  const v1::Outlook of_more = Preview(501).outlook();
  EXPECT_FALSE(of_more.has_end_time());
  EXPECT_TRUE(of_more.has_start_time());
}

TEST_F(QueueViewTest, AForecastIsUsedAgainUntilSomethingHappens) {
  ASSERT_TRUE(jobs_.Submit(JobOf(2), {}, {"ada", ""}).ok());
  std::atomic<int> readings = 0;
  queue_clock_.on_read = [&] { ++readings; };
  const auto readings_of_show = [&] {
    readings = 0;
    const absl::StatusOr<v1::GetQueueResponse> shown = view_.Show(10);
    EXPECT_TRUE(shown.ok()) << shown.status();
    return readings.load();
  };
  EXPECT_EQ(readings_of_show(), 2);  // a forecast and the shares
  EXPECT_EQ(readings_of_show(), 1);
  ASSERT_TRUE(jobs_.Submit(JobOf(2), {}, {"ada", ""}).ok());
  EXPECT_EQ(readings_of_show(), 2);
  clock_.Advance(absl::Seconds(1));
  EXPECT_EQ(readings_of_show(), 2);
}

TEST_F(QueueViewTest, ManyWhoAskAtOnceHaveOneForecast) {
  constexpr int kOthers = 8;
  const absl::StatusOr<Submission> submission = jobs_.Submit(JobOf(400), {}, {"ada", ""});
  ASSERT_TRUE(submission.ok()) << submission.status();
  std::atomic<int> readings = 0;
  absl::Notification begun;
  auto* all_ask = new absl::Barrier(kOthers + 1);
  queue_clock_.on_read = [&] {
    if (++readings != 1) return;
    begun.Notify();
    if (all_ask->Block()) delete all_ask;
  };
  const auto ask = [&] {
    v1::Job job = submission->job;
    const absl::Status status = view_.Describe(job);
    EXPECT_TRUE(status.ok()) << status;
    EXPECT_TRUE(job.has_outlook());
  };
  std::vector<std::thread> callers;
  callers.emplace_back(ask);
  begun.WaitForNotification();
  for (int i = 0; i < kOthers; ++i) {
    callers.emplace_back([&] {
      if (all_ask->Block()) delete all_ask;
      ask();
    });
  }
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(readings, 1);
}

}  // namespace
}  // namespace skew

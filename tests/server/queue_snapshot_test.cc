#include "server/jobs/queue_snapshot.h"

#include <gtest/gtest.h>

#include "server/store/run_shape.h"

namespace skew {
namespace {

const absl::Time kNow = absl::FromUnixSeconds(1'700'000'000);

ActiveRow Running(absl::Duration since, int32_t step, int32_t total) {
  ActiveRow run;
  run.run = {JobId{1}, 1};
  run.owner = "ada";
  run.device = "cpu0";
  run.shape = 5;
  run.start_time = kNow - since;
  run.progress.set_step(step);
  run.progress.set_total_steps(total);
  return run;
}

double SecondsLeft(const ActiveRow& run, absl::Duration length) {
  return absl::ToDoubleSeconds(ExpectedLeft(run, length, kNow));
}

TEST(ExpectedLeftTest, IsByLearnedLengthsUntilThereIsProgress) {
  EXPECT_EQ(ExpectedLeft(Running(absl::Seconds(10), 0, 100), absl::Seconds(30), kNow), absl::Seconds(20));
  EXPECT_EQ(ExpectedLeft(Running(absl::Seconds(10), 0, 0), absl::Seconds(30), kNow), absl::Seconds(20));
  EXPECT_NEAR(SecondsLeft(Running(absl::Seconds(10), 20, 100), absl::InfiniteDuration()), 40, 1e-6);
  EXPECT_EQ(ExpectedLeft(Running(absl::Seconds(10), 0, 0), absl::InfiniteDuration(), kNow), absl::InfiniteDuration());
}

// Runs of the shape took an hour on a busy box; this one does 1% in a second.
TEST(ExpectedLeftTest, TheRunsOwnPaceCountsForMoreTheFurtherItIs) {
  const absl::Duration length = absl::Hours(1);
  EXPECT_NEAR(SecondsLeft(Running(absl::Seconds(1), 1, 100), length), 0.99 * (0.99 * 3600 + 0.01 * 100), 1e-6);
  EXPECT_NEAR(SecondsLeft(Running(absl::Seconds(50), 50, 100), length), 0.5 * (0.5 * 3600 + 0.5 * 100), 1e-6);
  EXPECT_NEAR(SecondsLeft(Running(absl::Seconds(98), 98, 100), length), 0.05 * 100, 1e-6);
}

TEST(ExpectedLeftTest, AnOverdueRunIsNeverOver) {
  EXPECT_NEAR(SecondsLeft(Running(absl::Seconds(40), 80, 100), absl::Seconds(30)), 0.2 * (0.2 * 30 + 0.8 * 50), 1e-6);
  EXPECT_EQ(ExpectedLeft(Running(absl::Seconds(40), 0, 0), absl::Seconds(30), kNow), absl::Seconds(1.5));
  EXPECT_EQ(ExpectedLeft(Running(absl::Seconds(40), 100, 100), absl::Seconds(30), kNow), absl::Seconds(1.5));
}

TEST(ExpectedLeftTest, WhatWasDoneBeforeACheckpointIsNotDoneAgain) {
  ActiveRow run = Running(absl::Seconds(5), 75, 100);
  run.resumed_step = 50;
  EXPECT_NEAR(SecondsLeft(run, absl::Seconds(30)), 0.5 * (0.5 * 15 + 0.5 * 10), 1e-6);
  EXPECT_NEAR(SecondsLeft(run, absl::InfiniteDuration()), 5, 1e-6);
}

TEST(SnapshotOfTest, AnUnknownShapeTakesAsLongAsOneOfItUnderWayShows) {
  QueuePicture picture;
  picture.time = kNow;
  QueueUser& ada = picture.users.emplace_back();
  ada.name = "ada";
  QueueRow& row = ada.rows.emplace_back();
  row.key = {JobId{1}, 5, 0};
  row.runs = 3;
  picture.active = {Running(absl::Seconds(10), 20, 100), Running(absl::Seconds(1), 0, 0)};
  picture.active[1].device = "gone";
  const FairShareSnapshot snapshot = SnapshotOf(picture, {{"cpu0", "cpu x1"}, {"cpu1", "cpu x1"}});
  EXPECT_EQ(snapshot.users[0].batches[0].expected[0], absl::Seconds(50));
  ASSERT_EQ(snapshot.active.size(), 1u);
  EXPECT_EQ(snapshot.devices[0].free_slots, 0);
  EXPECT_EQ(snapshot.devices[1].free_slots, 1);
}

TEST(SnapshotOfTest, BatchesOfAJobTakeTurns) {
  QueuePicture picture;
  picture.time = kNow;
  QueueUser& ada = picture.users.emplace_back();
  for (const auto& [job, shape] : {std::pair(1, 5), std::pair(2, 5), std::pair(1, 6), std::pair(1, 7)}) {
    ada.rows.emplace_back().key = {JobId{job}, shape, 0};
  }
  const FairShareSnapshot snapshot = SnapshotOf(picture, {{"cpu0", "cpu x1"}});
  std::vector<int32_t> strides;
  for (const QueuedBatch& batch : snapshot.users[0].batches) strides.push_back(batch.stride);
  EXPECT_EQ(strides, (std::vector<int32_t>{3, 1, 3, 3}));
}

TEST(RunShapeTest, FollowsTheWorkAndNotTheDraw) {
  v1::JobSpec spec;
  spec.set_dataset("mnist");
  spec.add_models()->mutable_vae()->set_width(8);
  spec.mutable_training()->set_steps(100);
  v1::Run run;
  run.set_seed(1);
  (*run.mutable_bias_point()->mutable_counts())[0] = 640;
  const int64_t shape = RunShapes(spec).Of(run);
  run.set_seed(2);
  run.set_iteration(3);
  (*run.mutable_bias_point()->mutable_counts())[0] = 100;
  EXPECT_EQ(RunShapes(spec).Of(run), shape);
  spec.mutable_models(0)->mutable_vae()->set_width(16);
  EXPECT_NE(RunShapes(spec).Of(run), shape);
  spec.mutable_models(0)->mutable_vae()->set_width(8);
  spec.mutable_generation()->set_images(7);
  EXPECT_NE(RunShapes(spec).Of(run), shape);
}

TEST(RunShapeTest, EpochsCountAsUpdatesOfTwoDigits) {
  v1::JobSpec spec;
  spec.set_dataset("mnist");
  spec.add_models()->mutable_vae();
  spec.mutable_training()->set_epochs(10);
  v1::Run run;
  const auto shape = [&](int32_t images) {
    (*run.mutable_bias_point()->mutable_counts())[0] = images;
    return RunShapes(spec).Of(run);
  };
  EXPECT_EQ(shape(6400), shape(6430));  // 1000 and 1010 updates
  EXPECT_NE(shape(6400), shape(12800));
}

}  // namespace
}  // namespace skew

// Forecasts and reasons, by example.
#include "server/jobs/forecast.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace skew {
namespace {

const absl::Time kNow = absl::FromUnixSeconds(1'700'000'000);
constexpr absl::Duration kHalfLife = absl::Hours(24);
constexpr int64_t kGib = int64_t{1} << 30;

QueuedBatch Batch(int64_t job, int32_t runs, absl::Duration length = absl::Minutes(1)) {
  QueuedBatch batch;
  batch.job = JobId{job};
  batch.next_run = 1;
  batch.runs = runs;
  batch.waiting_since = kNow;
  batch.expected = {length};
  return batch;
}

FairShareSnapshot Box(int slots, std::vector<FairShareUser> users) {
  FairShareSnapshot snapshot;
  snapshot.now = kNow;
  snapshot.devices.resize(static_cast<size_t>(slots));
  for (FairShareDevice& device : snapshot.devices) device.free_slots = 1;
  snapshot.users = std::move(users);
  for (FairShareUser& user : snapshot.users) user.last_start = kNow;
  return snapshot;
}

FairShareUser User(const std::string& name, std::vector<QueuedBatch> batches) {
  FairShareUser user;
  user.name = name;
  user.batches = std::move(batches);
  return user;
}

// A run of `user` on `device` that should take so long yet.
void Occupy(FairShareSnapshot& snapshot, size_t user, size_t device, absl::Duration left, int64_t job = 90) {
  --snapshot.devices[device].free_slots;
  snapshot.active.push_back({JobId{job}, user, device, {}, 1, left});
}

Forecast Play(const FairShareSnapshot& snapshot) { return PlayForward(snapshot, {}, kHalfLife, 1000); }

WaitReason Why(const FairShareSnapshot& snapshot, size_t user, size_t batch) {
  const Forecast forecast = Play(snapshot);
  const std::vector<RunForecast>& runs = forecast.runs[user][batch];
  return ExplainWait(snapshot, forecast, user, batch, runs.empty() ? -1 : runs.front().number);
}

TEST(PlayForwardTest, RunsFollowEachOtherOnASlot) {
  FairShareSnapshot snapshot = Box(1, {User("ada", {Batch(1, 3)})});
  Occupy(snapshot, 0, 0, absl::Seconds(30));
  const Forecast forecast = Play(snapshot);
  EXPECT_EQ(forecast.ends[0], kNow + absl::Seconds(30));
  ASSERT_EQ(forecast.runs[0][0].size(), 3u);
  EXPECT_EQ(forecast.runs[0][0][0].start, kNow + absl::Seconds(30));
  EXPECT_EQ(forecast.runs[0][0][2].start, kNow + absl::Seconds(150));
  EXPECT_EQ(forecast.runs[0][0][2].end, kNow + absl::Seconds(210));
}

TEST(PlayForwardTest, UsersTakeTurns) {
  const Forecast forecast = Play(Box(1, {User("ada", {Batch(1, 4)}), User("bob", {Batch(2, 4)})}));
  EXPECT_THAT(forecast.starts_of[0], ::testing::ElementsAre(0, 2, 4, 6));
  EXPECT_THAT(forecast.starts_of[1], ::testing::ElementsAre(1, 3, 5, 7));
}

TEST(PlayForwardTest, WhatWaitsForAJobStartsWhenThatHasEnded) {
  FairShareSnapshot snapshot = Box(4, {User("ada", {Batch(1, 2), Batch(2, 1), Batch(3, 1)})});
  snapshot.users[0].batches[1].after = {JobId{1}};
  snapshot.users[0].batches[2].trainings = {JobId{2}};
  const Forecast forecast = Play(snapshot);
  EXPECT_EQ(forecast.runs[0][1][0].start, kNow + absl::Minutes(1));
  EXPECT_EQ(forecast.runs[0][2][0].start, kNow + absl::Minutes(2));
}

TEST(PlayForwardTest, NothingIsSaidOfWhatNeverStartsNorOfWhatRestsOnUnknownLengths) {
  FairShareSnapshot snapshot = Box(1, {User("ada", {Batch(1, 1, absl::InfiniteDuration()), Batch(2, 1), Batch(3, 1)})});
  snapshot.users[0].batches[2].paused = true;
  const Forecast forecast = Play(snapshot);
  EXPECT_EQ(forecast.runs[0][0][0].start, kNow);
  EXPECT_EQ(forecast.runs[0][0][0].end, absl::InfiniteFuture());
  EXPECT_EQ(forecast.runs[0][1][0].start, absl::InfiniteFuture());
  EXPECT_EQ(forecast.runs[0][1][0].number, 1);  // but its place is known
  EXPECT_TRUE(forecast.runs[0][2].empty());
}

TEST(PlayForwardTest, ARetryStartsWhenItsTimeHasCome) {
  FairShareSnapshot snapshot = Box(1, {User("ada", {Batch(1, 1)})});
  snapshot.users[0].batches[0].ready_at = kNow + absl::Seconds(8);
  EXPECT_EQ(Play(snapshot).runs[0][0][0].start, kNow + absl::Seconds(8));
}

TEST(PlayForwardTest, StopsWhereItIsTold) {
  const Forecast forecast = PlayForward(Box(1, {User("ada", {Batch(1, 1000)})}), {}, kHalfLife, 10);
  EXPECT_EQ(forecast.runs[0][0].size(), 10u);
}

TEST(ExplainWaitTest, CountsRunsAheadAndNamesTheirUsersMostFirst) {
  FairShareSnapshot snapshot = Box(1, {User("alice", {Batch(1, 4)}), User("bob", {Batch(2, 2), Batch(3, 1)})});
  Occupy(snapshot, 0, 0, absl::Minutes(1));
  const WaitReason last = Why(snapshot, 1, 1);
  EXPECT_EQ(last.cause, v1::RUNS_AHEAD);
  EXPECT_EQ(last.text, "4 runs of alice and bob ahead");
  EXPECT_EQ(Why(snapshot, 1, 0).cause, v1::NEXT);
}

TEST(ExplainWaitTest, ManyUsersAreCounted) {
  std::vector<FairShareUser> users;
  for (const char* name : {"a", "b", "c", "d", "e"}) users.push_back(User(name, {Batch(users.size() + 1, 1)}));
  FairShareSnapshot snapshot = Box(1, std::move(users));
  Occupy(snapshot, 0, 0, absl::Seconds(1));
  EXPECT_EQ(Why(snapshot, 0, 0).text, "4 runs of b, c and 2 others ahead");  // a has something under way
}

TEST(ExplainWaitTest, SaysWhatHoldsARunBackItself) {
  FairShareSnapshot snapshot = Box(1, {User("ada", {Batch(1, 1)})});
  QueuedBatch& batch = snapshot.users[0].batches[0];
  batch.ready_at = kNow + absl::Seconds(4);
  EXPECT_EQ(Why(snapshot, 0, 0).text, "tried again in 4 s");
  snapshot.users[0].batches[0].stands_back = "waits for j1.2, which trains the same";
  EXPECT_EQ(Why(snapshot, 0, 0).text, "waits for j1.2, which trains the same");
  batch.held = "no dataset";
  EXPECT_EQ(Why(snapshot, 0, 0).text, "held, and tried again: no dataset");
  batch.trainings = {JobId{8}};
  EXPECT_EQ(Why(snapshot, 0, 0).text, "waits for its classifier, which job j8 trains");
  batch.trainings.push_back(JobId{9});
  EXPECT_EQ(Why(snapshot, 0, 0).text, "waits for its classifiers, which jobs j8 and j9 train");
  batch.after = {JobId{3}};
  EXPECT_EQ(Why(snapshot, 0, 0).text, "waits for job j3");
  batch.after.push_back(JobId{4});
  EXPECT_EQ(Why(snapshot, 0, 0).text, "waits for jobs j3 and j4");
  batch.paused = true;
  EXPECT_EQ(Why(snapshot, 0, 0).text, "paused");
  EXPECT_EQ(Why(snapshot, 0, 0).cause, v1::PAUSED);
}

TEST(ExplainWaitTest, AFullDiskHoldsBackWhatNothingElseDoes) {
  FairShareSnapshot snapshot = Box(1, {User("ada", {Batch(1, 1)})});
  snapshot.disk_problem = "nearly full";
  EXPECT_EQ(Why(snapshot, 0, 0).cause, v1::DISK_FULL);
  EXPECT_EQ(Why(snapshot, 0, 0).text, "nearly full");
  snapshot.users[0].batches[0].paused = true;
  EXPECT_EQ(Why(snapshot, 0, 0).cause, v1::PAUSED);
}

TEST(ExplainWaitTest, SaysThatNoWorkerCanBeStarted) {
  FairShareSnapshot snapshot = Box(1, {User("ada", {Batch(1, 1)})});
  snapshot.start_problem = "no descriptors";
  EXPECT_EQ(Why(snapshot, 0, 0).cause, v1::RETRY_LATER);
  EXPECT_EQ(Why(snapshot, 0, 0).text, "the server could not start workers and tries again: no descriptors");
}

TEST(ExplainWaitTest, SaysWhenALimitIsReached) {
  FairShareSnapshot snapshot = Box(2, {User("ada", {Batch(1, 1)})});
  snapshot.users[0].max_slots = 1;
  Occupy(snapshot, 0, 0, absl::Minutes(1));
  EXPECT_EQ(Why(snapshot, 0, 0).text, "over its slot limit: ada runs 1 and may run 1");
}

TEST(ExplainWaitTest, SaysWhatDevicesLack) {
  FairShareSnapshot snapshot = Box(1, {User("ada", {Batch(1, 1)})});
  FairShareDevice& gpu = snapshot.devices[0];
  gpu.free_slots = 3;
  gpu.memory_bytes = 8 * kGib;
  gpu.free_bytes = 2 * kGib;
  snapshot.users[0].batches[0].need.memory_bytes = 3 * kGib;
  snapshot.active.push_back({JobId{90}, 0, 0, RunNeed{6 * kGib, false}, 1, absl::Minutes(1)});
  EXPECT_EQ(Why(snapshot, 0, 0).text, "no device with 3.0 GiB free");
  snapshot.users[0].batches[0].need = {0, true};
  EXPECT_EQ(Why(snapshot, 0, 0).text, "no device without other runs");
  snapshot.users[0].batches[0].need = {9 * kGib, false};
  EXPECT_EQ(Why(snapshot, 0, 0).text, "no device has 9.0 GiB");
  gpu.drained = true;
  EXPECT_EQ(Why(snapshot, 0, 0).text, "every device is drained");
}

}  // namespace
}  // namespace skew

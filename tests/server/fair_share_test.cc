// The policy by itself.
#include "server/jobs/fair_share.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "server/store/use_decay.h"
#include "tests/testing/fair_share_snapshots.h"

namespace skew {
namespace {

using ::testing::SizeIs;

// The jobs of the decisions, in their order.
std::vector<int64_t> Started(const FairShareSnapshot& snapshot, const FairShareOptions& options = {}) {
  std::vector<int64_t> jobs;
  for (const StartDecision& start : DecideStarts(snapshot, options)) {
    jobs.push_back(snapshot.users[start.user].batches[start.batch].job.number);
  }
  return jobs;
}

TEST(DecideStartsTest, TheUserWithTheLeastUsePerWeightGoesFirst) {
  FairShareSnapshot snapshot = Slots(1);
  snapshot.users = {User("ada", {Batch(1)}, 1, 100), User("bob", {Batch(2)}, 4, 300)};
  EXPECT_THAT(Started(snapshot), ::testing::ElementsAre(2));
  snapshot.users[1].use = 500;
  EXPECT_THAT(Started(snapshot), ::testing::ElementsAre(1));
}

TEST(DecideStartsTest, SlotsThatAreFreeTogetherDoNotAllGoToOneUser) {
  FairShareSnapshot snapshot = Slots(2);
  snapshot.users = {User("ada", {Batch(1, 10)}), User("bob", {Batch(2, 10)})};
  EXPECT_THAT(Started(snapshot), ::testing::ElementsAre(1, 2));
}

TEST(DecideStartsTest, WithinAUserHigherPriorityThenEarlierSubmissionGoesFirst) {
  FairShareSnapshot snapshot = Slots(3);
  snapshot.users = {User("ada", {Batch(1), Batch(2), Batch(3)})};
  snapshot.users[0].batches[2].priority = 1;
  EXPECT_THAT(Started(snapshot), ::testing::ElementsAre(3, 1, 2));
}

TEST(DecideStartsTest, PriorityDoesNotCountBetweenUsers) {
  FairShareSnapshot snapshot = Slots(1);
  snapshot.users = {User("ada", {Batch(1)}, 1, 5), User("bob", {Batch(2)}, 1, 4)};
  snapshot.users[0].batches[0].priority = 1000;
  EXPECT_THAT(Started(snapshot), ::testing::ElementsAre(2));
}

TEST(DecideStartsTest, WaitingRaisesPriority) {
  FairShareSnapshot snapshot = Slots(1);
  snapshot.users = {User("ada", {Batch(1), Batch(2)})};
  snapshot.users[0].batches[0].priority = -2;
  snapshot.users[0].batches[0].waiting_since = kStart - absl::Minutes(119);
  EXPECT_THAT(Started(snapshot), ::testing::ElementsAre(2));
  snapshot.users[0].batches[0].waiting_since = kStart - absl::Minutes(120);
  EXPECT_THAT(Started(snapshot), ::testing::ElementsAre(1));
}

TEST(DecideStartsTest, NothingStartsThatIsPausedOrWaitsForSomething) {
  FairShareSnapshot snapshot = Slots(5);
  snapshot.users = {User("ada", {Batch(1), Batch(2), Batch(3), Batch(4), Batch(5)})};
  std::vector<QueuedBatch>& batches = snapshot.users[0].batches;
  batches[0].paused = true;
  batches[1].after = {JobId{9}};
  batches[2].trainings = {JobId{9}};
  batches[3].ready_at = kStart + absl::Seconds(1);
  EXPECT_THAT(Started(snapshot), ::testing::ElementsAre(5));
}

TEST(DecideStartsTest, AGpuWhoseMemoryIsNotBackIsNotEmpty) {
  FairShareSnapshot snapshot;
  snapshot.now = kStart;
  snapshot.devices = {Gpu(16, 3)};
  snapshot.devices[0].settling = 1;
  snapshot.users = {User("ada", {Batch(1), Batch(2)})};
  snapshot.users[0].batches[0].need = {kGib, true};
  snapshot.users[0].batches[1].need = {kGib, false};
  EXPECT_THAT(Started(snapshot), ::testing::ElementsAre(2));
  snapshot.devices[0].settling = 0;
  EXPECT_THAT(Started(snapshot), ::testing::ElementsAre(1));
}

TEST(DecideStartsTest, AUserAtTheSlotLimitIsPassedOver) {
  FairShareSnapshot snapshot = Slots(4);
  snapshot.users = {User("ada", {Batch(1, 9)}), User("bob", {Batch(2)}, 1, 1e6)};
  snapshot.users[0].max_slots = 2;
  EXPECT_THAT(Started(snapshot), ::testing::UnorderedElementsAre(1, 1, 2));
}

TEST(DecideStartsTest, AnAwaitedTrainingGoesBeforeEverythingWhateverItsOwnerHas) {
  FairShareSnapshot snapshot = Slots(1);
  snapshot.users = {User("ada", {Batch(1)}), User("bob", {Batch(2)}, 1, 1e6)};
  snapshot.users[1].max_slots = 1;
  snapshot.users[1].batches[0].awaited = true;
  EXPECT_THAT(Started(snapshot), ::testing::ElementsAre(2));
}

TEST(DecideStartsTest, DrainedDevicesTakeNothing) {
  FairShareSnapshot snapshot = Slots(2);
  snapshot.users = {User("ada", {Batch(1, 5)})};
  snapshot.devices[0].drained = true;
  const auto starts = DecideStarts(snapshot, {});
  ASSERT_THAT(starts, SizeIs(1));
  EXPECT_EQ(starts[0].device, 1u);
}

TEST(DecideStartsTest, MemoryIsSharedAsFarAsItGoes) {
  FairShareSnapshot snapshot;
  snapshot.now = kStart;
  snapshot.devices = {Gpu(8)};
  snapshot.users = {User("ada", {Batch(1, 5)}), User("bob", {Batch(2, 5)})};
  snapshot.users[0].batches[0].need.memory_bytes = 3 * kGib;
  snapshot.users[1].batches[0].need.memory_bytes = 6 * kGib;
  EXPECT_THAT(Started(snapshot), ::testing::ElementsAre(1, 1));  // bob's is passed over: 5 GiB are left
}

TEST(DecideStartsTest, AWholeDeviceIsAnEmptyOne) {
  FairShareSnapshot snapshot;
  snapshot.now = kStart;
  snapshot.devices = {Gpu(8), Gpu(8)};
  snapshot.users = {User("ada", {Batch(1, 3)})};
  snapshot.users[0].batches[0].need.whole_device = true;
  snapshot.active = {{JobId{7}, 0, 0, RunNeed{kGib, false}, 1, absl::Minutes(1)}};
  snapshot.devices[0].free_slots = 3;
  const auto starts = DecideStarts(snapshot, {});
  ASSERT_THAT(starts, SizeIs(1));
  EXPECT_EQ(starts[0].device, 1u);
}

// A GPU of 8 GiB where 4 GiB are taken for another minute, a large run of ada's that needs 8, and small ones of bob's.
class ReservationTest : public ::testing::Test {
 protected:
  ReservationTest() {
    snapshot_.now = kStart;
    snapshot_.devices = {Gpu(8)};
    snapshot_.devices[0].free_bytes = 4 * kGib;
    snapshot_.users = {User("ada", {Batch(1)}), User("bob", {Batch(2)}, 1, 1e6)};
    snapshot_.users[0].batches[0].need.memory_bytes = 8 * kGib;
    snapshot_.users[1].batches[0].need.memory_bytes = kGib;
    snapshot_.active = {{JobId{7}, 1, 0, RunNeed{4 * kGib, false}, 1, absl::Minutes(1)}};
  }
  FairShareSnapshot snapshot_;
};

TEST_F(ReservationTest, WhatDoesNotFitIsPassedOverAtFirst) {
  snapshot_.users[1].batches[0].expected = {absl::Hours(5)};
  EXPECT_THAT(Started(snapshot_), ::testing::ElementsAre(2));
}

TEST_F(ReservationTest, AnAgedRunIsReservedFor) {
  snapshot_.users[0].batches[0].waiting_since = kStart - absl::Hours(1);
  snapshot_.users[1].batches[0].expected = {absl::Hours(5)};
  EXPECT_THAT(Started(snapshot_), SizeIs(0));
  snapshot_.users[1].batches[0].expected = {absl::InfiniteDuration()};  // it could take long
  EXPECT_THAT(Started(snapshot_), SizeIs(0));
}

TEST_F(ReservationTest, WhatEndsBeforeIsLetIn) {
  snapshot_.users[0].batches[0].waiting_since = kStart - absl::Hours(1);
  snapshot_.users[1].batches[0].expected = {absl::Seconds(59)};
  EXPECT_THAT(Started(snapshot_), ::testing::ElementsAre(2));
}

TEST_F(ReservationTest, NothingIsReservedForWhatNeverFits) {
  snapshot_.users[0].batches[0].waiting_since = kStart - absl::Hours(1);
  snapshot_.users[0].batches[0].need.memory_bytes = 9 * kGib;
  EXPECT_THAT(Started(snapshot_), ::testing::ElementsAre(2));
}

TEST(DecayTest, HalvesInAHalfLifeAndAddsUpOverPieces) {
  EXPECT_DOUBLE_EQ(DecayedUse(8, absl::Hours(3), absl::Hours(1)), 1);
  EXPECT_NEAR(UseOfHolding(absl::Seconds(10), absl::Hours(24)), 10, 1e-3);
  const absl::Duration half_life = absl::Hours(1);
  const double pieces = DecayedUse(UseOfHolding(absl::Minutes(90), half_life), absl::Minutes(30), half_life) +
                        UseOfHolding(absl::Minutes(30), half_life);
  EXPECT_NEAR(pieces, UseOfHolding(absl::Hours(2), half_life), 1e-6);
}

}  // namespace
}  // namespace skew

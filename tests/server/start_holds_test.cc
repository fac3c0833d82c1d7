#include "server/jobs/start_holds.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/testing/fake_clock.h"

namespace skew {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

TEST(StartHoldsTest, FailedStartsHoldEverythingLongerEachTime) {
  FakeClock clock;
  StartHolds holds(&clock);
  EXPECT_TRUE(holds.MayStart(/*starting=*/true));
  for (const int seconds : {1, 2, 4, 8, 16, 32, 32}) {
    holds.NoteFailedStart("no program");
    EXPECT_EQ(holds.Until(clock.Now()), clock.Now() + absl::Seconds(seconds));
    EXPECT_FALSE(holds.MayStart(/*starting=*/false));
    EXPECT_EQ(holds.Why(), "no program");
    clock.Advance(absl::Seconds(seconds));
    EXPECT_TRUE(holds.MayStart(/*starting=*/false));
  }
}

TEST(StartHoldsTest, AfterAFailedStartWorkersAreStartedOneAtATimeUntilOneHasCome) {
  FakeClock clock;
  StartHolds holds(&clock);
  EXPECT_FALSE(holds.NoteStart());
  holds.NoteFailedStart("no program");
  clock.Advance(absl::Seconds(1));
  EXPECT_FALSE(holds.MayStart(/*starting=*/true));
  EXPECT_TRUE(holds.NoteStart());
  EXPECT_TRUE(holds.MayStart(/*starting=*/true));
  EXPECT_EQ(holds.Why(), "");
  EXPECT_EQ(holds.NoteFailedStart("no program"), 1);
}

TEST(StartHoldsTest, AJobIsHeldLongerEachTimeUntilItsRunsHadWhatTheyNeed) {
  FakeClock clock;
  StartHolds holds(&clock);
  EXPECT_EQ(holds.HoldJob(JobId{7}, "no dataset"), 1);
  EXPECT_EQ(holds.HoldJob(JobId{8}, "no judge"), 1);
  EXPECT_EQ(holds.HoldJob(JobId{8}, "no judge"), 2);
  EXPECT_EQ(holds.Until(clock.Now()), clock.Now() + absl::Seconds(1));
  EXPECT_TRUE(holds.MayStart(/*starting=*/true));
  EXPECT_THAT(holds.Jobs(), ElementsAre(Pair(JobId{7}, "no dataset"), Pair(JobId{8}, "no judge")));
  clock.Advance(absl::Seconds(1));
  EXPECT_THAT(holds.Jobs(), ElementsAre(Pair(JobId{8}, "no judge")));
  holds.ReleaseJob(JobId{8});
  EXPECT_THAT(holds.Jobs(), IsEmpty());
  EXPECT_EQ(holds.Until(clock.Now()), absl::InfiniteFuture());
  EXPECT_EQ(holds.HoldJob(JobId{8}, "no judge"), 1);
}

// What is decided by an earlier reading of the clock is not passed over by a later one.
TEST(StartHoldsTest, AHoldThatEndsMeanwhileIsStillToCome) {
  FakeClock clock;
  StartHolds holds(&clock);
  const absl::Time begun = clock.Now();
  holds.HoldJob(JobId{7}, "no dataset");
  clock.Advance(absl::Seconds(2));
  EXPECT_EQ(holds.Until(begun), begun + absl::Seconds(1));
  EXPECT_EQ(holds.Until(clock.Now()), absl::InfiniteFuture());
  holds.NoteFailedStart("no program");
  clock.Advance(absl::Seconds(2));
  EXPECT_EQ(holds.Until(begun + absl::Seconds(2)), begun + absl::Seconds(3));
}

}  // namespace
}  // namespace skew

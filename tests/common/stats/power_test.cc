#include "common/stats/power.h"

#include <gtest/gtest.h>

namespace skew::stats {
namespace {

// The textbook case, an effect of half a standard deviation: 34 pairs (Cohen 1988; scipy's noncentral t gives 0.7954
// with 33 and 0.8078 with 34).
TEST(PowerTest, TTest) {
  const PlannedMean half{.effect = 0.5, .sd = 1};
  EXPECT_NEAR(TTestPower(half, 33, 0.05), 0.79536584, 1e-7);
  EXPECT_NEAR(TTestPower(half, 34, 0.05), 0.80777750, 1e-7);
  EXPECT_EQ(RunsNeeded(half, 0), 34);
  EXPECT_EQ(RunsNeeded({.effect = -0.5, .sd = 1}, 0), 34);
  EXPECT_NEAR(TTestPower({.effect = 0, .sd = 1}, 10, 0.05), 0.05, 1e-12);
}

TEST(PowerTest, AnEffectNearZeroIsToBeShownEquivalent) {
  const std::optional<int> needed = RunsNeeded({.effect = 0, .sd = 0.1}, 0.1);
  ASSERT_TRUE(needed.has_value());
  // (z_.95 + z_.9)^2 sd^2 / margin^2 = 8.6, and more for Student's t.
  EXPECT_GE(*needed, 9);
  EXPECT_LE(*needed, 12);
  EXPECT_GE(EquivalencePower({.effect = 0, .sd = 0.1}, 0.1, *needed, 0.05), 0.8);
  EXPECT_LT(EquivalencePower({.effect = 0, .sd = 0.1}, 0.1, *needed - 1, 0.05), 0.8);
}

TEST(PowerTest, NoNumberOfRunsBeatsTheJudge) {
  EXPECT_FALSE(RunsNeeded({.effect = 0.1, .sd = 0.1, .fixed_variance = 0.01}, 0).has_value());
  EXPECT_TRUE(RunsNeeded({.effect = 0.1, .sd = 0.1, .fixed_variance = 0.0001}, 0).has_value());
  EXPECT_FALSE(RunsNeeded({.effect = 0, .sd = 1}, 0).has_value());
}

TEST(PowerTest, WithoutSpreadTwoRunsAreEnough) { EXPECT_EQ(RunsNeeded({.effect = 0.1, .sd = 0}, 0), 2); }

// z = 1.959964 at p = 0.05: (1.959964 + 0.841621)^2 / 1.959964^2 = 2.0432.
TEST(PowerTest, ValuesOfARankTest) {
  EXPECT_EQ(ValuesNeeded(20, 0.05), 41);
  EXPECT_FALSE(ValuesNeeded(20, 1).has_value());
}

}  // namespace
}  // namespace skew::stats

#include "common/stats/proportion.h"

#include <gtest/gtest.h>

#include <cmath>

namespace skew::stats {
namespace {

// 81/263: Newcombe (1998), table I; 0/20 and 51/235: scipy.stats.binomtest.
TEST(ProportionTest, WilsonInterval) {
  const Interval some = WilsonInterval(81, 263);
  EXPECT_NEAR(some.low, 0.255289, 1e-6);
  EXPECT_NEAR(some.high, 0.366210, 1e-6);
  const Interval none = WilsonInterval(0, 20);
  EXPECT_EQ(none.low, 0);
  EXPECT_NEAR(none.high, 0.161125, 1e-6);
  const Interval all = WilsonInterval(20, 20);
  EXPECT_NEAR(all.low, 1 - 0.161125, 1e-6);
  EXPECT_EQ(all.high, 1);
}

TEST(ProportionTest, ClopperPearsonInterval) {
  const Interval some = ClopperPearsonInterval(51, 235);
  EXPECT_NEAR(some.low, 0.166063, 1e-6);
  EXPECT_NEAR(some.high, 0.275268, 1e-6);
  // With no success the upper end is 1 - (alpha / 2)^(1/n).
  EXPECT_EQ(ClopperPearsonInterval(0, 20).low, 0);
  EXPECT_NEAR(ClopperPearsonInterval(0, 20).high, 1 - std::pow(0.025, 1.0 / 20), 1e-12);
  EXPECT_NEAR(ClopperPearsonInterval(20, 20).low, std::pow(0.025, 1.0 / 20), 1e-12);
  EXPECT_EQ(ClopperPearsonInterval(20, 20).high, 1);
}

// Goodman's formula (1965, eq. 2.8) by hand: chi-square quantile of 1 - 0.05 / 4 with one degree of freedom, 6.2385.
TEST(ProportionTest, GoodmanIntervals) {
  const std::vector<Interval> intervals = GoodmanIntervals({91, 49, 37, 43});
  const double expected[][2] = {{0.334202, 0.497833}, {0.160859, 0.299887}, {0.114551, 0.240112}, {0.137469, 0.270236}};
  ASSERT_EQ(intervals.size(), 4u);
  for (size_t i = 0; i < 4; ++i) {
    EXPECT_NEAR(intervals[i].low, expected[i][0], 1e-6);
    EXPECT_NEAR(intervals[i].high, expected[i][1], 1e-6);
  }
}

}  // namespace
}  // namespace skew::stats

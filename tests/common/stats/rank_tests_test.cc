#include "common/stats/rank_tests.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "common/stats/random.h"

namespace skew::stats {
namespace {

using ::testing::DoubleNear;
using ::testing::ElementsAre;
using ::testing::Pointwise;

TEST(RanksTest, TiesGetMeanRanks) { EXPECT_THAT(Ranks({3, 1, 3, 2, 3}), ElementsAre(4, 1, 4, 2, 4)); }

// Hollander & Wolfe (1973), p. 29: depression before and after a tranquilizer; R's example of wilcox.test: V = 40,
// one-sided p = 0.01953.
std::vector<double> Depression() {
  const double before[] = {1.83, 0.50, 1.62, 2.48, 1.68, 1.88, 1.55, 3.06, 1.30};
  const double after[] = {0.878, 0.647, 0.598, 2.05, 1.06, 1.29, 1.06, 3.14, 1.29};
  std::vector<double> differences;
  for (size_t i = 0; i < 9; ++i) differences.push_back(before[i] - after[i]);
  return differences;
}

TEST(SignedRankTest, PublishedExample) {
  const RankTest test = SignedRankTest(Depression());
  EXPECT_TRUE(test.exact);
  EXPECT_EQ(test.statistic, 40);
  EXPECT_NEAR(test.p_greater, 0.01953125, 1e-12);
  EXPECT_NEAR(test.p, 0.0390625, 1e-12);
  // The same source, p. 34: estimate 0.46; distribution-free interval at 96.1%: (0.010, 0.786).
  const Shift shift = HodgesLehmann(Depression());
  EXPECT_NEAR(shift.estimate, 0.46, 1e-9);
  EXPECT_NEAR(shift.interval->low, 0.010, 1e-9);
  EXPECT_NEAR(shift.interval->high, 0.786, 1e-9);
}

// Every assignment of signs, counted one by one.
TEST(SignedRankTest, ExactWithTiesAndZeros) {
  const std::vector<double> differences = {1, 1, -1, 2, 2, 3, 0, -2, 4, 0, 5};
  const std::vector<double> ranks = Ranks({1, 1, 1, 2, 2, 3, 2, 4, 5});
  const double observed = 45 - ranks[2] - ranks[6];
  int greater = 0;
  int less = 0;
  for (int mask = 0; mask < 512; ++mask) {
    double sum = 0;
    for (size_t i = 0; i < 9; ++i) sum += (mask >> i & 1) != 0 ? ranks[i] : 0;
    greater += sum >= observed ? 1 : 0;
    less += sum <= observed ? 1 : 0;
  }
  const RankTest test = SignedRankTest(differences);
  EXPECT_EQ(test.statistic, observed);
  EXPECT_NEAR(test.p_greater, greater / 512.0, 1e-12);
  EXPECT_NEAR(test.p_less, less / 512.0, 1e-12);
}

TEST(SignedRankTest, ApproximationJoinsTheExactValues) {
  std::vector<double> differences;
  for (int i = 1; i <= 200; ++i) differences.push_back(i % 7 < 3 ? -i : i);
  const RankTest exact = SignedRankTest(differences);
  differences.push_back(differences.front() / 2);
  const RankTest normal = SignedRankTest(differences);
  EXPECT_TRUE(exact.exact);
  EXPECT_FALSE(normal.exact);
  EXPECT_NEAR(normal.p, exact.p, 0.03 * exact.p);
}

TEST(SignedRankTest, FewOrNoDifferences) {
  EXPECT_EQ(SignedRankTest({0, 0}).p, 1);
  EXPECT_EQ(SignedRankTest({1, 2, 3, 4, 5}).p, 0.0625);  // five pairs can never reach 5%
  EXPECT_FALSE(HodgesLehmann({1, 2, 3, 4, 5}).interval.has_value());
  EXPECT_TRUE(HodgesLehmann({1, 2, 3, 4, 5, 6}).interval.has_value());
}

// Hundal (1969) in Hollander & Wolfe (1999), example 6.2: J = 79, corrected for ties J* = 2.04, p = 0.0207.
TEST(JonckheereTest, PublishedExampleWithTies) {
  const std::vector<std::vector<double>> groups = {
      {40, 35, 38, 43, 44, 41}, {38, 40, 47, 44, 40, 42}, {48, 40, 45, 43, 46, 44}};
  const RankTest test = JonckheereTest(groups);
  EXPECT_EQ(test.statistic, 79);
  EXPECT_NEAR(test.p_greater, 0.0207104, 1e-6);
  EXPECT_FALSE(test.exact);
}

// All 9! / (2! 3! 4!) arrangements, counted one by one.
TEST(JonckheereTest, ExactWithoutTies) {
  const std::vector<std::vector<double>> groups = {{3.1, 1.2}, {2.2, 5.3, 4.4}, {6.5, 3.6, 8.7, 7.8}};
  const auto statistic = [](const std::vector<std::vector<double>>& all) {
    double count = 0;
    for (size_t g = 0; g < all.size(); ++g) {
      for (size_t h = g + 1; h < all.size(); ++h) {
        for (const double a : all[g]) {
          for (const double b : all[h]) count += a < b ? 1 : 0;
        }
      }
    }
    return count;
  };
  std::vector<int> group_of = {0, 0, 1, 1, 1, 2, 2, 2, 2};
  double all = 0;
  double greater = 0;
  do {
    std::vector<std::vector<double>> arrangement(3);
    for (size_t i = 0; i < 9; ++i) arrangement[static_cast<size_t>(group_of[i])].push_back(static_cast<double>(i));
    ++all;
    greater += statistic(arrangement) >= statistic(groups) ? 1 : 0;
  } while (std::next_permutation(group_of.begin(), group_of.end()));
  const RankTest test = JonckheereTest(groups);
  EXPECT_TRUE(test.exact);
  EXPECT_EQ(all, 1260);
  EXPECT_NEAR(test.p_greater, greater / all, 1e-12);
}

TEST(JonckheereTest, DirectionsMirror) {
  const std::vector<std::vector<double>> rising = {{1, 2}, {3, 4}, {5, 6}};
  const std::vector<std::vector<double>> falling = {{5, 6}, {3, 4}, {1, 2}};
  EXPECT_EQ(JonckheereTest(rising).statistic, 12);
  EXPECT_EQ(JonckheereTest(falling).statistic, 0);
  EXPECT_NEAR(JonckheereTest(rising).p_greater, 1.0 / 90, 1e-12);  // one of 6! / 2!^3
  EXPECT_NEAR(JonckheereTest(falling).p_less, 1.0 / 90, 1e-12);
}

// Sen (1968), section 6: the median of 21 slopes is 4. Of 7! orders 76 have three pairs or fewer in the wrong order,
// 174 have four or fewer (Kendall's table): P = 0.015 and 0.035.
TEST(TheilSenSlopeTest, PublishedExample) {
  const auto slope = TheilSenSlope({1, 2, 3, 4, 10, 12, 18}, {9, 15, 19, 20, 45, 55, 78});
  ASSERT_TRUE(slope.has_value());
  EXPECT_EQ(slope->slope, 4);
  EXPECT_NEAR(slope->interval->low, 26.0 / 7, 1e-12);  // the fourth of them from either end
  EXPECT_NEAR(slope->interval->high, 35.0 / 8, 1e-12);
}

TEST(TheilSenSlopeTest, FewPoints) {
  EXPECT_FALSE(TheilSenSlope({1, 2, 3, 4}, {1, 2, 4, 8})->interval.has_value());  // 2 / 4! is above 0.05
  const auto slope = TheilSenSlope({1, 2, 3, 4, 5}, {1, 2, 4, 8, 16});
  EXPECT_NEAR(slope->slope, 3.375, 1e-12);  // between 3 and 3.75
  EXPECT_EQ(slope->interval->low, 1);
  EXPECT_EQ(slope->interval->high, 8);
  EXPECT_FALSE(TheilSenSlope({1, 1}, {1, 2}).has_value());
}

// An interval of slopes is one of hypotheses: what it leaves out is what the test rejects, also with equal x.
TEST(TheilSenSlopeTest, TheIntervalLeavesOutWhatTheTestRejects) {
  Random random(6);
  int rejected = 0;
  for (int i = 0; i < 300; ++i) {
    std::vector<double> x;
    std::vector<double> y;
    std::vector<std::vector<double>> groups(6);
    for (const size_t group : {0, 1, 1, 2, 3, 4, 5}) {
      x.push_back(static_cast<double>(group * group));
      y.push_back(0.1 * x.back() + random.Normal());
      groups[group].push_back(y.back());
    }
    const bool significant = JonckheereTest(groups).p <= 0.05;
    rejected += significant ? 1 : 0;
    EXPECT_EQ(!TheilSenSlope(x, y)->interval->Contains(0), significant);
  }
  EXPECT_GT(rejected, 50);
  EXPECT_LT(rejected, 250);
}

TEST(TheilSenSlopeTest, ApproximationJoinsTheExactValues) {
  std::vector<double> x;
  std::vector<double> y;
  Random random(7);
  x.reserve(101);
  y.reserve(101);
  for (int i = 0; i < 100; ++i) {
    x.push_back(i);
    y.push_back(random.Normal());
  }
  const Interval exact = *TheilSenSlope(x, y)->interval;
  x.push_back(49.5);
  y.push_back(0);
  const Interval normal = *TheilSenSlope(x, y)->interval;
  EXPECT_NEAR(normal.low, exact.low, 0.001);
  EXPECT_NEAR(normal.high, exact.high, 0.001);
}

// Hollander & Wolfe (1973), p. 187: R's example of cor.test; rho = 0.6, exact p = 0.0968.
TEST(SpearmanTest, PublishedExample) {
  const auto test = SpearmanTest({44.4, 45.9, 41.9, 53.3, 44.7, 44.1, 50.7, 45.2, 60.1},
                                 {2.6, 3.1, 2.5, 5.0, 3.6, 4.0, 5.2, 2.8, 3.8});
  ASSERT_TRUE(test.has_value());
  EXPECT_TRUE(test->exact);
  EXPECT_NEAR(test->statistic, 0.6, 1e-12);
  EXPECT_NEAR(test->p, 0.0968, 5e-5);
}

// scipy.stats.spearmanr, with a tie.
TEST(SpearmanTest, ApproximationAboveNinePairs) {
  const auto test = SpearmanTest({1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}, {2, 1, 4, 3, 7, 5, 5, 8, 10, 12, 9, 11});
  EXPECT_FALSE(test->exact);
  EXPECT_NEAR(test->statistic, 0.92819757, 1e-8);
  EXPECT_NEAR(test->p, 1.331225769e-05, 1e-13);
  EXPECT_NEAR(test->p_greater, 6.65612884e-06, 1e-13);
  // Bonett & Wright (2000): tanh(atanh(r) +- 1.959964 sqrt((1 + r^2 / 2) / (n - 3))).
  EXPECT_NEAR(test->interval->low, 0.698180, 1e-5);
  EXPECT_NEAR(test->interval->high, 0.984517, 1e-5);
}

TEST(SpearmanTest, NothingToSayWithoutVariation) {
  EXPECT_FALSE(SpearmanTest({1, 1, 1}, {1, 2, 3}).has_value());
  EXPECT_FALSE(SpearmanTest({1, 2}, {1, 2}).has_value());
  EXPECT_EQ(SpearmanTest({1, 2, 3}, {3, 2, 1})->statistic, -1);
}

// By hand: 4 * .005, 3 * .01, 2 * .03, and .04 raised to the one before.
TEST(HolmTest, StepsDown) {
  EXPECT_THAT(HolmAdjusted({0.01, 0.04, 0.03, 0.005}), Pointwise(DoubleNear(1e-12), {0.03, 0.06, 0.06, 0.02}));
  EXPECT_THAT(HolmAdjusted({0.9, 0.8}), ElementsAre(1, 1));
  EXPECT_THAT(HolmAdjusted({}), ElementsAre());
}

}  // namespace
}  // namespace skew::stats

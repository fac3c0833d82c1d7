#include "common/stats/permutation.h"

#include <gtest/gtest.h>

#include <cmath>

#include "common/stats/random.h"

namespace skew::stats {
namespace {

// Fisher (1935), The Design of Experiments, section 21: Darwin's maize, 15 pairs; the sum 314 is reached or passed by
// 863 of 32,768 choices of signs, by its size in either direction by 1726.
const std::vector<double> kDarwin = {49, -67, 8, 16, 6, 23, 28, 41, 14, 29, 56, 24, 75, 60, -48};

TEST(SignFlipTest, DarwinsMaize) {
  const PermutationTest test = SignFlipTest(kDarwin, 32'768, 1);
  EXPECT_TRUE(test.exact);
  EXPECT_NEAR(test.statistic, 314.0 / 15, 1e-12);
  EXPECT_NEAR(test.p_greater, 863.0 / 32'768, 1e-12);
  EXPECT_NEAR(test.p, 1726.0 / 32'768, 1e-12);
}

TEST(SignFlipTest, RandomSwapsComeNearTheExactValue) {
  const PermutationTest test = SignFlipTest(kDarwin, 20'000, 1);
  EXPECT_FALSE(test.exact);
  EXPECT_NEAR(test.p, 1726.0 / 32'768, 4 * std::sqrt(0.05 * 0.95 / 20'000));
  EXPECT_EQ(test.p, SignFlipTest(kDarwin, 20'000, 1).p);
  EXPECT_NE(test.p, SignFlipTest(kDarwin, 20'000, 2).p);
}

// One group of two pairs: residuals -1, 1 against -3, 3; swapping both turns the ratio 1/9 round, swapping one makes
// both sides -1, 3 or 1, -3 and the ratio 1: of four swaps, two are as far from an even ratio.
TEST(VarianceSwapTest, TwoPairsByHand) {
  const PermutationTest test = VarianceSwapTest(std::vector<PairedGroup>{{{4, 6}, {0, 6}}}, 100, 1);
  EXPECT_TRUE(test.exact);
  EXPECT_NEAR(test.statistic, std::log(1.0 / 9), 1e-12);
  EXPECT_EQ(test.p, 0.5);
  EXPECT_EQ(test.p_less, 0.25);
  EXPECT_EQ(test.p_greater, 1);
}

std::vector<PairedGroup> Groups(double first_sd, double second_sd, Random& random) {
  std::vector<PairedGroup> groups(7);
  for (size_t g = 0; g < groups.size(); ++g) {
    for (int i = 0; i < 5; ++i) {
      groups[g].first.push_back(static_cast<double>(g) + first_sd * random.Normal());
      groups[g].second.push_back(second_sd * random.Normal());
    }
  }
  return groups;
}

int Rejections(double first_sd, double second_sd, int trials) {
  Random random(11);
  int rejections = 0;
  for (int i = 0; i < trials; ++i) {
    rejections += VarianceSwapTest(Groups(first_sd, second_sd, random), 200, 5).p <= 0.05 ? 1 : 0;
  }
  return rejections;
}

TEST(VarianceSwapTest, RejectsEqualVariancesAsRarelyAsItSays) {
  const double rate = Rejections(1, 1, 1000) / 1000.0;
  EXPECT_LE(rate, 0.065);
  EXPECT_GE(rate, 0.02);
}

TEST(VarianceSwapTest, FindsTwiceTheSpread) { EXPECT_GE(Rejections(2, 1, 200), 160); }

}  // namespace
}  // namespace skew::stats

#include "common/stats/permutation.h"

#include <gtest/gtest.h>

#include <cmath>

#include "common/stats/random.h"
#include "common/stats/student.h"

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

// One group of three pairs: sums of squares 2 + 6 = 8 against 18 + 6 = 24 of contrasts, 0.32 added to either.
TEST(VarianceSwapTest, ThreePairsByHand) {
  // Contrasts: (4 - 2) / sqrt 2 and (6 - 3) sqrt(2/3), squared 2 and 6; (6 - 0) / sqrt 2 and (6 - 3) sqrt(2/3), 18
  // and 6.
  const PermutationTest test = VarianceSwapTest(std::vector<PairedGroup>{{{2, 4, 6}, {0, 6, 6}}}, 100, 1);
  EXPECT_TRUE(test.exact);
  EXPECT_NEAR(test.statistic, std::log((2.0 + 6 + 0.32) / (18 + 6 + 0.32)), 1e-12);
  EXPECT_EQ(test.p, 1);  // swapping the second contrasts changes nothing, the first ones turn the ratio round
  EXPECT_EQ(test.p_less, 0.5);
  EXPECT_EQ(test.p_greater, 1);
}

// The sums of squares of contrasts are those of deviations from the mean. Groups of four and of two values weigh 3 : 1.
TEST(VarianceSwapTest, TheStatisticIsTheMeanLogRatioOfVariances) {
  const std::vector<PairedGroup> groups = {{{4.5, 6, 1, 0}, {0, 6, 2, 2.5}}, {{1, 2}, {5, 9}}, {{1, 1, 1}, {2, 2, 2}}};
  std::vector<double> logs;
  logs.reserve(2);
  for (size_t i = 0; i < 2; ++i) {
    const double first = Variance(groups[i].first);
    const double second = Variance(groups[i].second);
    const double floor = 0.01 * (first + second);
    logs.push_back(std::log((first + floor) / (second + floor)));
  }
  EXPECT_NEAR(VarianceSwapTest(groups, 100, 1).statistic, (3 * logs[0] + logs[1]) / 4, 1e-12);
}

// Six groups in which the first side varies less, and one, of a larger scale by far, in which it varies more.
TEST(VarianceSwapTest, NoGroupSpeaksForAll) {
  std::vector<PairedGroup> groups(6, PairedGroup{{-0.1, 0, 0.1}, {-0.2, 0, 0.2}});
  groups.push_back({{-20, 0, 20}, {-10, 0, 10}});
  const PermutationTest test = VarianceSwapTest(groups, 20'000, 1);
  EXPECT_NEAR(test.statistic, -5 * std::log(4.05 / 1.05) / 7, 1e-9);
  EXPECT_LT(test.p, 0.2);
}

// As many swaps as there are, whether they are tried one by one or as sums of two halves.
TEST(VarianceSwapTest, SumsOverGroupsAreAllSwaps) {
  Random random(3);
  std::vector<PairedGroup> groups(3);
  for (PairedGroup& group : groups) {
    for (int i = 0; i < 4; ++i) {
      group.first.push_back(random.Normal());
      group.second.push_back(2 * random.Normal());
    }
  }
  const PermutationTest sums = VarianceSwapTest(groups, 10, 1);  // 2^6 in a half, of 2^9
  EXPECT_TRUE(sums.exact);
  int64_t either = 0;
  int64_t greater = 0;
  // Swapped contrasts are contrasts of swapped pairs where a pair is one: so each group of a pair of its own.
  std::vector<std::pair<double, double>> squares;
  for (const PairedGroup& group : groups) {
    double before[2] = {group.first[0], group.second[0]};
    for (size_t i = 1; i < 4; ++i) {
      const auto n = static_cast<double>(i);
      const double one = (group.first[i] - before[0] / n) * std::sqrt(n / (n + 1));
      const double other = (group.second[i] - before[1] / n) * std::sqrt(n / (n + 1));
      squares.emplace_back(one * one, other * other);
      before[0] += group.first[i];
      before[1] += group.second[i];
    }
  }
  const auto statistic = [&](uint32_t mask) {
    double mean = 0;
    for (size_t g = 0; g < 3; ++g) {
      double first = 0;
      double second = 0;
      for (size_t i = 3 * g; i < 3 * g + 3; ++i) {
        first += ((mask >> i) & 1) != 0 ? squares[i].second : squares[i].first;
        second += ((mask >> i) & 1) != 0 ? squares[i].first : squares[i].second;
      }
      const double floor = 0.01 * (first + second);
      mean += std::log((first + floor) / (second + floor)) / 3;
    }
    return mean;
  };
  for (uint32_t mask = 0; mask < 512; ++mask) {
    either += std::abs(statistic(mask)) > std::abs(statistic(0)) - 1e-9 ? 1 : 0;
    greater += statistic(mask) > statistic(0) - 1e-9 ? 1 : 0;
  }
  EXPECT_NEAR(sums.statistic, statistic(0), 1e-12);
  EXPECT_NEAR(sums.p, static_cast<double>(either) / 512, 1e-12);
  EXPECT_NEAR(sums.p_greater, static_cast<double>(greater) / 512, 1e-12);
}

// Where one side does not vary, it counts as a tenth of the other's standard deviation.
TEST(VarianceSwapTest, ASideThatDoesNotVary) {
  const PermutationTest one = VarianceSwapTest(std::vector<PairedGroup>{{{1, 1, 1}, {1, 5, 3}}}, 100, 1);
  EXPECT_NEAR(one.statistic, -std::log(101.0), 1e-9);
  EXPECT_TRUE(std::isnan(VarianceSwapTest(std::vector<PairedGroup>{{{1, 1, 1}, {2, 2, 2}}}, 100, 1).statistic));
}

// Seven bias points whose spread grows tenfold, pairs that have much in common.
struct Spread {
  double first = 1;
  double second = 1;
  double correlation = 0;
  int iterations = 5;
};

double RejectionRate(const Spread& spread, int trials) {
  Random random(11);
  int rejections = 0;
  for (int i = 0; i < trials; ++i) {
    std::vector<PairedGroup> groups(7);
    for (size_t g = 0; g < groups.size(); ++g) {
      const double scale = std::pow(10, static_cast<double>(g) / 6);
      for (int j = 0; j < spread.iterations; ++j) {
        const double common = random.Normal();
        const double own = random.Normal();
        const double rest = std::sqrt(1 - spread.correlation * spread.correlation);
        groups[g].first.push_back(static_cast<double>(g) + scale * spread.first * common);
        groups[g].second.push_back(scale * spread.second * (spread.correlation * common + rest * own));
      }
    }
    rejections += VarianceSwapTest(groups, 200, 5).p <= 0.05 ? 1 : 0;
  }
  return static_cast<double>(rejections) / trials;
}

TEST(VarianceSwapTest, RejectsEqualVariancesAsRarelyAsItSays) {
  for (const int iterations : {2, 3, 5}) {
    for (const double correlation : {0.0, 0.8}) {
      const double rate = RejectionRate({.correlation = correlation, .iterations = iterations}, 1000);
      EXPECT_LE(rate, 0.07) << iterations << " iterations, correlation " << correlation;
      EXPECT_GE(rate, 0.02) << iterations << " iterations, correlation " << correlation;
    }
  }
}

TEST(VarianceSwapTest, FindsTwiceTheSpread) {
  EXPECT_GE(RejectionRate({.first = 2}, 200), 0.5);
  EXPECT_GE(RejectionRate({.first = 2, .correlation = 0.8}, 200), 0.8);
}

}  // namespace
}  // namespace skew::stats

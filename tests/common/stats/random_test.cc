#include "common/stats/random.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <numeric>

namespace skew::stats {
namespace {

constexpr int kDraws = 20'000;

// Mean and variance of draws, each within five standard errors (of a variance: allowing for a kurtosis of up to 9).
void ExpectMoments(double mean, double variance, const std::function<double()>& draw) {
  double sum = 0;
  double squares = 0;
  for (int i = 0; i < kDraws; ++i) {
    const double value = draw();
    sum += value;
    squares += (value - mean) * (value - mean);
  }
  EXPECT_NEAR(sum / kDraws, mean, 5 * std::sqrt(variance / kDraws));
  EXPECT_NEAR(squares / kDraws, variance, 5 * variance * std::sqrt(8.0 / kDraws));
}

TEST(RandomTest, Moments) {
  Random random(3);
  ExpectMoments(0.5, 1.0 / 12, [&] { return random.Uniform(); });
  ExpectMoments(0, 1, [&] { return random.Normal(); });
  ExpectMoments(0.5, 0.5, [&] { return random.Gamma(0.5); });
  ExpectMoments(30, 30, [&] { return random.Gamma(30); });
  ExpectMoments(4.5, (100 - 1) / 12.0, [&] { return static_cast<double>(random.Below(10)); });
}

TEST(RandomTest, BinomialOverItsRange) {
  Random random(4);
  for (const auto& [n, p] : {std::pair(10, 0.3), {500, 0.001}, {10'000, 0.0123}, {10'000, 0.5}, {1000, 0.97}}) {
    ExpectMoments(n * p, n * p * (1 - p),
                  [&random, n = n, p = p] { return static_cast<double>(random.Binomial(n, p)); });
  }
  EXPECT_EQ(random.Binomial(10, 0), 0);
  EXPECT_EQ(random.Binomial(10, 1), 10);
  EXPECT_EQ(random.Binomial(0, 0.5), 0);
}

TEST(RandomTest, MultinomialCountsSumToTheTrials) {
  Random random(5);
  const std::vector<double> shares = {0.2, 0, 0.5, 0.3};
  ExpectMoments(300, 1000 * 0.3 * 0.7, [&] {
    const std::vector<int64_t> counts = random.Multinomial(1000, shares);
    EXPECT_EQ(std::accumulate(counts.begin(), counts.end(), int64_t{0}), 1000);
    EXPECT_EQ(counts[1], 0);
    return static_cast<double>(counts[3]);
  });
}

// Beta(2, 6) has mean 1/4 and variance 2 * 6 / (8^2 * 9).
TEST(RandomTest, Dirichlet) {
  Random random(6);
  ExpectMoments(0.25, 12.0 / 576, [&] { return random.Dirichlet({2, 5.5, 0.5})[0]; });
}

// The engine is the standard's: its 10,000th value is fixed there ([rand.predef]), so later values are, too.
TEST(RandomTest, SameEverywhere) {
  Random random(5489);
  for (int i = 1; i < 10'000; ++i) random.Uniform();
  EXPECT_EQ(random.Uniform(), static_cast<double>(9981545732273789042ULL >> 11) * 0x1.0p-53);
}

}  // namespace
}  // namespace skew::stats

#include "common/stats/divergence.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace skew::stats {
namespace {

const std::vector<double> kP = {0.5, 0.3, 0.2};
const std::vector<double> kQ = {1.0 / 3, 1.0 / 3, 1.0 / 3};

// By hand from the formulas in the header.
TEST(DivergenceTest, KnownDistributions) {
  EXPECT_NEAR(TotalVariation(kP, kQ), 0.1666667, 1e-7);
  EXPECT_NEAR(KullbackLeibler(kP, kQ), 0.0689593, 1e-7);
  EXPECT_NEAR(KullbackLeibler(kQ, kP), 0.0702403, 1e-7);
  EXPECT_NEAR(JensenShannon(kP, kQ), 0.0172510, 1e-7);
  EXPECT_NEAR(Hellinger(kP, kQ), 0.1316247, 1e-7);
  EXPECT_NEAR(FairnessDiscrepancy(kP, kQ), 0.2160247, 1e-7);
  EXPECT_NEAR(FairnessDiscrepancy({0.6, 0.4, 0}, kQ), 0.4320494, 1e-7);
}

TEST(DivergenceTest, EqualDistributionsAreNotApart) {
  EXPECT_EQ(TotalVariation(kP, kP), 0);
  EXPECT_EQ(KullbackLeibler(kP, kP), 0);
  EXPECT_EQ(JensenShannon(kP, kP), 0);
  EXPECT_EQ(Hellinger(kP, kP), 0);
  EXPECT_EQ(FairnessDiscrepancy(kP, kP), 0);
}

TEST(DivergenceTest, DisjointDistributionsAreAsFarApartAsCanBe) {
  EXPECT_EQ(TotalVariation({1, 0}, {0, 1}), 1);
  EXPECT_EQ(Hellinger({1, 0}, {0, 1}), 1);
  EXPECT_NEAR(JensenShannon({1, 0}, {0, 1}), std::log(2), 1e-12);
  EXPECT_TRUE(std::isinf(KullbackLeibler({1, 0}, {0, 1})));
}

// Deviations 1, 2, 3 of one class and the opposite of the other: products 2 (1*2 + 1*3 + 2*3) = 22, of three pairs
// 22/3; without the first 2*2*3 = 12, so 3 * 22/3 - 2 * 12 = -2; without the second 6, the third 4.
TEST(DivergenceTest, SquaredDistanceByHand) {
  const std::vector<double> values = SquaredDistanceValues(std::vector<std::vector<double>>{{1, -1}, {2, -2}, {3, -3}});
  ASSERT_EQ(values.size(), 3);
  EXPECT_NEAR(values[0], -2, 1e-12);
  EXPECT_NEAR(values[1], 10, 1e-12);
  EXPECT_NEAR(values[2], 14, 1e-12);
}

// scipy.stats.power_divergence.
TEST(DivergenceTest, GoodnessOfFit) {
  const GoodnessOfFit chi_square = ChiSquareTest({500, 300, 200}, kQ);
  EXPECT_NEAR(chi_square.statistic, 140.0, 1e-9);
  EXPECT_EQ(chi_square.degrees, 2);
  EXPECT_NEAR(chi_square.p, 3.9754497e-31, 1e-37);
  const GoodnessOfFit g = GTest({500, 300, 200}, kQ);
  EXPECT_NEAR(g.statistic, 137.918549, 1e-6);
  EXPECT_NEAR(g.p, 1.1255572e-30, 1e-36);
}

TEST(DivergenceTest, ClassesThatWereNotGeneratedAddTheirExpectation) {
  EXPECT_NEAR(ChiSquareTest({10, 0}, {0.5, 0.5}).statistic, 10, 1e-12);
  EXPECT_NEAR(GTest({10, 0}, {0.5, 0.5}).statistic, 20 * std::log(2), 1e-12);
}

}  // namespace
}  // namespace skew::stats

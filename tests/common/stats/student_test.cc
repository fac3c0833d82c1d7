#include "common/stats/student.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace skew::stats {
namespace {

const std::vector<double> kValues = {1.02, 0.97, 1.05, 0.99, 1.01};

// scipy.stats.t.interval, ttest_1samp, and t.sf / t.cdf for the two one-sided tests.
TEST(StudentMixtureTest, OneComponentIsTheTextbooksTTest) {
  const StudentMixture mixture = StudentMixture::OfMeans({kValues});
  EXPECT_NEAR(mixture.Location(), 1.008, 1e-12);
  EXPECT_NEAR(mixture.MeanScale(), 0.013564659966, 1e-12);
  EXPECT_EQ(mixture.LocationVariance(), 0);
  EXPECT_NEAR(mixture.CentralInterval().low, 0.970338466, 1e-8);
  EXPECT_NEAR(mixture.CentralInterval().high, 1.045661534, 1e-8);
  EXPECT_NEAR(mixture.TwoSidedP(1), 0.587049639787, 1e-10);
  EXPECT_NEAR(mixture.EquivalenceP({0.9, 1.1}), 0.0012335215755, 1e-10);
  const MeanEstimate estimate = EstimateMean(kValues);
  EXPECT_NEAR(estimate.interval->low, 0.970338466, 1e-8);
  EXPECT_NEAR(*estimate.sd, 0.013564659966 * std::sqrt(5), 1e-10);
}

// Two one-sided tests as published: the example of TOSTone in R's TOSTER (mean 0.54, sd 1.2, n = 100, against 0.5 with
// bounds of 0.3 sd: t(99) = -2.667, p = 0.00447; without bounds t(99) = 0.333, p = 0.740), and the paired example of
// pingouin's tost with a bound of 0.5 (5 degrees of freedom, p = 0.954854).
TEST(StudentMixtureTest, PublishedEquivalenceTests) {
  const StudentMixture toster({{0.54, 0.12}}, 99);
  EXPECT_NEAR(toster.EquivalenceP({0.5 - 0.36, 0.5 + 0.36}), 0.00447, 5e-6);
  EXPECT_NEAR(toster.TwoSidedP(0.5), 0.740, 5e-4);
  const std::vector<double> differences = {4 - 6, 7 - 8, 8 - 7, 6 - 10, 3 - 11, 2 - 9};
  EXPECT_NEAR(StudentMixture::OfMeans({differences}).EquivalenceP({-0.5, 0.5}), 0.954854, 5e-7);
}

TEST(StudentMixtureTest, OneValueHasNoSpread) {
  const MeanEstimate estimate = EstimateMean({0.25});
  EXPECT_EQ(estimate.mean, 0.25);
  EXPECT_FALSE(estimate.sd.has_value());
  EXPECT_FALSE(estimate.interval.has_value());
}

TEST(StudentMixtureTest, ComponentsThatDisagreeWidenTheInterval) {
  const StudentMixture narrow({{0, 1}, {0, 1}}, 10);
  const StudentMixture wide({{-3, 1}, {3, 1}}, 10);
  EXPECT_NEAR(narrow.CentralInterval().high, 2.228139, 1e-5);  // t table, 10 degrees of freedom
  // Nearly all of the upper tail is the right component's: its 95% quantile, t = 1.812461.
  EXPECT_NEAR(wide.CentralInterval().high, 3 + 1.812461, 2e-3);
  EXPECT_NEAR(wide.CentralInterval().low, -wide.CentralInterval().high, 1e-8);
  EXPECT_NEAR(wide.TwoSidedP(0), 1, 1e-12);
  EXPECT_NEAR(wide.LocationVariance(), 18, 1e-12);
}

TEST(StudentMixtureTest, QuantileInvertsCdf) {
  const StudentMixture mixture({{0.1, 0.02}, {0.12, 0.05}, {0.07, 0.001}}, 4);
  for (const double p : {0.001, 0.025, 0.2, 0.8, 0.975}) EXPECT_NEAR(mixture.Cdf(mixture.Quantile(p)), p, 1e-6);
}

// Odd, even, one and many degrees of freedom: the interval search uses other formulas than Cdf.
TEST(StudentMixtureTest, QuantilesOfAllDegrees) {
  for (int degrees = 1; degrees <= 70; ++degrees) {
    const StudentMixture student({{0, 1}, {0.5, 2}}, degrees);
    EXPECT_NEAR(student.Cdf(student.Quantile(0.975)), 0.975, 1e-7) << degrees;
    EXPECT_NEAR(student.Cdf(student.Quantile(0.3)), 0.3, 1e-7) << degrees;
  }
}

TEST(StudentMixtureTest, WithoutSpreadItIsAPoint) {
  const StudentMixture point = StudentMixture::OfMeans({std::vector<double>{2, 2, 2}});
  EXPECT_EQ(point.CentralInterval().low, 2);
  EXPECT_EQ(point.CentralInterval().high, 2);
  EXPECT_EQ(point.TwoSidedP(2), 1);
  EXPECT_EQ(point.TwoSidedP(2.1), 0);
}

}  // namespace
}  // namespace skew::stats

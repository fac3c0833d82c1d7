#include "common/stats/variance_ratio.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "common/stats/random.h"

namespace skew::stats {
namespace {

// Variances of 1 to 8 and of twice that: a quarter. psi'(7 / 2) = pi^2 / 2 - 4 (1 + 1 / 9 + 1 / 25).
TEST(DeviationRatioTest, ByHand) {
  const PairedGroup group = {{1, 2, 3, 4, 5, 6, 7, 8}, {2, 4, 6, 8, 10, 12, 14, 16}};
  const auto estimate = EstimateDeviationRatio({group});
  ASSERT_TRUE(estimate.has_value());
  EXPECT_NEAR(estimate->ratio, 0.5, 1e-12);
  const double trigamma = std::acos(-1) * std::acos(-1) / 2 - 4 * (1 + 1.0 / 9 + 1.0 / 25);
  EXPECT_NEAR(std::log(estimate->interval.high / estimate->ratio), 1.959964 / 2 * std::sqrt(2 * trigamma), 1e-9);
  EXPECT_NEAR(std::log(estimate->ratio / estimate->interval.low), 1.959964 / 2 * std::sqrt(2 * trigamma), 1e-9);
}

// Two groups of two and four degrees of freedom, of ratios 100 and 1.
TEST(DeviationRatioTest, GroupsCountByTheirDegreesOfFreedom) {
  const PairedGroup small = {{0, 100, 200}, {0, 1, 2}};
  const PairedGroup large = {{0, 1, 2, 3, 4}, {0, 1, 2, 3, 4}};
  EXPECT_NEAR(EstimateDeviationRatio({small, large})->ratio, std::pow(100, 1.0 / 3), 1e-9);
}

TEST(DeviationRatioTest, ASideThatDoesNotVaryCountsAsATenth) {
  EXPECT_NEAR(EstimateDeviationRatio({{{1, 2, 3}, {5, 5, 5}}})->ratio, std::sqrt(101), 1e-9);
  EXPECT_NEAR(EstimateDeviationRatio({{{5, 5, 5}, {1, 2, 3}}})->ratio, 1 / std::sqrt(101), 1e-9);
  // Five times a number whose sum is rounded, so that their mean is another one.
  const double logit = std::log(1200.5 / 8800.5);
  const std::vector<double> alike(5, logit);
  EXPECT_NEAR(EstimateDeviationRatio({{{1, 2, 3, 4, 5}, alike}})->ratio, std::sqrt(101), 1e-9);
  EXPECT_NEAR(EstimateDeviationRatio({{alike, {1, 2, 3, 4, 5}}})->ratio, 1 / std::sqrt(101), 1e-9);
  EXPECT_FALSE(EstimateDeviationRatio({{alike, alike}}).has_value());
  EXPECT_FALSE(EstimateDeviationRatio({{{5, 5}, {1, 1}}}).has_value());
  EXPECT_FALSE(EstimateDeviationRatio({}).has_value());
}

// Seven bias points of five iterations, as in a study: whatever the ratio is.
TEST(DeviationRatioTest, IntervalsCover) {
  Random random(17);
  for (const double ratio : {1.0, 2.0, 4.0, 20.0}) {
    int covered = 0;
    constexpr int kStudies = 1000;
    for (int study = 0; study < kStudies; ++study) {
      std::vector<PairedGroup> groups(7);
      for (PairedGroup& group : groups) {
        for (int i = 0; i < 5; ++i) {
          group.first.push_back(ratio * random.Normal());
          group.second.push_back(random.Normal());
        }
      }
      if (EstimateDeviationRatio(groups)->interval.Contains(ratio)) ++covered;
    }
    EXPECT_GE(covered, 0.93 * kStudies) << ratio;
    EXPECT_LE(covered, 0.97 * kStudies) << ratio;
  }
}

}  // namespace
}  // namespace skew::stats

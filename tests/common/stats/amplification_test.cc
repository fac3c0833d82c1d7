#include "common/stats/amplification.h"

#include <gtest/gtest.h>

#include <cmath>

namespace skew::stats {
namespace {

TEST(AmplificationTest, WhatIsPassedOnAsItWasIsNeutral) {
  EXPECT_EQ(Amplification(0.2, 0.2), 1);
  EXPECT_EQ(LogitDifference(0.2, 0.2), 0);
  const std::vector<double> x = {Logit(0.01), Logit(0.1), Logit(0.5)};
  EXPECT_NEAR(FitLine(x, x)->slope, 1, 1e-12);
  EXPECT_NEAR(FitLine(x, x)->intercept, 0, 1e-12);
}

TEST(AmplificationTest, ShareBelowItsTrainingShare) {
  EXPECT_NEAR(Amplification(0.05, 0.2), 0.25, 1e-12);
  EXPECT_NEAR(LogitDifference(0.05, 0.2), std::log((0.05 / 0.95) / (0.2 / 0.8)), 1e-12);
}

TEST(AmplificationTest, SmoothedLogitIsFiniteAtTheEnds) {
  EXPECT_NEAR(SmoothedLogit(0, 100), std::log(0.5 / 100.5), 1e-12);
  EXPECT_NEAR(SmoothedLogit(1, 100), std::log(100.5 / 0.5), 1e-12);
  EXPECT_EQ(SmoothedLogit(0.5, 100), 0);
}

// scipy.stats.linregress.
TEST(AmplificationTest, FitLine) {
  const std::optional<Line> line = FitLine({-4, -2, -1, 0, 1}, {-5, -2.2, -1.3, 0.2, 1.1});
  ASSERT_TRUE(line.has_value());
  EXPECT_NEAR(line->slope, 1.22702703, 1e-8);
  EXPECT_NEAR(line->intercept, 0.03243243, 1e-8);
  EXPECT_NEAR(*line->slope_error, 0.05394132, 1e-8);
  EXPECT_FALSE(FitLine({1, 1, 1}, {1, 2, 3}).has_value());
  EXPECT_FALSE(FitLine({1}, {1}).has_value());
  EXPECT_FALSE(FitLine({1, 2}, {1, 3})->slope_error.has_value());
}

TEST(AmplificationTest, OverDispersionByFormula) {
  EXPECT_NEAR(OverDispersion(0.2, 0.03, 10000), 0.0055256, 1e-7);
  EXPECT_NEAR(OverDispersion(0.2, std::sqrt(0.2 * 0.8 / 10000), 10000), 0, 1e-12);  // binomial
  EXPECT_NEAR(OverDispersion(0.2, std::sqrt(0.2 * 0.8), 10000), 1, 1e-12);          // all or nothing
}

TEST(AmplificationTest, OverDispersionOfRuns) {
  const std::vector<double> shares = {0.17, 0.2, 0.23};
  const std::vector<double> images = {1000, 1000, 1000};
  EXPECT_NEAR(*OverDispersion(shares, images), OverDispersion(0.2, 0.03, 1000), 1e-12);
  EXPECT_FALSE(OverDispersion({0, 0}, {100, 100}).has_value());
  EXPECT_FALSE(OverDispersion({0.3}, {100}).has_value());
}

}  // namespace
}  // namespace skew::stats

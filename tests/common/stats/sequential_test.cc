#include "common/stats/sequential.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <iostream>
#include <vector>

#include "common/stats/random.h"
#include "common/stats/student.h"

namespace skew::stats {
namespace {

constexpr int kMostRuns = 40;
constexpr int kTrials = 4000;

// t table: 6.964557 at 99% with 2 degrees of freedom.
TEST(SequentialTest, IntervalIsStudentsAtTheHigherLevel) {
  const std::vector<double> shares = {0.2, 0.25, 0.3};
  const SequentialLook look = LookAtRuns(shares, 10'000, 0.21);
  EXPECT_NEAR(look.mean, 0.25, 1e-12);
  ASSERT_TRUE(look.interval.has_value());
  EXPECT_NEAR(look.interval->high - look.mean, 6.964557 * 0.05 / std::sqrt(3), 1e-6);
  EXPECT_NEAR(look.mean - look.interval->low, 6.964557 * 0.05 / std::sqrt(3), 1e-6);
  EXPECT_TRUE(look.stop);
  EXPECT_FALSE(LookAtRuns(shares, 10'000, 0.20).stop);
}

TEST(SequentialTest, TwoRunsSayNothing) {
  const SequentialLook look = LookAtRuns({0.1, 0.1}, 10'000, 1);
  EXPECT_FALSE(look.stop);
  EXPECT_FALSE(look.interval.has_value());
}

// Three times nothing of 100 images: (0.5 / 101) (1 - 0.5 / 101) / 100 is the variance that images alone have.
TEST(SequentialTest, RunsThatAgreeByChanceAreNotKnownExactly) {
  const std::vector<double> none = {0, 0, 0};
  const SequentialLook look = LookAtRuns(none, 100, 0.01);
  EXPECT_NEAR(look.interval->high, 6.964557 * std::sqrt(0.5 / 101 * (1 - 0.5 / 101) / 100 / 3), 1e-8);
  EXPECT_FALSE(look.stop);
  EXPECT_FALSE(LookAtRuns({-0.001, -0.001, -0.001}, 100, 0.01).stop);  // corrected shares may be below 0
  EXPECT_TRUE(LookAtRuns(none, 1'000'000, 0.01).stop);
}

struct Stopped {
  double covered = 0;  // share of the trials
  double runs = 0;     // mean
};

// Looks after every run from the third to the fortieth, and stops as soon as it may.
Stopped StopByWidth(const std::function<double()>& share, double truth, double images, double half_width) {
  Stopped stopped;
  for (int trial = 0; trial < kTrials; ++trial) {
    std::vector<double> shares;
    SequentialLook look;
    while (!look.stop && shares.size() < kMostRuns) {
      shares.push_back(share());
      look = LookAtRuns(shares, images, half_width);
    }
    stopped.covered += look.interval->Contains(truth) ? 1.0 / kTrials : 0;
    stopped.runs += static_cast<double>(shares.size()) / kTrials;
  }
  return stopped;
}

// How many runs it takes when the standard deviation is known to be 1 and nobody looks before the end.
int RunsWithKnownSpread(double half_width) { return static_cast<int>(std::ceil(std::pow(1.959964 / half_width, 2))); }

// Shares around 0.2 that vary much more than images make them. Widths in standard deviations: from those that never
// stop before 40 runs to those that always stop at 3.
TEST(SequentialTest, CoversWhereverItStops) {
  Random random(1);
  constexpr double kSd = 0.02;
  for (const double width : {0.3, 0.4, 0.5, 0.6, 0.65, 0.8, 1.0, 1.5, 4.0}) {
    const Stopped stopped = StopByWidth([&] { return 0.2 + kSd * random.Normal(); }, 0.2, 1e6, width * kSd);
    std::cout << width << " sd: covered " << stopped.covered << " after " << stopped.runs << " runs; "
              << RunsWithKnownSpread(width) << " with known spread\n";
    EXPECT_GE(stopped.covered, 0.94) << width;
    // The price: half as many runs again, at most, and three where few are enough.
    EXPECT_LE(stopped.runs, std::min<double>(kMostRuns, 1.45 * RunsWithKnownSpread(width) + 3)) << width;
  }
}

// What it is for: the 95% interval, looked at as often, does not.
TEST(SequentialTest, APlain95PercentIntervalCoversTooLittle) {
  Random random(2);
  double covered = 0;
  for (int trial = 0; trial < kTrials; ++trial) {
    std::vector<double> values = {random.Normal(), random.Normal()};
    Interval interval;
    do {
      values.push_back(random.Normal());
      interval = *EstimateMean(values).interval;
    } while (interval.high - interval.low > 2 * 0.6 && values.size() < kMostRuns);
    covered += interval.Contains(0) ? 1.0 / kTrials : 0;
  }
  std::cout << "plain: covered " << covered << "\n";
  EXPECT_LT(covered, 0.92);
}

// Skewed shares: a minority class that is 2.4% of the images on average, more in some runs than in others (rho 0.001 as
// VAEs have it, and none at all).
TEST(SequentialTest, CoversSharesOfAMinority) {
  Random random(3);
  constexpr int64_t kImages = 10'000;
  constexpr double kTruth = 0.024;
  for (const double rho : {0.0, 0.001}) {
    const auto share = [&] {
      const double p = rho > 0 ? random.Dirichlet({kTruth * (1 / rho - 1), (1 - kTruth) * (1 / rho - 1)})[0] : kTruth;
      return static_cast<double>(random.Binomial(kImages, p)) / kImages;
    };
    const double sd = std::sqrt(kTruth * (1 - kTruth) * (rho + (1 - rho) / kImages));
    for (const double width : {0.4, 0.6, 0.8, 1.5}) {
      const Stopped stopped = StopByWidth(share, kTruth, kImages, width * sd);
      std::cout << "rho " << rho << ", " << width << " sd: covered " << stopped.covered << " after " << stopped.runs
                << " runs\n";
      EXPECT_GE(stopped.covered, 0.94) << rho << " " << width;
    }
  }
}

}  // namespace
}  // namespace skew::stats

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <iostream>
#include <utility>
#include <vector>

#include "boost/math/distributions/normal.hpp"
#include "common/stats/random.h"
#include "common/stats/student.h"
#include "tests/common/stats/coverage.h"

namespace skew::stats {
namespace {

// Why intervals over runs are Student's: what the bootstrap does with five runs of a null arm.
class Bootstrap {
 public:
  Bootstrap(std::vector<double> values, Random& random) : values_(std::move(values)) {
    for (int b = 0; b < 1000; ++b) {
      double sum = 0;
      for (size_t i = 0; i < values_.size(); ++i) sum += values_[random.Below(values_.size())];
      means_.push_back(sum / static_cast<double>(values_.size()));
    }
    std::sort(means_.begin(), means_.end());
  }

  Interval Percentile() const { return {At(0.025), At(0.975)}; }

  // Efron (1987).
  Interval BiasCorrectedAccelerated() const {
    const double mean = Mean(values_);
    const double below = static_cast<double>(std::lower_bound(means_.begin(), means_.end(), mean) - means_.begin());
    const boost::math::normal normal;
    const double z0 = quantile(normal, std::clamp(below / 1000, 0.001, 0.999));
    double squares = 0;
    double cubes = 0;
    for (const double value : values_) {
      squares += std::pow(value - mean, 2);
      cubes += std::pow(value - mean, 3);
    }
    const double a = cubes / (6 * std::pow(squares, 1.5));
    const auto level = [&](double z) { return cdf(normal, z0 + (z0 + z) / (1 - a * (z0 + z))); };
    return {At(level(-1.959964)), At(level(1.959964))};
  }

 private:
  double At(double p) const { return means_[std::min<size_t>(999, static_cast<size_t>(p * 1000))]; }

  std::vector<double> values_;
  std::vector<double> means_;
};

TEST(BootstrapTest, CoversTooLittleWithFiveRuns) {
  Random random(10);
  Coverage percentile;
  Coverage accelerated;
  Coverage student;
  for (int i = 0; i < 2000; ++i) {
    std::vector<double> shares;
    shares.reserve(kIterations);
    for (int run = 0; run < kIterations; ++run) {
      shares.push_back(static_cast<double>(random.Binomial(kImages, 0.1)) / static_cast<double>(kImages));
    }
    const Bootstrap bootstrap(shares, random);
    percentile.Add(bootstrap.Percentile().Contains(0.1));
    accelerated.Add(bootstrap.BiasCorrectedAccelerated().Contains(0.1));
    student.Add(EstimateMean(shares).interval->Contains(0.1));
  }
  std::cout << "percentile " << percentile.rate() << ", BCa " << accelerated.rate() << "\n";
  EXPECT_LT(percentile.rate(), 0.87);
  EXPECT_LT(accelerated.rate(), 0.87);
  ExpectNominal("Student", student);
}

}  // namespace
}  // namespace skew::stats

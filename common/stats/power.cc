#include "common/stats/power.h"

#include <algorithm>
#include <boost/math/distributions/non_central_t.hpp>
#include <boost/math/distributions/normal.hpp>
#include <boost/math/distributions/students_t.hpp>
#include <cmath>

namespace skew::stats {
namespace {

constexpr int kMostRuns = 100'000;
constexpr double kFarNoncentrality = 30;  // from where on the test cannot miss, and boost's series is slow

double StandardError(const PlannedMean& planned, int runs) {
  return std::sqrt(planned.sd * planned.sd / runs + planned.fixed_variance);
}

double StudentQuantile(double p, int runs) { return boost::math::quantile(boost::math::students_t(runs - 1), p); }

}  // namespace

double TTestPower(const PlannedMean& planned, int runs, double alpha) {
  const double error = StandardError(planned, runs);
  const double effect = std::abs(planned.effect);
  if (error == 0) return effect > 0 ? 1 : alpha;
  const double noncentrality = effect / error;
  const double critical = StudentQuantile(1 - alpha / 2, runs);
  if (noncentrality > kFarNoncentrality + critical) return 1;
  if (noncentrality < 1e-8) return alpha;
  const boost::math::non_central_t shifted(runs - 1, noncentrality);
  return boost::math::cdf(boost::math::complement(shifted, critical)) + boost::math::cdf(shifted, -critical);
}

double EquivalencePower(const PlannedMean& planned, double margin, int runs, double alpha) {
  const double error = StandardError(planned, runs);
  const double effect = std::abs(planned.effect);
  if (error == 0) return effect < margin ? 1 : 0;
  const double critical = StudentQuantile(1 - alpha, runs);
  const boost::math::normal normal;
  const double power = boost::math::cdf(normal, (margin - effect) / error - critical) +
                       boost::math::cdf(normal, (margin + effect) / error - critical) - 1;
  return std::clamp(power, 0.0, 1.0);
}

std::optional<int> RunsNeeded(const PlannedMean& planned, double margin, double alpha, double power) {
  const bool equivalent = margin > 0 && std::abs(planned.effect) < margin / 2;
  const auto enough = [&](int runs) {
    const double reached =
        equivalent ? EquivalencePower(planned, margin, runs, alpha) : TTestPower(planned, runs, alpha / planned.looks);
    return reached >= power;
  };
  if (!enough(kMostRuns)) return std::nullopt;
  int low = 1;  // not enough
  int high = 2;
  while (!enough(high)) {
    low = high;
    high = std::min(2 * high, kMostRuns);
  }
  while (high - low > 1) {
    const int middle = low + (high - low) / 2;
    (enough(middle) ? high : low) = middle;
  }
  return high;
}

std::optional<int> ValuesNeeded(int n, double p, double alpha, double power) {
  const boost::math::normal normal;
  const double z = boost::math::quantile(boost::math::complement(normal, std::max(p, 1e-300) / 2));
  const double wanted =
      boost::math::quantile(boost::math::complement(normal, alpha / 2)) + boost::math::quantile(normal, power);
  const double needed = std::ceil(n * (wanted / z) * (wanted / z));
  if (!(needed <= 1e7)) return std::nullopt;
  return std::max(2, static_cast<int>(needed));
}

}  // namespace skew::stats

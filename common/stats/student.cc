#include "common/stats/student.h"

#include <algorithm>
#include <boost/math/constants/constants.hpp>
#include <boost/math/distributions/students_t.hpp>
#include <boost/math/tools/roots.hpp>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numeric>

namespace skew::stats {
namespace {

// Student's distribution function for whole degrees of freedom up to 60, in closed form (Abramowitz & Stegun 26.7.3 and
// 26.7.4): many times faster than the general one, and right to 1e-14 or so, which is enough for the middle of the
// distribution but not for small p-values.
double QuickCdf(double t, int degrees) {
  const double cosine2 = degrees / (degrees + t * t);
  const double sine = t / std::sqrt(degrees + t * t);
  const bool odd = degrees % 2 == 1;
  double term = odd ? std::sqrt(cosine2) : 1;
  double sum = degrees > 1 ? term : 0;
  for (int i = odd ? 3 : 2; i <= degrees - 2; i += 2) {
    term *= cosine2 * (i - 1) / i;
    sum += term;
  }
  const double between =
      odd ? (std::atan2(t, std::sqrt(degrees)) + sine * sum) * 2 / boost::math::constants::pi<double>() : sine * sum;
  return 0.5 + between / 2;
}

bool HasQuickCdf(double degrees) { return degrees <= 60 && degrees == std::floor(degrees); }

}  // namespace

double Mean(absl::Span<const double> values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

double Variance(absl::Span<const double> values) {
  // Of equal values 0, and not what rounding makes of their mean.
  const bool varies = std::any_of(values.begin(), values.end(), [&](double value) { return value != values.front(); });
  const double mean = Mean(values);
  double squares = 0;
  for (const double value : values) squares += varies ? (value - mean) * (value - mean) : 0;
  return squares / (static_cast<double>(values.size()) - 1);
}

PairSums SumPairs(absl::Span<const double> x, absl::Span<const double> y) {
  PairSums sums{Mean(x), Mean(y)};
  for (size_t i = 0; i < x.size(); ++i) {
    sums.xx += (x[i] - sums.mean_x) * (x[i] - sums.mean_x);
    sums.xy += (x[i] - sums.mean_x) * (y[i] - sums.mean_y);
    sums.yy += (y[i] - sums.mean_y) * (y[i] - sums.mean_y);
  }
  return sums;
}

double HalfWidth(double sd, size_t n) {
  const auto size = static_cast<double>(n);
  return boost::math::quantile(boost::math::students_t(size - 1), 0.975) * sd / std::sqrt(size);
}

MeanEstimate EstimateMean(absl::Span<const double> values) {
  MeanEstimate estimate;
  estimate.mean = Mean(values);
  if (values.size() < 2) return estimate;
  estimate.sd = std::sqrt(Variance(values));
  const double half = HalfWidth(*estimate.sd, values.size());
  estimate.interval = {estimate.mean - half, estimate.mean + half};
  return estimate;
}

StudentMixture StudentMixture::OfMeans(absl::Span<const std::vector<double>> samples) {
  std::vector<Component> components;
  for (const std::vector<double>& sample : samples) {
    components.push_back({Mean(sample), std::sqrt(Variance(sample) / static_cast<double>(sample.size()))});
  }
  return {std::move(components), static_cast<double>(samples.front().size()) - 1};
}

double StudentMixture::Location() const {
  double sum = 0;
  for (const Component& one : components_) sum += one.location;
  return sum / static_cast<double>(components_.size());
}

double StudentMixture::LocationVariance() const {
  if (components_.size() < 2) return 0;
  std::vector<double> locations;
  for (const Component& one : components_) locations.push_back(one.location);
  return Variance(locations);
}

double StudentMixture::MeanScale() const {
  double squares = 0;
  for (const Component& one : components_) squares += one.scale * one.scale;
  return std::sqrt(squares / static_cast<double>(components_.size()));
}

double StudentMixture::Cdf(double x) const {
  const boost::math::students_t student(degrees_);
  double sum = 0;
  for (const Component& one : components_) {
    if (one.scale > 0) {
      sum += boost::math::cdf(student, (x - one.location) / one.scale);
    } else {
      sum += x > one.location ? 1 : x == one.location ? 0.5 : 0;
    }
  }
  return sum / static_cast<double>(components_.size());
}

double StudentMixture::CdfForQuantile(double x) const {
  const int degrees = static_cast<int>(degrees_);
  double sum = 0;
  for (const Component& one : components_) {
    if (one.scale > 0) {
      sum += QuickCdf((x - one.location) / one.scale, degrees);
    } else {
      sum += x > one.location ? 1 : x == one.location ? 0.5 : 0;
    }
  }
  return sum / static_cast<double>(components_.size());
}

double StudentMixture::Quantile(double p) const {
  // The mixture's quantile lies between those of its components.
  const double t = boost::math::quantile(boost::math::students_t(degrees_), p);
  double low = std::numeric_limits<double>::infinity();
  double high = -low;
  for (const Component& one : components_) {
    low = std::min(low, one.location + t * one.scale);
    high = std::max(high, one.location + t * one.scale);
  }
  const bool quick = HasQuickCdf(degrees_) && std::min(p, 1 - p) > 1e-6;
  const auto excess = [&](double x) { return (quick ? CdfForQuantile(x) : Cdf(x)) - p; };
  const double at_low = excess(low);
  const double at_high = excess(high);
  if (!(at_low < 0)) return low;
  if (!(at_high > 0)) return high;
  std::uintmax_t steps = 100;
  const auto close = [&](double a, double b) { return std::abs(b - a) <= 1e-9 * (std::abs(a) + std::abs(b)) + 1e-15; };
  const auto [below, above] = boost::math::tools::toms748_solve(excess, low, high, at_low, at_high, close, steps);
  return (below + above) / 2;
}

Interval StudentMixture::CentralInterval(double confidence) const {
  const double tail = (1 - confidence) / 2;
  return {Quantile(tail), Quantile(1 - tail)};
}

double StudentMixture::TwoSidedP(double null) const {
  const double below = Cdf(null);
  return std::min(1.0, 2 * std::min(below, 1 - below));
}

double StudentMixture::EquivalenceP(const Interval& range) const {
  return std::max(Cdf(range.low), 1 - Cdf(range.high));
}

}  // namespace skew::stats

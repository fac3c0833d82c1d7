#include "common/stats/divergence.h"

#include <algorithm>
#include <boost/math/distributions/chi_squared.hpp>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

namespace skew::stats {
namespace {

GoodnessOfFit WithP(double statistic, size_t classes) {
  GoodnessOfFit fit;
  fit.statistic = statistic;
  fit.degrees = static_cast<double>(classes) - 1;
  if (fit.degrees > 0) fit.p = ChiSquareTail(statistic, fit.degrees);
  return fit;
}

}  // namespace

double Sum(absl::Span<const int64_t> counts) {
  return static_cast<double>(std::accumulate(counts.begin(), counts.end(), int64_t{0}));
}

double ChiSquareTail(double statistic, double degrees) {
  return boost::math::cdf(boost::math::complement(boost::math::chi_squared(degrees), statistic));
}

double TotalVariation(absl::Span<const double> p, absl::Span<const double> q) {
  double sum = 0;
  for (size_t i = 0; i < p.size(); ++i) sum += std::abs(p[i] - q[i]);
  return sum / 2;
}

double KullbackLeibler(absl::Span<const double> p, absl::Span<const double> q) {
  double sum = 0;
  for (size_t i = 0; i < p.size(); ++i) {
    if (p[i] <= 0) continue;
    if (q[i] <= 0) return std::numeric_limits<double>::infinity();
    sum += p[i] * std::log(p[i] / q[i]);
  }
  return sum;
}

double JensenShannon(absl::Span<const double> p, absl::Span<const double> q) {
  std::vector<double> middle;
  for (size_t i = 0; i < p.size(); ++i) middle.push_back((p[i] + q[i]) / 2);
  return (KullbackLeibler(p, middle) + KullbackLeibler(q, middle)) / 2;
}

double Hellinger(absl::Span<const double> p, absl::Span<const double> q) {
  double sum = 0;
  for (size_t i = 0; i < p.size(); ++i) {
    const double difference = std::sqrt(std::max(0.0, p[i])) - std::sqrt(std::max(0.0, q[i]));
    sum += difference * difference;
  }
  return std::sqrt(sum / 2);
}

double FairnessDiscrepancy(absl::Span<const double> p, absl::Span<const double> q) {
  double sum = 0;
  for (size_t i = 0; i < p.size(); ++i) sum += (p[i] - q[i]) * (p[i] - q[i]);
  return std::sqrt(sum);
}

std::vector<double> SquaredDistanceValues(absl::Span<const std::vector<double>> deviations) {
  const size_t classes = deviations.front().size();
  const auto n = static_cast<double>(deviations.size());
  std::vector<double> total(classes, 0);
  for (const std::vector<double>& one : deviations) {
    for (size_t c = 0; c < classes; ++c) total[c] += one[c];
  }
  std::vector<double> products;  // of each run with all others
  double all = 0;
  for (const std::vector<double>& one : deviations) {
    double product = 0;
    for (size_t c = 0; c < classes; ++c) product += one[c] * (total[c] - one[c]);
    products.push_back(product);
    all += product;
  }
  // n times the estimate less n - 1 times that without the run.
  std::vector<double> values;
  values.reserve(products.size());
  for (const double product : products) values.push_back((2 * product - all / (n - 1)) / (n - 2));
  return values;
}

GoodnessOfFit ChiSquareTest(absl::Span<const int64_t> counts, absl::Span<const double> shares) {
  const double n = Sum(counts);
  double statistic = 0;
  for (size_t i = 0; i < counts.size(); ++i) {
    const double expected = n * shares[i];
    const double difference = static_cast<double>(counts[i]) - expected;
    statistic += difference * difference / expected;
  }
  return WithP(statistic, counts.size());
}

GoodnessOfFit GTest(absl::Span<const int64_t> counts, absl::Span<const double> shares) {
  const double n = Sum(counts);
  double statistic = 0;
  for (size_t i = 0; i < counts.size(); ++i) {
    const auto observed = static_cast<double>(counts[i]);
    if (counts[i] > 0) statistic += 2 * observed * std::log(observed / (n * shares[i]));
  }
  return WithP(std::max(0.0, statistic), counts.size());
}

}  // namespace skew::stats

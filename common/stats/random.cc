#include "common/stats/random.h"

#include <algorithm>
#include <cmath>

namespace skew::stats {
namespace {

constexpr double kLargestMeanOfInversion = 20;  // (1 - p)^n stays far from underflow

}  // namespace

double Random::Uniform() { return static_cast<double>(engine_() >> 11) * 0x1.0p-53; }

uint64_t Random::Below(uint64_t bound) {
  const uint64_t reject_below = (0 - bound) % bound;  // 2^64 mod bound
  while (true) {
    const uint64_t bits = engine_();
    if (bits >= reject_below) return bits % bound;
  }
}

double Random::Normal() {
  while (true) {
    const double u = 2 * Uniform() - 1;
    const double v = 2 * Uniform() - 1;
    const double s = u * u + v * v;
    if (s > 0 && s < 1) return u * std::sqrt(-2 * std::log(s) / s);
  }
}

double Random::Gamma(double shape) {
  if (shape < 1) return Gamma(shape + 1) * std::pow(1 - Uniform(), 1 / shape);
  const double d = shape - 1.0 / 3;
  const double c = 1 / std::sqrt(9 * d);
  while (true) {
    const double x = Normal();
    const double cube = 1 + c * x;
    if (cube <= 0) continue;
    const double v = cube * cube * cube;
    if (std::log(1 - Uniform()) < 0.5 * x * x + d - d * v + d * std::log(v)) return d * v;
  }
}

int64_t Random::Binomial(int64_t trials, double p) {
  if (p > 0.5) return trials - Binomial(trials, 1 - p);
  if (!(p > 0)) return 0;
  // By inversion, in parts whose mean is small enough for it: a sum of binomials with one p is binomial.
  const auto part = static_cast<int64_t>(std::min(kLargestMeanOfInversion / p, 1e15));
  int64_t successes = 0;
  for (int64_t left = trials; left > 0; left -= part) {
    const int64_t n = std::min(left, part);
    double probability = std::pow(1 - p, static_cast<double>(n));
    double u = Uniform();
    int64_t k = 0;
    while (u > probability && k < n) {
      u -= probability;
      ++k;
      probability *= static_cast<double>(n - k + 1) / static_cast<double>(k) * p / (1 - p);
    }
    successes += k;
  }
  return successes;
}

std::vector<int64_t> Random::Multinomial(int64_t trials, absl::Span<const double> shares) {
  std::vector<int64_t> counts(shares.size(), 0);
  double left = 1;
  for (size_t i = 0; i + 1 < shares.size() && trials > 0; ++i) {
    counts[i] = left > 0 ? Binomial(trials, std::clamp(shares[i] / left, 0.0, 1.0)) : 0;
    trials -= counts[i];
    left -= shares[i];
  }
  if (!counts.empty()) counts.back() = trials;
  return counts;
}

std::vector<double> Random::Dirichlet(absl::Span<const double> concentration) {
  std::vector<double> shares;
  double sum = 0;
  for (const double shape : concentration) sum += shares.emplace_back(Gamma(shape));
  for (double& share : shares) share /= sum;
  return shares;
}

}  // namespace skew::stats

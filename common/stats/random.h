// Random numbers that are the same everywhere: the engine is the standard's, the distributions are ours (the standard
// leaves their algorithms open).
#ifndef SKEW_COMMON_STATS_RANDOM_H_
#define SKEW_COMMON_STATS_RANDOM_H_

#include <cstdint>
#include <random>
#include <vector>

#include "absl/types/span.h"

namespace skew::stats {

// Thread-compatible.
class Random {
 public:
  explicit Random(uint64_t seed) : engine_(seed) {}

  // In [0, 1), 53 bits.
  double Uniform();
  // In 0..bound-1, without bias; bound at least 1.
  uint64_t Below(uint64_t bound);
  // Standard normal (Marsaglia's polar method).
  double Normal();
  // Gamma with this shape (positive) and scale 1 (Marsaglia & Tsang 2000).
  double Gamma(double shape);
  // Exact; the cost grows with trials * min(p, 1 - p).
  int64_t Binomial(int64_t trials, double p);
  // Counts that sum to `trials`; `shares` sum to 1.
  std::vector<int64_t> Multinomial(int64_t trials, absl::Span<const double> shares);
  // Sums to 1; every entry of `concentration` is positive.
  std::vector<double> Dirichlet(absl::Span<const double> concentration);

 private:
  std::mt19937_64 engine_;
};

}  // namespace skew::stats

#endif  // SKEW_COMMON_STATS_RANDOM_H_

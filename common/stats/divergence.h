// How far apart two distributions over the same classes are. Natural logarithms. All spans of one call have the same
// length and, but for counts, sum to 1.
#ifndef SKEW_COMMON_STATS_DIVERGENCE_H_
#define SKEW_COMMON_STATS_DIVERGENCE_H_

#include <cstdint>

#include "absl/types/span.h"

namespace skew::stats {

// Of all counts.
double Sum(absl::Span<const int64_t> counts);

// How likely a chi-square distributed value with these degrees of freedom (positive) is above `statistic`.
double ChiSquareTail(double statistic, double degrees);

// Half the sum of |p - q|, 0 to 1.
double TotalVariation(absl::Span<const double> p, absl::Span<const double> q);

// Kullback-Leibler divergence of p from q, sum of p log(p / q); infinite where p has a class that q has not.
double KullbackLeibler(absl::Span<const double> p, absl::Span<const double> q);

// Jensen-Shannon divergence, 0 to log 2.
double JensenShannon(absl::Span<const double> p, absl::Span<const double> q);

// Hellinger distance, 0 to 1.
double Hellinger(absl::Span<const double> p, absl::Span<const double> q);

// L2 norm of p - q (Choi et al. 2020, "Fair generative modeling via weak supervision"). A class that was not generated
// stands in p as 0.
double FairnessDiscrepancy(absl::Span<const double> p, absl::Span<const double> q);

// A goodness-of-fit test with classes - 1 degrees of freedom.
struct GoodnessOfFit {
  double statistic = 0;
  double degrees = 0;
  double p = 1;
};

// Pearson's chi-square of counts of independent images against positive shares.
GoodnessOfFit ChiSquareTest(absl::Span<const int64_t> counts, absl::Span<const double> shares);

// Likelihood ratio test, G = 2 sum of observed log(observed / expected).
GoodnessOfFit GTest(absl::Span<const int64_t> counts, absl::Span<const double> shares);

}  // namespace skew::stats

#endif  // SKEW_COMMON_STATS_DIVERGENCE_H_

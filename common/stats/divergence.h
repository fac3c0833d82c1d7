// How far apart two distributions over the same classes are. Natural logarithms. All spans of one call have the same
// length and, but for counts, sum to 1.
#ifndef SKEW_COMMON_STATS_DIVERGENCE_H_
#define SKEW_COMMON_STATS_DIVERGENCE_H_

#include <cstddef>
#include <cstdint>
#include <vector>

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

// How far the mean of some runs' shares is from what they should be, in squares (L2), without the runs' spread in it:
// for each run its jackknife pseudo-value (Tukey 1958) of the mean product of the deviations x of two different runs,
//   sum over i != j of x_i . x_j / (n (n - 1)),
// a U-statistic (Hoeffding 1948; jackknifed by Arvesen 1969). Its expectation is |E x|^2 whatever the spread, 0 for an
// unbiased generator, where the distance of the mean itself is above 0 as long as runs differ. The pseudo-values have
// it as their mean, and Student's t of them is a test that holds its level; where nothing is biased they vary more than
// need be, and it rejects less. `deviations`: of kFewestToLeaveOut runs or more, one entry a class.
inline constexpr size_t kFewestToLeaveOut = 3;
std::vector<double> SquaredDistanceValues(absl::Span<const std::vector<double>> deviations);

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

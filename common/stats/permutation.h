// Permutation tests of pairs: under the null hypothesis, swapping the two sides of any pair changes nothing.
#ifndef SKEW_COMMON_STATS_PERMUTATION_H_
#define SKEW_COMMON_STATS_PERMUTATION_H_

#include <cstdint>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/types/span.h"

namespace skew::stats {

struct PermutationTest {
  double statistic = 0;
  double p = 1;          // two-sided: by the statistic's distance from 0
  double p_greater = 1;  // against a larger statistic
  double p_less = 1;
  bool exact = false;  // every swap was tried; otherwise `rounds` random ones, and the data as they are
};

// `statistic` of a list of swapped pairs; its sign should turn when all pairs are swapped. All 2^pairs swaps are tried
// when they are at most `rounds`, otherwise that many random ones (p = (hits + 1) / (rounds + 1), Phipson & Smyth
// 2010).
PermutationTest SwapTest(size_t pairs, absl::FunctionRef<double(const std::vector<bool>& swapped)> statistic,
                         int64_t rounds, uint64_t seed);

// Fisher's test (1935) that differences of pairs are as often above as below 0. The statistic is their mean.
PermutationTest SignFlipTest(absl::Span<const double> differences, int64_t rounds, uint64_t seed);

// Whether one side of pairs varies more than the other. Pairs come in groups (at least two pairs each); the statistic
// is the mean over the groups of the logarithm of the ratio of their variances (n - 1), first over second, weighted by
// n - 1. (The ratio of summed variances is that of the group that varies most.) To either variance a hundredth of the
// sum of both is added, which swaps do not change, so that a group in which one side happens not to vary counts as one
// of ten times its standard deviation, and no more. What is swapped are the n - 1 orthonormal contrasts of each group
// (Helmert's, each value against the mean of those before it), of which the sums of squares are the variances: of
// normal pairs they are independent, however much the two sides of a pair have in common, so that swaps are exact,
// which those of residuals from the mean are not. Groups in which neither side varies say nothing; NaN when no other is
// left. All swaps are counted, as sums over the groups, where no half of the groups has more than 10 `rounds` of them
// (7 bias points of 5 iterations: 2^28 swaps, 2^16 in a half), and that many random ones otherwise.
struct PairedGroup {
  std::vector<double> first;
  std::vector<double> second;
};
// The most that a group can add to that mean by itself: log((1 + 0.01) / 0.01).
inline constexpr double kMostLogVarianceRatio = 4.615120516841259;
PermutationTest VarianceSwapTest(absl::Span<const PairedGroup> groups, int64_t rounds, uint64_t seed);

}  // namespace skew::stats

#endif  // SKEW_COMMON_STATS_PERMUTATION_H_

// How much more one side of pairs varies than the other.
#ifndef SKEW_COMMON_STATS_VARIANCE_RATIO_H_
#define SKEW_COMMON_STATS_VARIANCE_RATIO_H_

#include <optional>

#include "absl/types/span.h"
#include "common/stats/interval.h"
#include "common/stats/permutation.h"

namespace skew::stats {

// A ratio of standard deviations, first over second, and its 95% interval.
struct DeviationRatio {
  double ratio = 1;
  Interval interval;
};

// Of groups of at least two pairs: from the mean over the groups of the logarithm of the ratio of their variances
// (n - 1), weighted by n - 1. The interval is for normal values: the logarithm of the ratio of two variances with k
// degrees of freedom has the variance 2 psi'(k / 2) (Bartlett & Kendall 1946) where the two sides of a pair have
// nothing in common; what they have makes it smaller. A group in which only one side varies counts as one of ten times
// the other's standard deviation, as in VarianceSwapTest; where neither does it says nothing. Empty when no group
// varies.
std::optional<DeviationRatio> EstimateDeviationRatio(absl::Span<const PairedGroup> groups);

}  // namespace skew::stats

#endif  // SKEW_COMMON_STATS_VARIANCE_RATIO_H_

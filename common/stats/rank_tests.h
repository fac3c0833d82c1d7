// Tests on ranks. Exact where the null distribution can be counted, also with ties; otherwise by normal (Student)
// approximation, as each says. Ties get mean ranks.
#ifndef SKEW_COMMON_STATS_RANK_TESTS_H_
#define SKEW_COMMON_STATS_RANK_TESTS_H_

#include <optional>
#include <vector>

#include "absl/types/span.h"
#include "common/stats/interval.h"

namespace skew::stats {

struct RankTest {
  double statistic = 0;
  double p = 1;          // two-sided
  double p_greater = 1;  // against larger values (for pairs: above 0; for trends: rising)
  double p_less = 1;
  bool exact = false;
};

// 1 for the smallest value.
std::vector<double> Ranks(absl::Span<const double> values);

// Wilcoxon's signed-rank test (1945) of differences of pairs. The statistic is the rank sum of the positive ones;
// zeros are left out, as Wilcoxon did. Exact up to 200 differences, given the ties; above by normal approximation with
// corrections for ties and continuity. Without a difference that is not zero, p = 1.
RankTest SignedRankTest(absl::Span<const double> differences);

// The shift that belongs to it (Hodges & Lehmann 1963): the median of all means of two differences, and the 95%
// interval from the exact null distribution. The interval is absent below 6 differences, where none of 95% exists.
// Above 3000 differences: their mean and its t interval. At least one difference.
struct Shift {
  double estimate = 0;
  std::optional<Interval> interval;
};
Shift HodgesLehmann(absl::Span<const double> differences);

// Jonckheere-Terpstra test of ordered groups against a trend. The statistic J counts the pairs of values from two
// groups that are in order (ties half). Exact without ties up to 100 values; otherwise normal approximation with the
// variance for ties (Hollander & Wolfe 1999, 6.2), without continuity correction. At least two groups with values.
RankTest JonckheereTest(absl::Span<const std::vector<double>> groups);

// The slope that belongs to it (Theil 1950; Sen 1968): the median of the slopes between all pairs of points with
// different x, and of them the 95% interval of slopes that the test, of y in groups of equal x, does not reject when
// they are taken off. So it leaves out 0 where p is at most 0.05, but for ties of y. The interval is absent where the
// test cannot reject (below 5 points); its distribution is exact up to 100 points, normal above. Absent when all x are
// equal.
struct SlopeEstimate {
  double slope = 0;
  std::optional<Interval> interval;
};
std::optional<SlopeEstimate> TheilSenSlope(absl::Span<const double> x, absl::Span<const double> y);

// Spearman's rank correlation. Exact up to 9 pairs, given the ties; above by Student's t with n - 2 degrees of freedom.
// The interval is Fisher's z with the standard error of Bonett & Wright (2000), from 5 pairs on. Absent when either
// side is constant or there are fewer than 3 pairs.
struct RankCorrelation : RankTest {
  std::optional<Interval> interval;
};
std::optional<RankCorrelation> SpearmanTest(absl::Span<const double> x, absl::Span<const double> y);

// Holm's step-down adjustment (1979): controls the chance of any false rejection among the tests.
std::vector<double> HolmAdjusted(absl::Span<const double> p);

}  // namespace skew::stats

#endif  // SKEW_COMMON_STATS_RANK_TESTS_H_

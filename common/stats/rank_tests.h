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
struct TrendTest : RankTest {
  double effect = 0;  // 2 J / pairs - 1: 1 when every pair rises, -1 when every pair falls
};
TrendTest JonckheereTest(absl::Span<const std::vector<double>> groups);
// Its effect alone, at a fraction of the cost.
double JonckheereEffect(absl::Span<const std::vector<double>> groups);

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

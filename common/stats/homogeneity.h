// Whether two samples of counts come from one distribution.
#ifndef SKEW_COMMON_STATS_HOMOGENEITY_H_
#define SKEW_COMMON_STATS_HOMOGENEITY_H_

#include <cstdint>

#include "absl/types/span.h"

namespace skew::stats {

struct Homogeneity {
  double chi_square = 0;
  double chi_square_p = 1;
  double g = 0;
  double g_p = 1;
  int degrees = 0;  // of both: categories - 1, after pooling
};

// Pearson's chi-square and the likelihood ratio of the 2 x k table of two samples of independent things in the same k
// categories. Categories of which fewer than 5 are expected in either sample are pooled (Cochran's rule); nobody can
// tell samples apart that leave fewer than two categories, or an empty sample: p is 1.
Homogeneity TestHomogeneity(absl::Span<const int64_t> a, absl::Span<const int64_t> b);

}  // namespace skew::stats

#endif  // SKEW_COMMON_STATS_HOMOGENEITY_H_

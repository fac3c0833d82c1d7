// Images as points: what the measures of diversity, sharpness and memorisation work on.
#ifndef SKEW_COMMON_STATS_FEATURES_H_
#define SKEW_COMMON_STATS_FEATURES_H_

#include "absl/types/span.h"

namespace skew::stats {

// One image per row: rows x columns values, row-major; columns at least 1. Lent.
struct Features {
  absl::Span<const float> values;
  int rows = 0;
  int columns = 0;
};

}  // namespace skew::stats

#endif  // SKEW_COMMON_STATS_FEATURES_H_

// Intervals for shares of independent images: those of one run. Between runs, see student.h.
#ifndef SKEW_COMMON_STATS_PROPORTION_H_
#define SKEW_COMMON_STATS_PROPORTION_H_

#include <cstdint>
#include <vector>

#include "absl/types/span.h"
#include "common/stats/interval.h"

namespace skew::stats {

// Score interval (Wilson 1927). 0 <= successes <= trials, trials at least 1.
Interval WilsonInterval(int64_t successes, int64_t trials, double confidence = 0.95);

// Exact interval (Clopper & Pearson 1934): covers at least as often as it says. Arguments as above.
Interval ClopperPearsonInterval(int64_t successes, int64_t trials, double confidence = 0.95);

// One interval per class that hold together (Goodman 1965). At least two classes and one image.
std::vector<Interval> GoodmanIntervals(absl::Span<const int64_t> counts, double confidence = 0.95);

}  // namespace skew::stats

#endif  // SKEW_COMMON_STATS_PROPORTION_H_

// A range of values.
#ifndef SKEW_COMMON_STATS_INTERVAL_H_
#define SKEW_COMMON_STATS_INTERVAL_H_

namespace skew::stats {

struct Interval {
  double low = 0;
  double high = 0;

  bool Contains(double value) const { return low <= value && value <= high; }
};

}  // namespace skew::stats

#endif  // SKEW_COMMON_STATS_INTERVAL_H_

// Order statistics of measurements.
#ifndef SKEW_TESTS_BENCH_PERCENTILE_H_
#define SKEW_TESTS_BENCH_PERCENTILE_H_

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/str_format.h"

namespace skew {

// The smallest value that at least `share` (0 to 1) of `values` do not exceed; 0 of none.
inline double Percentile(std::vector<double> values, double share) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  const auto rank = static_cast<size_t>(share * static_cast<double>(values.size()));
  return values[std::min(rank, values.size() - 1)];
}

// "median 1.2 ms, 99% 3.4 ms" of milliseconds.
inline std::string MedianAndTail(const std::vector<double>& milliseconds) {
  return absl::StrFormat("median %.2f ms, 99%% %.2f ms", Percentile(milliseconds, 0.5), Percentile(milliseconds, 0.99));
}

}  // namespace skew

#endif  // SKEW_TESTS_BENCH_PERCENTILE_H_

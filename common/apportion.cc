#include "common/apportion.h"

#include <algorithm>
#include <cstddef>
#include <map>
#include <utility>
#include <vector>

namespace skew {

void Apportion(int64_t total, google::protobuf::Map<int32_t, int32_t>& counts) {
  const std::map<int32_t, int64_t> before(counts.begin(), counts.end());
  int64_t sum = 0;
  for (const auto& [label, count] : before) sum += std::max<int64_t>(count, 0);
  std::vector<std::pair<int64_t, int32_t>> remainders;  // negative, so that the largest comes first; label
  remainders.reserve(before.size());
  int64_t left = std::max<int64_t>(total, 0);
  for (const auto& [label, count] : before) {
    const int64_t share = sum > 0 ? std::max<int64_t>(total, 0) * std::max<int64_t>(count, 0) : 0;
    counts[label] = static_cast<int32_t>(sum > 0 ? share / sum : 0);
    left -= counts[label];
    remainders.emplace_back(sum > 0 ? -(share % sum) : 0, label);
  }
  std::sort(remainders.begin(), remainders.end());
  for (size_t i = 0; i < remainders.size() && static_cast<int64_t>(i) < left; ++i) ++counts[remainders[i].second];
}

}  // namespace skew

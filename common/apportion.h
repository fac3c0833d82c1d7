// Whole numbers in given proportions.
#ifndef SKEW_COMMON_APPORTION_H_
#define SKEW_COMMON_APPORTION_H_

#include <cstdint>

#include "google/protobuf/map.h"

namespace skew {

// Changes counts (class -> images) to ones in the same proportion that sum to `total`, by largest remainder; of equal
// remainders the smaller class has precedence. Negative counts and totals are taken for 0. All 0 when there is nothing
// to share.
void Apportion(int64_t total, google::protobuf::Map<int32_t, int32_t>& counts);

}  // namespace skew

#endif  // SKEW_COMMON_APPORTION_H_

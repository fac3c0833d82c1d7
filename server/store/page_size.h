// The sizes of lists' pages.
#ifndef SKEW_SERVER_STORE_PAGE_SIZE_H_
#define SKEW_SERVER_STORE_PAGE_SIZE_H_

#include <cstdint>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "common/status.h"

namespace skew {

// `asked`, or the default for 0. INVALID_ARGUMENT when it is not in 0..1000.
inline absl::StatusOr<int> PageSize(int32_t asked, int default_size) {
  if (asked < 0 || asked > 1000) return InvalidField("page_size", absl::StrCat(asked, " is not in 1..1000"));
  return asked == 0 ? default_size : asked;
}

}  // namespace skew

#endif  // SKEW_SERVER_STORE_PAGE_SIZE_H_

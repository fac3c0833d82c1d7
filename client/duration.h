// Durations as users write them.
#ifndef SKEW_CLIENT_DURATION_H_
#define SKEW_CLIENT_DURATION_H_

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace skew {

// "10s", "1h30m"; a bare number is seconds. INVALID_ARGUMENT with the text unless it is more than nothing and less than
// a year.
absl::StatusOr<absl::Duration> ParseTimeout(absl::string_view text);

}  // namespace skew

#endif  // SKEW_CLIENT_DURATION_H_

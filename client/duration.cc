#include "client/duration.h"

#include "absl/strings/str_cat.h"
#include "client/scalar.h"

namespace skew {

absl::StatusOr<absl::Duration> ParseTimeout(absl::string_view text) {
  absl::Duration timeout;
  const bool read = absl::ParseDuration(text, &timeout) || absl::ParseDuration(absl::StrCat(text, "s"), &timeout);
  if (read && timeout > absl::ZeroDuration() && timeout < absl::Hours(24 * 365)) return timeout;
  return absl::InvalidArgumentError(absl::StrCat(Quoted(text), " is not a duration like 10s or 2m"));
}

}  // namespace skew

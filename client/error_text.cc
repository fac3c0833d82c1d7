#include "client/error_text.h"

#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/time.h"
#include "client/text.h"
#include "common/status.h"

namespace skew {

std::string ErrorText(const absl::Status& status, absl::string_view spec_source) {
  std::string text;
  const std::vector<v1::FieldViolation> violations = FieldViolations(status);
  const std::string prefix = spec_source.empty() ? "skewctl: " : absl::StrCat(spec_source, ": ");
  for (const v1::FieldViolation& one : violations) {
    const std::string field = one.field().empty() ? "" : absl::StrCat(one.field(), ": ");
    absl::StrAppend(&text, prefix, Printable(absl::StrCat(field, one.description())), "\n");
  }
  if (!violations.empty()) return text;
  const absl::string_view message = status.message().empty() ? "unknown error" : status.message();
  for (const absl::string_view line : absl::StrSplit(message, '\n')) {
    // What begins with a place in the file stays as it is, so that editors find the place.
    const bool placed = !spec_source.empty() && absl::StartsWith(line, absl::StrCat(spec_source, ":"));
    absl::StrAppend(&text, placed ? "" : "skewctl: ", Printable(line), "\n");
  }
  if (const auto delay = RetryDelay(status); delay.has_value()) {
    absl::StrAppend(&text, "skewctl: try again in ", absl::FormatDuration(*delay), " or later\n");
  }
  return text;
}

}  // namespace skew

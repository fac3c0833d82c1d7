// Errors as skewctl shows them.
#ifndef SKEW_CLIENT_ERROR_TEXT_H_
#define SKEW_CLIENT_ERROR_TEXT_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace skew {

// One line, or more, with line ends: "skewctl: message"; or, when `status` carries field violations, one line
// "spec.yaml: bias.varied.counts[2]: ..." for each, where `spec_source` names the spec (it may be empty). Lines of a
// message that begin with `spec_source` and a colon get no second name.
std::string ErrorText(const absl::Status& status, absl::string_view spec_source);

}  // namespace skew

#endif  // SKEW_CLIENT_ERROR_TEXT_H_

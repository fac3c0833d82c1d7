// Secrets that a user types or pipes in: never from the command line, which every login of the machine can read.
#ifndef SKEW_CLIENT_SECRET_INPUT_H_
#define SKEW_CLIENT_SECRET_INPUT_H_

#include <istream>
#include <ostream>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace skew {

// The next line of `in` without blanks around it. When standard input is a terminal, `prompt` is written to `err` first
// and what is typed is not shown. INVALID_ARGUMENT when the line is empty or missing.
absl::StatusOr<std::string> ReadSecret(absl::string_view prompt, std::istream& in, std::ostream& err);

}  // namespace skew

#endif  // SKEW_CLIENT_SECRET_INPUT_H_

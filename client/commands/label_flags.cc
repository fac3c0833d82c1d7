#include "client/commands/label_flags.h"

#include "absl/strings/str_cat.h"
#include "client/scalar.h"

namespace skew {

void AddLabelFlag(CLI::App& command, std::vector<std::string>& labels) {
  command.add_option("--label", labels, "KEY=VALUE; all of several")->allow_extra_args(false);
}

absl::Status ReadLabels(const std::vector<std::string>& labels, v1::JobFilter& filter) {
  for (const std::string& label : labels) {
    const size_t equals = label.find('=');
    if (equals == std::string::npos || equals == 0) {
      return absl::InvalidArgumentError(absl::StrCat("--label: ", Quoted(label), " is not KEY=VALUE"));
    }
    (*filter.mutable_labels())[label.substr(0, equals)] = label.substr(equals + 1);
  }
  return absl::OkStatus();
}

}  // namespace skew

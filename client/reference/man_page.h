// Manual pages from command definitions.
#ifndef SKEW_CLIENT_REFERENCE_MAN_PAGE_H_
#define SKEW_CLIENT_REFERENCE_MAN_PAGE_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "client/reference/command_doc.h"

namespace skew {

struct ManPage {
  // Without a section: "skewctl", "skewctl-token-create".
  std::string name;
  // In the man(7) language.
  std::string text;
};

// One page for the program and one for each command and subcommand, the program's first. `date` stands in the footer.
std::vector<ManPage> ManPages(const CommandDoc& program, absl::string_view version, absl::Time date);

}  // namespace skew

#endif  // SKEW_CLIENT_REFERENCE_MAN_PAGE_H_

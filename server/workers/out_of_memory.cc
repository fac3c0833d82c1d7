#include "server/workers/out_of_memory.h"

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/file.h"

namespace skew {
namespace {

// The files that may tell, the most exact first. Lines of /proc/self/cgroup are "0::/path" or, of the first version,
// "4:memory:/path".
std::vector<std::string> Sources() {
  std::vector<std::string> files;
  const absl::StatusOr<std::string> groups = ReadFile("/proc/self/cgroup");
  for (const absl::string_view line : absl::StrSplit(groups.value_or(""), '\n')) {
    const std::vector<absl::string_view> parts = absl::StrSplit(line, absl::MaxSplits(':', 2));
    if (parts.size() != 3) continue;
    if (parts[1].empty()) files.push_back(absl::StrCat("/sys/fs/cgroup", parts[2], "/memory.events"));
    if (parts[1] == "memory") files.push_back(absl::StrCat("/sys/fs/cgroup/memory", parts[2], "/memory.oom_control"));
  }
  files.push_back("/proc/vmstat");
  return files;
}

}  // namespace

std::optional<int64_t> ParseOutOfMemoryKills(absl::string_view text) {
  for (const absl::string_view line : absl::StrSplit(text, '\n')) {
    const std::vector<absl::string_view> words = absl::StrSplit(line, ' ');
    int64_t count = 0;
    if (words.size() == 2 && words[0] == "oom_kill" && absl::SimpleAtoi(words[1], &count)) return count;
  }
  return std::nullopt;
}

int64_t CountOutOfMemoryKills() {
  for (const std::string& file : Sources()) {
    if (const auto count = ParseOutOfMemoryKills(ReadFile(file).value_or("")); count.has_value()) return *count;
  }
  return 0;
}

}  // namespace skew

// How a worker that has lost its daemon says so to whoever comes after.
#ifndef SKEW_COMMON_WORKER_EXIT_H_
#define SKEW_COMMON_WORKER_EXIT_H_

#include <cstdint>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace skew {

// Exit code of a worker that lost its daemon; the run can go on from its checkpoint.
inline constexpr int kExitDaemonLost = 75;

// The empty file that such a worker leaves in its work folder: only the daemon that started it learns the exit code.
inline std::string DaemonLostNote(absl::string_view work_dir, int32_t attempt) {
  return absl::StrCat(work_dir, "/daemon-lost.", attempt);
}

}  // namespace skew

#endif  // SKEW_COMMON_WORKER_EXIT_H_

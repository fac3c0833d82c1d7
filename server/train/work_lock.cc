#include "server/train/work_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/clock.h"
#include "common/file.h"

namespace skew::train {
namespace {

constexpr absl::Duration kBetweenTries = absl::Milliseconds(50);

}  // namespace

absl::StatusOr<WorkLock> WorkLock::Acquire(const std::string& folder, absl::Duration patience,
                                           const StopRequest& stop) {
  const std::string path = absl::StrCat(folder, "/lock");
  const int file = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (file < 0) return SystemError(errno, absl::StrCat("cannot open ", path));
  WorkLock lock(file);
  RealClock clock;
  const absl::Time deadline = clock.Now() + patience;
  while (flock(file, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK && errno != EINTR) return SystemError(errno, absl::StrCat("cannot lock ", path));
    // The kernel offers no wait for it with a deadline.
    if (clock.Now() >= deadline) return absl::UnavailableError(absl::StrCat(path, " is held by another worker"));
    if (stop.AwaitRaised(kBetweenTries)) return absl::CancelledError(absl::StrCat("gave up waiting for ", path));
  }
  return lock;
}

WorkLock::WorkLock(WorkLock&& other) noexcept : file_(std::exchange(other.file_, -1)) {}

WorkLock::~WorkLock() {
  if (file_ >= 0) close(file_);
}

}  // namespace skew::train

#include "server/store/state_dir.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/file.h"
#include "common/status.h"

namespace skew {
namespace {

namespace fs = std::filesystem;

absl::Status MakeFolder(const std::string& path) {
  if (mkdir(path.c_str(), 0700) == 0 || errno == EEXIST) return absl::OkStatus();
  return SystemError(errno, absl::StrCat("cannot create ", path));
}

// The folder and those it is in, which are to be there after a loss of power, too.
absl::Status MakeRoot(const fs::path& root) {
  std::error_code error;
  const fs::path parent = root.parent_path();
  if (parent != root && !fs::exists(parent, error)) SKEW_RETURN_IF_ERROR(MakeRoot(parent));
  SKEW_RETURN_IF_ERROR(MakeFolder(root.string()));
  const absl::Status synced = SyncPath(parent.string());
  return absl::IsPermissionDenied(synced) ? absl::OkStatus() : synced;  // a folder of others that may not be read
}

// Whatever mode a folder of ours was made with: jobs, tokens' digests and sockets are in it.
absl::Status KeepToOurselves(const std::string& root) {
  struct stat info {};
  if (stat(root.c_str(), &info) != 0) return SystemError(errno, absl::StrCat("cannot look at ", root));
  if (info.st_uid != geteuid() || (info.st_mode & 0077) == 0) return absl::OkStatus();
  return chmod(root.c_str(), 0700) == 0 ? absl::OkStatus()
                                        : SystemError(errno, absl::StrCat("cannot keep others out of ", root));
}

}  // namespace

absl::StatusOr<StateDir> StateDir::Open(const std::string& path) {
  std::error_code error;
  std::string root = fs::absolute(path, error).lexically_normal().string();
  if (root.size() > 1 && root.back() == '/') root.pop_back();
  constexpr size_t kLongestSocket = sizeof(sockaddr_un::sun_path) - sizeof("/skewd.sock");
  if (root.size() > kLongestSocket) {
    return absl::InvalidArgumentError(absl::StrCat("state directory ", root, " is longer than ", kLongestSocket,
                                                   " bytes, so that the sockets in it could not be reached"));
  }
  SKEW_RETURN_IF_ERROR(MakeRoot(root));
  for (const char* folder : {"/artifacts", "/backups", "/datasets", "/logs", "/quarantine", "/work"}) {
    SKEW_RETURN_IF_ERROR(MakeFolder(absl::StrCat(root, folder)));
  }
  SKEW_RETURN_IF_ERROR(SyncPath(root));
  const std::string lock = absl::StrCat(root, "/lock");
  const int fd = open(lock.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) return SystemError(errno, absl::StrCat("cannot open ", lock));
  if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
    close(fd);
    return absl::FailedPreconditionError(absl::StrCat("another skewd is running on ", root));
  }
  StateDir dir(root, fd);
  SKEW_RETURN_IF_ERROR(KeepToOurselves(root));
  return dir;
}

StateDir::~StateDir() {
  if (lock_fd_ >= 0) close(lock_fd_);
}

StateDir::StateDir(StateDir&& other) noexcept
    : root_(std::move(other.root_)), lock_fd_(std::exchange(other.lock_fd_, -1)) {}

}  // namespace skew

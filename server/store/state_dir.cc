#include "server/store/state_dir.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"
#include "common/file.h"
#include "common/status.h"
#include "spdlog/spdlog.h"

namespace skew {
namespace {

namespace fs = std::filesystem;

constexpr std::array<absl::string_view, 6> kFolders = {"artifacts", "backups",    "datasets",
                                                       "logs",      "quarantine", "work"};

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

// The mode of a folder of ours into which others may look; 0 of any other.
absl::StatusOr<mode_t> ModeForOthers(const std::string& root) {
  struct stat info {};
  if (stat(root.c_str(), &info) != 0) return SystemError(errno, absl::StrCat("cannot look at ", root));
  return info.st_uid == geteuid() && (info.st_mode & 0077) != 0 ? info.st_mode & 07777 : 0;
}

bool IsOurs(const std::string& name) {
  return name == "lock" || absl::StartsWith(name, "skew") ||
         std::find(kFolders.begin(), kFolders.end(), name) != kFolders.end();
}

// Others are kept out of a state directory, and so they would be of what else is in it.
absl::Status CheckFolder(const std::string& root) {
  SKEW_ASSIGN_OR_RETURN(const mode_t mode, ModeForOthers(root));
  std::error_code error;
  if (mode == 0 || fs::exists(root + "/lock", error)) return absl::OkStatus();
  for (const fs::directory_entry& entry : fs::directory_iterator(root, error)) {
    const std::string name = entry.path().filename().string();
    if (IsOurs(name)) continue;
    return absl::FailedPreconditionError(
        absl::StrFormat("%s has other things in it (%s), and is open to other users (mode %04o): name a folder for the "
                        "server alone, or \"chmod 700\" this one",
                        root, name, mode));
  }
  return absl::OkStatus();
}

// Whatever mode it was made with: jobs, tokens' digests and sockets are in it.
absl::Status KeepToOurselves(const std::string& root) {
  SKEW_ASSIGN_OR_RETURN(const mode_t mode, ModeForOthers(root));
  if (mode == 0) return absl::OkStatus();
  if (chmod(root.c_str(), 0700) != 0) return SystemError(errno, absl::StrCat("cannot keep others out of ", root));
  spdlog::warn("{} was open to other users ({}), and is not any more (0700)", root, absl::StrFormat("%04o", mode));
  return absl::OkStatus();
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
  SKEW_RETURN_IF_ERROR(CheckFolder(root));
  for (const absl::string_view folder : kFolders) {
    SKEW_RETURN_IF_ERROR(MakeFolder(absl::StrCat(root, "/", folder)));
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

#include "common/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "common/status.h"

namespace skew {
namespace {

absl::Status Error(absl::string_view what, const std::string& path) {
  return SystemError(errno, absl::StrCat("cannot ", what, " ", path));
}

absl::Status WriteAll(int fd, absl::string_view content, const std::string& path) {
  while (!content.empty()) {
    const ssize_t written = write(fd, content.data(), content.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return Error("write", path);
    content.remove_prefix(static_cast<size_t>(written));
  }
  return absl::OkStatus();
}

absl::Status WriteAndSync(const std::string& path, absl::string_view content) {
  const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) return Error("create", path);
  absl::Status status = WriteAll(fd, content, path);
  if (status.ok() && fsync(fd) != 0) status = Error("sync", path);
  if (close(fd) != 0 && status.ok()) status = Error("close", path);
  return status;
}

std::string FolderOf(const std::string& path) {
  const std::string folder = std::filesystem::path(path).parent_path().string();
  return folder.empty() ? "." : folder;
}

}  // namespace

absl::Status SystemError(int error, absl::string_view message) {
  switch (error) {
    case ENOSPC:
    case EDQUOT:
      return absl::ResourceExhaustedError(absl::StrCat(message, ": disk full"));
    case EIO:
    case EROFS:
    case EMFILE:
    case ENFILE:
    case ENOMEM:
    case EAGAIN:
      return absl::UnavailableError(absl::StrCat(message, ": ", std::strerror(error)));
    default:
      return absl::ErrnoToStatus(error, message);
  }
}

absl::StatusOr<std::string> ReadFile(const std::string& path, size_t max_bytes) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return Error("open", path);
  const absl::Cleanup closer = [fd] { close(fd); };
  std::string content;
  std::string buffer(size_t{1} << 16, '\0');
  while (true) {
    const ssize_t count = read(fd, buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return Error("read", path);
    if (count == 0) return content;
    content.append(buffer, 0, static_cast<size_t>(count));
    if (content.size() > max_bytes) {
      return absl::ResourceExhaustedError(absl::StrCat(path, " is longer than ", max_bytes, " bytes"));
    }
  }
}

absl::Status WriteFileAtomically(const std::string& path, absl::string_view content) {
  const std::string temporary = absl::StrCat(path, ".tmp", getpid());
  absl::Status status = WriteAndSync(temporary, content);
  if (status.ok()) status = MoveFile(temporary, path);
  if (!status.ok()) unlink(temporary.c_str());
  return status;
}

absl::Status SyncPath(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return Error("open", path);
  const absl::Cleanup closer = [fd] { close(fd); };
  if (fsync(fd) != 0) return Error("sync", path);
  return absl::OkStatus();
}

absl::Status MoveFile(const std::string& from, const std::string& to) {
  if (std::rename(from.c_str(), to.c_str()) != 0) return Error(absl::StrCat("move ", from, " to"), to);
  return SyncPath(FolderOf(to));
}

absl::Status RenameToNew(const std::string& from, const std::string& to) {
  if (renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) == 0) return absl::OkStatus();
  // Some file systems cannot: then what comes between the two is lost, unless it is a folder with something in it.
  struct stat there;
  if (errno == EINVAL && lstat(to.c_str(), &there) == 0) errno = EEXIST;
  if (errno == EINVAL && std::rename(from.c_str(), to.c_str()) == 0) return absl::OkStatus();
  return Error(absl::StrCat("move ", from, " to"), to);
}

}  // namespace skew

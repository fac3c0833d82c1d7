#include "client/local_file.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "common/file.h"
#include "common/status.h"

namespace skew {
namespace {

absl::Status CheckFolder(const std::filesystem::path& folder, absl::string_view asked_for) {
  if (access(folder.c_str(), W_OK | X_OK) == 0 && std::filesystem::is_directory(folder)) return absl::OkStatus();
  return absl::UnknownError(
      absl::StrCat("cannot write ", asked_for, ": ",
                   errno == ENOENT ? "there is no folder " : "not a folder to write in: ", folder.string()));
}

std::filesystem::path FolderOf(const std::filesystem::path& path) {
  return path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
}

}  // namespace

absl::Status WritePrivateFile(const std::string& path, absl::string_view content) {
  absl::Status status = WriteFileAtomically(path, content);
  if (status.ok()) return status;
  // Nobody asked for the file that is renamed to it.
  return absl::UnknownError(absl::StrReplaceAll(status.message(), {{absl::StrCat(path, ".tmp", getpid()), path}}));
}

absl::Status WriteOutputFile(const std::string& path, absl::string_view content) {
  SKEW_RETURN_IF_ERROR(WritePrivateFile(path, content));
  const mode_t mask = umask(0);
  umask(mask);
  if (chmod(path.c_str(), 0666 & ~mask) != 0)
    return absl::UnknownError(absl::StrCat("cannot change the mode of ", path));
  return absl::OkStatus();
}

absl::Status CheckOutputFile(const std::string& path) {
  if (std::error_code ignored; std::filesystem::is_directory(path, ignored)) {
    return absl::UnknownError(absl::StrCat("cannot write ", path, ": it is a folder"));
  }
  return CheckFolder(FolderOf(path), path);
}

absl::Status CheckOutputFolder(const std::string& path) {
  std::filesystem::path there = path;
  std::error_code ignored;
  while (!std::filesystem::exists(there, ignored) && there != FolderOf(there)) there = FolderOf(there);
  return CheckFolder(there, path);
}

}  // namespace skew

#include "server/store/stored_file.h"

#include <filesystem>

#include "absl/strings/str_cat.h"
#include "common/digest.h"
#include "common/file.h"
#include "common/status.h"

namespace skew {
namespace {

namespace fs = std::filesystem;

absl::Status CopyBytes(const std::string& from, const std::string& to) {
  std::error_code error;
  fs::create_directories(fs::path(to).parent_path(), error);
  if (!error) fs::copy_file(from, to, fs::copy_options::overwrite_existing, error);
  if (!error) return SyncPath(to);
  return SystemError(error.value(), absl::StrCat("cannot copy ", from, " to ", to));
}

}  // namespace

std::string StoredName(const std::string& digest) { return absl::StrCat(digest.substr(0, 2), "/", digest); }

absl::Status CheckContent(const std::string& path, const StoredContent& content) {
  SKEW_ASSIGN_OR_RETURN(const std::string actual, Sha256HexOfFile(path));
  if (actual != content.digest) {
    return absl::DataLossError(absl::StrCat(path, " has digest ", actual, " instead of ", content.digest));
  }
  std::error_code error;
  const auto size = static_cast<int64_t>(fs::file_size(path, error));
  if (!error && size == content.size_bytes) return absl::OkStatus();
  return absl::DataLossError(absl::StrCat(path, " has ", size, " bytes instead of ", content.size_bytes));
}

absl::Status CopyContent(const std::string& from, const std::string& to, const StoredContent& content) {
  absl::Status status = CopyBytes(from, to);
  if (status.ok()) status = CheckContent(to, content);
  std::error_code ignored;
  if (!status.ok()) fs::remove(to, ignored);
  return status;
}

absl::Status SyncFolders(const std::string& folder) {
  SKEW_RETURN_IF_ERROR(SyncPath(folder));
  std::error_code error;
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(folder, error)) {
    if (entry.is_directory()) SKEW_RETURN_IF_ERROR(SyncPath(entry.path().string()));
  }
  if (error) return SystemError(error.value(), absl::StrCat("cannot read ", folder));
  return absl::OkStatus();
}

}  // namespace skew

#include "client/download.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/file.h"
#include "common/status.h"

namespace skew {
namespace {

// UNKNOWN, because a missing folder here is not what NOT_FOUND means in an answer of the server.
absl::Status CannotWrite(const std::string& path) {
  return absl::UnknownError(absl::StrCat("cannot write ", path, ": ", std::strerror(errno)));
}

absl::Status AsUnknown(const absl::Status& status) {
  return status.ok() ? status : absl::UnknownError(status.message());
}

}  // namespace

absl::StatusOr<Download> Download::Create(std::string path) {
  Download download(std::move(path));
  download.file_.open(download.part_, std::ios::binary | std::ios::trunc);
  if (!download.file_.is_open()) return CannotWrite(download.part_);
  return download;
}

Download::~Download() {
  if (file_.is_open()) std::remove(part_.c_str());
}

absl::Status Download::Add(absl::string_view data) {
  file_.write(data.data(), static_cast<std::streamsize>(data.size()));
  return file_ ? absl::OkStatus() : CannotWrite(part_);
}

absl::Status Download::Commit() {
  file_.flush();
  if (!file_) return CannotWrite(part_);
  SKEW_RETURN_IF_ERROR(AsUnknown(SyncPath(part_)));
  SKEW_RETURN_IF_ERROR(AsUnknown(MoveFile(part_, path_)));
  file_.close();
  return absl::OkStatus();
}

}  // namespace skew

#include "client/fetch.h"

#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <string>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "client/scalar.h"
#include "common/file.h"
#include "common/status.h"

namespace skew {
namespace {

absl::Status CannotWrite(const std::string& path) {
  // A folder that is not there is no answer of the server; its NOT_FOUND has an exit code of its own.
  return absl::UnknownError(absl::ErrnoToStatus(errno, absl::StrCat("cannot write ", path)).message());
}

}  // namespace

absl::StatusOr<std::string> FetchPath(const std::string& name, const std::string& out) {
  std::error_code error;
  const bool folder = std::filesystem::is_directory(out, error);
  if (!out.empty() && !folder) return out;
  if (name.find('/') != std::string::npos || name == "." || name == "..") {
    return absl::InvalidArgumentError(absl::StrCat(Quoted(name), " is no file name here; use --out FILE"));
  }
  return folder ? (std::filesystem::path(out) / name).string() : name;
}

absl::StatusOr<v1::Artifact> FetchToFile(Client& client, const std::string& run_id, const std::string& name,
                                         const std::string& path) {
  const std::string part = absl::StrCat(path, ".part");
  std::FILE* file = std::fopen(part.c_str(), "wbe");
  if (file == nullptr) return CannotWrite(part);
  absl::Cleanup discard = [&] {
    if (file != nullptr) std::fclose(file);
    unlink(part.c_str());
  };
  SKEW_ASSIGN_OR_RETURN(v1::Artifact artifact, client.ReadArtifact(run_id, name, [&](absl::string_view data) {
    return std::fwrite(data.data(), 1, data.size(), file) == data.size() ? absl::OkStatus() : CannotWrite(part);
  }));
  const bool closed = std::fclose(file) == 0;
  file = nullptr;
  if (!closed) return CannotWrite(part);
  SKEW_RETURN_IF_ERROR(SyncPath(part));
  SKEW_RETURN_IF_ERROR(MoveFile(part, path));
  std::move(discard).Cancel();
  return artifact;
}

}  // namespace skew

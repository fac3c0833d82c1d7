#include "server/train/artifacts.h"

#include <cstdint>
#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "common/digest.h"
#include "common/file.h"
#include "common/status.h"
#include "server/train/eval/sample_grid.h"
#include "spdlog/spdlog.h"

namespace skew::train {
namespace {

constexpr absl::Duration kRetryInterval = absl::Seconds(1);

}  // namespace

absl::Status Artifacts::Add(const std::string& name, const std::string& media_type, absl::string_view content) {
  return AddFile(name, media_type, [&](const std::string& path) { return WriteFileAtomically(path, content); });
}

absl::Status Artifacts::AddGrid(const std::string& name, const at::Tensor& images, int columns) {
  return AddFile(name, "image/png", [&](const std::string& path) { return WriteSampleGrid(path, images, columns); });
}

absl::Status Artifacts::AddFile(const std::string& name, const std::string& media_type,
                                absl::FunctionRef<absl::Status(const std::string& path)> write) {
  const std::string path = absl::StrCat(folder_, "/", name);
  absl::Status status = write(path);
  if (MayPass(status)) spdlog::warn("{} waits: {}", name, std::string(status.message()));
  while (MayPass(status)) {
    if (stop_->AwaitRaised(kRetryInterval)) return absl::OkStatus();
    status = write(path);
  }
  return status.ok() ? HandOver(path, name, media_type) : status;
}

absl::Status Artifacts::HandOver(const std::string& path, const std::string& name, const std::string& media_type) {
  SKEW_ASSIGN_OR_RETURN(const std::string digest, Sha256HexOfFile(path));
  std::error_code error;
  const auto size = std::filesystem::file_size(path, error);
  if (error) return SystemError(error.value(), absl::StrCat("cannot look at ", path));
  worker::v1::Report report;
  worker::v1::NewArtifact& artifact = *report.mutable_artifact();
  artifact.set_file(name);
  artifact.set_name(name);
  artifact.set_media_type(media_type);
  artifact.set_digest(digest);
  artifact.set_size_bytes(static_cast<int64_t>(size));
  session_->Send(std::move(report));
  return absl::OkStatus();
}

}  // namespace skew::train

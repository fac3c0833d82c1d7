#include "server/train/artifacts.h"

#include <cstdint>
#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/digest.h"
#include "common/file.h"
#include "common/status.h"
#include "server/train/eval/sample_grid.h"

namespace skew::train {
absl::Status Artifacts::Add(const std::string& name, const std::string& media_type, absl::string_view content) {
  SKEW_RETURN_IF_ERROR(WriteFileAtomically(PathOf(name), content));
  return HandOver(name, media_type);
}

absl::Status Artifacts::AddGrid(const std::string& name, const at::Tensor& images, int columns) {
  SKEW_RETURN_IF_ERROR(WriteSampleGrid(PathOf(name), images, columns));
  return HandOver(name, "image/png");
}

absl::Status Artifacts::HandOver(const std::string& name, const std::string& media_type) {
  SKEW_ASSIGN_OR_RETURN(const std::string digest, Sha256HexOfFile(PathOf(name)));
  std::error_code error;
  const auto size = std::filesystem::file_size(PathOf(name), error);
  if (error) return absl::InternalError(absl::StrCat(PathOf(name), ": ", error.message()));
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

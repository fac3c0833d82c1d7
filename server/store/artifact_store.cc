#include "server/store/artifact_store.h"

#include <filesystem>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/digest.h"
#include "common/file.h"
#include "common/proto_time.h"
#include "common/status.h"
#include "server/store/job_rows.h"

namespace skew {
namespace {

namespace fs = std::filesystem;

absl::Status CheckContent(const std::string& path, const std::string& digest) {
  SKEW_ASSIGN_OR_RETURN(const std::string actual, Sha256HexOfFile(path));
  if (actual == digest) return absl::OkStatus();
  return absl::DataLossError(absl::StrCat(path, " has digest ", actual, " instead of ", digest));
}

}  // namespace

std::string ArtifactStore::PathOf(const std::string& digest) const {
  return absl::StrCat(folder_, "/", digest.substr(0, 2), "/", digest);
}

absl::Status ArtifactStore::Import(const std::string& path, const std::string& digest, int64_t size_bytes) {
  if (!IsSha256Hex(digest)) return absl::InvalidArgumentError(absl::StrCat("'", digest, "' is not a SHA-256 digest"));
  const std::string target = PathOf(digest);
  std::error_code error;
  if (fs::exists(target, error)) {
    fs::remove(path, error);
    return absl::OkStatus();
  }
  SKEW_RETURN_IF_ERROR(CheckContent(path, digest));
  if (const auto size = static_cast<int64_t>(fs::file_size(path, error)); error || size != size_bytes) {
    return absl::DataLossError(absl::StrCat(path, " has ", size, " bytes instead of ", size_bytes));
  }
  fs::create_directories(fs::path(target).parent_path(), error);
  if (error) return absl::InternalError(absl::StrCat("cannot create the folder of ", target, ": ", error.message()));
  SKEW_RETURN_IF_ERROR(SyncPath(path));
  SKEW_RETURN_IF_ERROR(MoveFile(path, target));
  return SyncPath(folder_);
}

absl::StatusOr<std::vector<v1::Artifact>> ArtifactStore::List(JobId job) {
  std::vector<v1::Artifact> artifacts;
  SKEW_RETURN_IF_ERROR(connections_->Read([&](Database& db) -> absl::Status {
    SKEW_ASSIGN_OR_RETURN(artifacts, ReadArtifacts(db, job, 0));
    return absl::OkStatus();
  }));
  return artifacts;
}

absl::StatusOr<std::vector<v1::Artifact>> ArtifactStore::List(RunId run) {
  std::vector<v1::Artifact> artifacts;
  SKEW_RETURN_IF_ERROR(connections_->Read([&](Database& db) -> absl::Status {
    SKEW_RETURN_IF_ERROR(ReadRunState(db, run).status());
    SKEW_ASSIGN_OR_RETURN(artifacts, ReadArtifacts(db, run.job, run.number));
    return absl::OkStatus();
  }));
  return artifacts;
}

absl::StatusOr<v1::Artifact> ArtifactStore::Find(RunId run, const std::string& name) {
  SKEW_ASSIGN_OR_RETURN(const std::vector<v1::Artifact> artifacts, List(run));
  for (const v1::Artifact& artifact : artifacts) {
    if (artifact.name() != name) continue;
    const absl::Status content = CheckContent(PathOf(artifact.digest()), artifact.digest());
    if (content.ok()) return artifact;
    return absl::DataLossError(
        absl::StrCat("artifact ", name, " of run ", run.ToString(), " is damaged: ", content.message()));
  }
  return absl::NotFoundError(absl::StrCat("run ", run.ToString(), " has no artifact '", name, "'"));
}

}  // namespace skew

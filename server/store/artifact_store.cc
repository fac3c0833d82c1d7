#include "server/store/artifact_store.h"

#include <filesystem>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/digest.h"
#include "common/file.h"
#include "common/status.h"
#include "server/store/job_rows.h"

namespace skew {
namespace {

namespace fs = std::filesystem;

absl::Status Damaged(RunId run, const std::string& name, const std::string& problem) {
  return absl::DataLossError(absl::StrCat(
      "artifact ", name, " of run ", run.ToString(), " is damaged and in quarantine: ", problem,
      ". Train the run again (skewctl submit --no-reuse), or have an admin put the file back from a backup ('skewctl "
      "admin quarantine' says which) and run 'skewctl admin check': the same content comes out of quarantine"));
}

// The file, its name in its folder, and that one's name.
absl::Status SyncInPlace(const std::string& path) {
  const fs::path folder = fs::path(path).parent_path();
  SKEW_RETURN_IF_ERROR(SyncPath(path));
  SKEW_RETURN_IF_ERROR(SyncPath(folder.string()));
  return SyncPath(folder.parent_path().string());
}

}  // namespace

absl::StatusOr<std::optional<StoredContent>> NextContent(Database& db, const std::string& digest) {
  Statement row = db.Prepare("SELECT digest, size_bytes FROM artifacts WHERE digest > ? ORDER BY digest LIMIT 1");
  row.Bind(digest);
  std::optional<StoredContent> next;
  if (row.Step()) next = StoredContent{row.Text(0), row.Int(1)};
  SKEW_RETURN_IF_ERROR(row.status());
  return next;
}

std::string ArtifactStore::PathOf(const std::string& digest) const {
  return absl::StrCat(folder_, "/", StoredName(digest));
}

absl::Status ArtifactStore::Import(const std::string& path, const std::string& digest, int64_t size_bytes) {
  if (!IsSha256Hex(digest)) return absl::InvalidArgumentError(absl::StrCat("'", digest, "' is not a SHA-256 digest"));
  const StoredContent content{digest, size_bytes};
  const std::string target = PathOf(digest);
  std::error_code error;
  if (fs::exists(target, error)) {
    const absl::StatusOr<Inspection> there = Inspect(content);
    // Who put it there may have died before he synchronised it.
    if (there.ok() && there->problem.empty()) return SyncInPlace(target);
    if (!there.ok() && !absl::IsNotFound(there.status())) return there.status();
  }
  const absl::Status given = CheckContent(path, content);
  if (absl::IsDataLoss(given) || absl::IsNotFound(given)) return absl::InvalidArgumentError(given.message());
  SKEW_RETURN_IF_ERROR(given);
  fs::create_directories(fs::path(target).parent_path(), error);
  if (error) return SystemError(error.value(), absl::StrCat("cannot create the folder of ", target));
  SKEW_RETURN_IF_ERROR(SyncPath(path));
  absl::MutexLock lock(&mutex_);
  SKEW_RETURN_IF_ERROR(MoveFile(path, target));
  SKEW_RETURN_IF_ERROR(SyncPath(folder_));
  SKEW_ASSIGN_OR_RETURN(const bool damaged_before, quarantine_.Has(digest));
  return damaged_before ? quarantine_.Release(digest) : absl::OkStatus();
}

absl::Status ArtifactStore::CheckPresence(const std::string& digest) {
  SKEW_ASSIGN_OR_RETURN(const bool damaged, quarantine_.Has(digest));
  if (damaged) return absl::DataLossError(absl::StrCat("the content ", digest, " is damaged and in quarantine"));
  std::error_code error;
  if (fs::exists(PathOf(digest), error)) return absl::OkStatus();
  if (error) return SystemError(error.value(), absl::StrCat("cannot look for ", PathOf(digest)));
  return absl::NotFoundError(absl::StrCat(PathOf(digest), " is not there"));
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
    if (!artifact.problem().empty()) return Damaged(run, name, artifact.problem());
    const absl::StatusOr<Inspection> found = Inspect({artifact.digest(), artifact.size_bytes()});
    if (absl::IsNotFound(found.status())) break;
    SKEW_RETURN_IF_ERROR(found.status());
    if (!found->problem.empty()) return Damaged(run, name, found->problem);
    return artifact;
  }
  return absl::NotFoundError(absl::StrCat("run ", run.ToString(), " has no artifact '", name, "'"));
}

absl::StatusOr<ArtifactStore::Inspection> ArtifactStore::Inspect(const StoredContent& content) {
  absl::MutexLock lock(&mutex_);
  const std::string path = PathOf(content.digest);
  const absl::Status whole = CheckContent(path, content);
  SKEW_ASSIGN_OR_RETURN(const bool in_quarantine, quarantine_.Has(content.digest));
  if (whole.ok()) {
    if (!in_quarantine) return Inspection{};
    SKEW_RETURN_IF_ERROR(SyncInPlace(path));
    SKEW_RETURN_IF_ERROR(quarantine_.Release(content.digest));
    return Inspection{"", true};
  }
  // Whatever keeps it from being read may pass, and is nobody's who asks for it.
  if (!absl::IsDataLoss(whole) && !absl::IsNotFound(whole)) return absl::UnavailableError(whole.message());
  const std::string problem(absl::IsNotFound(whole) ? "its file is missing" : whole.message());
  if (!in_quarantine || absl::IsDataLoss(whole)) {
    SKEW_RETURN_IF_ERROR(quarantine_.Take(content.digest, path, problem));
  }
  return Inspection{problem, !in_quarantine};
}

absl::StatusOr<v1::CheckArtifactsResponse> ArtifactStore::CheckAll(absl::FunctionRef<bool()> go_on,
                                                                   const Actor& actor) {
  v1::CheckArtifactsResponse response;
  std::optional<StoredContent> next = StoredContent{};
  while (true) {
    SKEW_RETURN_IF_ERROR(connections_->Read([&](Database& db) -> absl::Status {
      SKEW_ASSIGN_OR_RETURN(next, NextContent(db, next->digest));
      return absl::OkStatus();
    }));
    if (!next.has_value()) break;
    if (!go_on()) return absl::CancelledError(absl::StrCat("after ", response.checked(), " contents"));
    const absl::StatusOr<Inspection> inspected = Inspect(*next);
    if (absl::IsNotFound(inspected.status())) continue;  // removed meanwhile
    SKEW_RETURN_IF_ERROR(inspected.status());
    const Inspection& found = *inspected;
    response.set_checked(response.checked() + 1);
    response.set_checked_bytes(response.checked_bytes() + next->size_bytes);
    if (!found.problem.empty()) response.set_quarantined(response.quarantined() + 1);
    if (found.changed) (found.problem.empty() ? response.add_healed() : response.add_damaged())->assign(next->digest);
  }
  SKEW_RETURN_IF_ERROR(connections_->Write(clock_->Now(), [&](WriteScope& scope) {
    return AppendAuditEvent(scope, actor, "CheckArtifacts", "artifacts",
                            absl::StrCat(response.checked(), " read, ", response.damaged_size(), " damaged, ",
                                         response.healed_size(), " healed"));
  }));
  return response;
}

}  // namespace skew

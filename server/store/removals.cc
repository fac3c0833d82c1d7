#include "server/store/removals.h"

#include <filesystem>
#include <map>
#include <optional>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/file.h"
#include "common/status.h"
#include "server/store/state_dir.h"
#include "server/store/stored_file.h"
#include "skew/v1/run.pb.h"
#include "spdlog/spdlog.h"

namespace skew {
namespace {

namespace fs = std::filesystem;

// Below the state directory: see StateDir.
constexpr char kArtifacts[] = "artifacts/";
constexpr char kQuarantine[] = "quarantine/";
constexpr char kWork[] = "work/";

absl::StatusOr<bool> Exists(Database& db, const char* sql, const std::string& digest) {
  Statement row = db.Prepare(sql);
  const bool exists = row.Bind(digest).Step();
  SKEW_RETURN_IF_ERROR(row.status());
  return exists;
}

// The run whose work folder that is (see StateDir::WorkName).
std::optional<RunId> RunAt(absl::string_view path) {
  if (!absl::ConsumePrefix(&path, kWork)) return std::nullopt;
  const absl::StatusOr<RunId> run = RunId::Parse(path);
  return run.ok() ? std::make_optional(*run) : std::nullopt;
}

absl::StatusOr<bool> IsOpen(Database& db, RunId run) {
  Statement row = db.Prepare("SELECT 1 FROM runs WHERE job_id = ? AND number = ? AND state NOT IN (5, 6, 7)");
  static_assert(v1::SUCCEEDED == 5 && v1::FAILED == 6 && v1::CANCELLED == 7);
  const bool open = row.Bind(run.job.number).Bind(run.number).Step();
  SKEW_RETURN_IF_ERROR(row.status());
  return open;
}

absl::Status RemoveAll(const fs::path& file) {
  std::error_code error;
  fs::remove_all(file, error);
  if (!error) return absl::OkStatus();
  return absl::InternalError(absl::StrCat("cannot remove ", file.string(), ": ", error.message()));
}

}  // namespace

absl::StatusOr<bool> IsNamed(Database& db, const std::string& digest) {
  return Exists(db, "SELECT 1 FROM artifacts WHERE digest = ? LIMIT 1", digest);
}

absl::Status AddRemoval(WriteScope& scope, const std::string& path) {
  return scope.db.Prepare("INSERT OR IGNORE INTO removals (path) VALUES (?)").Bind(path).Run();
}

absl::Status AddContentRemoval(WriteScope& scope, const std::string& digest) {
  SKEW_ASSIGN_OR_RETURN(const bool named, IsNamed(scope.db, digest));
  if (named) return absl::OkStatus();
  SKEW_RETURN_IF_ERROR(AddRemoval(scope, absl::StrCat(kArtifacts, StoredName(digest))));
  SKEW_ASSIGN_OR_RETURN(const bool damaged, Exists(scope.db, "SELECT 1 FROM quarantine WHERE digest = ?", digest));
  if (!damaged) return absl::OkStatus();
  SKEW_RETURN_IF_ERROR(scope.db.Prepare("DELETE FROM quarantine WHERE digest = ?").Bind(digest).Run());
  return AddRemoval(scope, absl::StrCat(kQuarantine, digest));
}

Removals::Hold::Hold(Removals* removals, For length) : removals_(removals), for_(length) {
  absl::MutexLock lock(&removals_->mutex_);
  const auto free = [this] {
    removals_->mutex_.AssertReaderHeld();
    return !removals_->removing_;
  };
  removals_->mutex_.Await(absl::Condition(&free));
  ++(for_ == For::kLong ? removals_->long_holds_ : removals_->moments_);
}

Removals::Hold::~Hold() {
  absl::MutexLock lock(&removals_->mutex_);
  --(for_ == For::kLong ? removals_->long_holds_ : removals_->moments_);
}

absl::Status Removals::Begin() {
  absl::MutexLock lock(&mutex_);
  const auto free = [this] {
    mutex_.AssertReaderHeld();
    return !removing_;
  };
  mutex_.Await(absl::Condition(&free));
  if (long_holds_ > 0) return absl::UnavailableError("nothing can be removed while a backup is being made");
  removing_ = true;  // from here on nobody holds anew
  const auto moments_are_over = [this] {
    mutex_.AssertReaderHeld();
    return moments_ == 0;
  };
  mutex_.Await(absl::Condition(&moments_are_over));
  return absl::OkStatus();
}

void Removals::End() {
  absl::MutexLock lock(&mutex_);
  removing_ = false;
}

absl::Status Removals::Remove(absl::FunctionRef<absl::Status(WriteScope&)> work) {
  SKEW_RETURN_IF_ERROR(Begin());
  const absl::Cleanup end = [this] { End(); };
  SKEW_RETURN_IF_ERROR(connections_->Write(clock_->Now(), work));
  const absl::Status removed = RemoveWritten();
  if (!removed.ok()) spdlog::warn("files of what was removed are left for the next time: {}", removed.ToString());
  return absl::OkStatus();
}

absl::Status Removals::Finish() {
  SKEW_RETURN_IF_ERROR(Begin());
  const absl::Cleanup end = [this] { End(); };
  return RemoveWritten();
}

absl::Status Removals::RemoveWritten() {
  std::vector<std::string> paths;
  SKEW_RETURN_IF_ERROR(connections_->Read([&](Database& db) -> absl::Status {
    Statement row = db.Prepare("SELECT path FROM removals ORDER BY path");
    while (row.Step()) paths.push_back(row.Text(0));
    return row.status();
  }));
  std::vector<std::string> gone;
  absl::Status left = RemoveFiles(paths, gone);
  if (gone.empty()) return left;
  SKEW_RETURN_IF_ERROR(connections_->Write(clock_->Now(), [&](WriteScope& scope) -> absl::Status {
    for (const std::string& path : gone) {
      SKEW_RETURN_IF_ERROR(scope.db.Prepare("DELETE FROM removals WHERE path = ?").Bind(path).Run());
    }
    return absl::OkStatus();
  }));
  return left;
}

absl::Status Removals::SweepWork() {
  SKEW_RETURN_IF_ERROR(Begin());
  const absl::Cleanup end = [this] { End(); };
  std::vector<std::string> paths;
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(fs::path(root_) / kWork, error)) {
    std::string path = kWork + entry.path().filename().string();
    if (RunAt(path).has_value()) paths.push_back(std::move(path));
  }
  if (error) return absl::InternalError(absl::StrCat("cannot read ", root_, "/", kWork, ": ", error.message()));
  std::vector<std::string> gone;
  return RemoveFiles(paths, gone);
}

// What is in the way of one is not in the way of the others.
absl::Status Removals::RemoveFiles(const std::vector<std::string>& paths, std::vector<std::string>& gone) {
  absl::Status left;
  std::map<std::string, std::vector<std::string>> by_folder;
  for (const std::string& path : paths) {
    const absl::Status removed = RemoveFile(path);
    left.Update(removed);
    if (removed.ok()) by_folder[(fs::path(root_) / path).parent_path().string()].push_back(path);
  }
  for (const auto& [folder, removed] : by_folder) {
    const absl::Status synced = SyncPath(folder);
    if (!synced.ok() && !absl::IsNotFound(synced)) {
      left.Update(synced);
      continue;
    }
    gone.insert(gone.end(), removed.begin(), removed.end());
  }
  if (left.ok()) return left;
  return {left.code(), absl::StrCat(paths.size() - gone.size(), " of ", paths.size(), " are left: ", left.message())};
}

absl::Status Removals::RemoveFile(const std::string& path) {
  if (const std::optional<RunId> run = RunAt(path); run.has_value()) return RemoveWork(*run);
  // The same content may have been imported again since it was written down.
  bool named = false;
  SKEW_RETURN_IF_ERROR(connections_->Read([&](Database& db) -> absl::Status {
    SKEW_ASSIGN_OR_RETURN(named, IsNamed(db, fs::path(path).filename().string()));
    return absl::OkStatus();
  }));
  return named ? absl::OkStatus() : RemoveAll(fs::path(root_) / path);
}

// A run that ended may have been tried again since it was written down: then the folder is that attempt's. No attempt
// begins while it goes, since that is a write, too.
absl::Status Removals::RemoveWork(RunId run) {
  const fs::path folder = fs::path(root_) / StateDir::WorkName(run);
  std::error_code error;
  if (!fs::exists(folder, error)) return absl::OkStatus();
  return connections_->Write(clock_->Now(), [&](WriteScope& scope) -> absl::Status {
    SKEW_ASSIGN_OR_RETURN(const bool open, IsOpen(scope.db, run));
    return open ? absl::OkStatus() : RemoveAll(folder);
  });
}

}  // namespace skew

#include "server/store/restore.h"

#include <fcntl.h>
#include <google/protobuf/util/json_util.h>
#include <sys/file.h>
#include <unistd.h>

#include <filesystem>
#include <memory>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/digest.h"
#include "common/file.h"
#include "common/status.h"
#include "server/store/backup.h"
#include "server/store/schema.h"

namespace skew {
namespace {

namespace fs = std::filesystem;

// What SQLite puts beside a database, and takes for its own when it opens one of that name.
constexpr const char* kBesideDatabases[] = {"-wal", "-shm", "-journal"};

absl::Status CheckNoDatabase(const StateDir& state) {
  std::error_code error;
  if (fs::exists(state.Database(), error)) {
    return absl::FailedPreconditionError(
        absl::StrCat(state.Database(),
                     " is there: a backup is restored where no database is. Name another state "
                     "directory, or move this one away first."));
  }
  for (const char* beside : kBesideDatabases) {
    const std::string file = state.Database() + beside;
    if (!fs::exists(file, error)) continue;
    return absl::FailedPreconditionError(
        absl::StrCat(file,
                     " is there, which belongs to the database that was here, may hold what was last written to "
                     "it, and would be written into the restored one. Move it to where that database is."));
  }
  return absl::OkStatus();
}

// A worker that outlived the lost database's daemon holds the lock of its run's folder, and would go on to write its
// checkpoints there.
absl::Status CheckNobodyWorks(const StateDir& state) {
  std::error_code error;
  for (const fs::directory_entry& run : fs::directory_iterator(state.Work(), error)) {
    const std::string lock = (run.path() / "lock").string();
    const int file = open(lock.c_str(), O_RDWR | O_CLOEXEC);
    if (file < 0) continue;
    const absl::Cleanup closer = [file] { close(file); };
    if (flock(file, LOCK_EX | LOCK_NB) == 0) continue;
    return absl::FailedPreconditionError(absl::StrCat(
        lock, " is held by a skew-worker of the database that was here: end it first, or wait until it gives up"));
  }
  return error ? SystemError(error.value(), absl::StrCat("cannot read ", state.Work())) : absl::OkStatus();
}

// Checkpoints there belong to runs of another past: ids of jobs are given anew from the backup's on.
absl::Status EmptyWork(const StateDir& state) {
  std::error_code error;
  std::vector<fs::path> runs;
  for (const fs::directory_entry& run : fs::directory_iterator(state.Work(), error)) runs.push_back(run.path());
  for (size_t i = 0; i < runs.size() && !error; ++i) fs::remove_all(runs[i], error);
  if (error) return SystemError(error.value(), absl::StrCat("cannot empty ", state.Work()));
  return SyncPath(state.Work());
}

absl::StatusOr<v1::BackupManifest> ReadManifest(const std::string& backup) {
  const std::string path = absl::StrCat(backup, "/", kManifestFile);
  const absl::StatusOr<std::string> json = ReadFile(path);
  if (absl::IsNotFound(json.status())) {
    return absl::NotFoundError(
        absl::StrCat(backup, " has no ", kManifestFile, ": it is no backup, or not a complete one"));
  }
  SKEW_RETURN_IF_ERROR(json.status());
  v1::BackupManifest manifest;
  const auto parsed = google::protobuf::util::JsonStringToMessage(*json, &manifest);
  if (!parsed.ok()) return absl::DataLossError(absl::StrCat(path, " is damaged: ", parsed.ToString()));
  for (const v1::BackedUpFile& file : manifest.artifacts()) {
    if (IsSha256Hex(file.digest()) && file.path() == absl::StrCat(kBackedUpArtifacts, StoredName(file.digest())))
      continue;
    return absl::DataLossError(absl::StrCat(path, " is damaged: '", file.path(), "' is not where an artifact is"));
  }
  if (manifest.schema_version() <= NewestSchema()) return manifest;
  return absl::FailedPreconditionError(absl::StrCat(
      "backup ", backup, " was made by Skew ", manifest.version(), " and has schema version ",
      manifest.schema_version(), "; this one knows ", NewestSchema(), ". Restore it with the newer program."));
}

absl::Status CopyArtifacts(const std::string& backup, const StateDir& state, Restored& restored) {
  restored.damaged.assign(restored.manifest.damaged().begin(), restored.manifest.damaged().end());
  for (const v1::BackedUpFile& file : restored.manifest.artifacts()) {
    const absl::Status copied = CopyContent(absl::StrCat(backup, "/", file.path()),
                                            absl::StrCat(state.Artifacts(), "/", StoredName(file.digest())),
                                            {file.digest(), file.size_bytes()});
    if (absl::IsDataLoss(copied) || absl::IsNotFound(copied)) {
      restored.damaged.push_back(file.digest());
      continue;
    }
    SKEW_RETURN_IF_ERROR(copied);
  }
  return SyncFolders(state.Artifacts());
}

// What the copy has to have beside the original.
absl::Status WriteRestored(Database& db, const std::string& backup, const Actor& actor) {
  Transaction transaction(&db, Transaction::Kind::kWrite);
  SKEW_RETURN_IF_ERROR(transaction.status());
  // Whatever workers there are do not belong to this past.
  SKEW_RETURN_IF_ERROR(
      db.Execute("UPDATE attempts SET pid = 0, process_start = 0, boot_id = '' WHERE end_time IS NULL"));
  WriteScope scope{db, absl::Now(), {}};
  SKEW_RETURN_IF_ERROR(AppendAuditEvent(scope, actor, "Restore", absl::StrCat("backup ", backup)));
  return transaction.Commit();
}

absl::Status PrepareDatabase(const std::string& path, const std::string& backup, const Actor& actor) {
  SKEW_ASSIGN_OR_RETURN(const std::unique_ptr<Database> db,
                        Database::Open(path, Database::Mode::kReadWriteCreate, absl::ZeroDuration()));
  SKEW_RETURN_IF_ERROR(db->CheckIntegrity());
  SKEW_RETURN_IF_ERROR(WriteRestored(*db, backup, actor));
  return db->CloseLog();  // it is about to be renamed, and alone
}

}  // namespace

absl::StatusOr<Restored> Restore(const std::string& backup, const StateDir& state, const Actor& actor) {
  SKEW_RETURN_IF_ERROR(CheckNoDatabase(state));
  SKEW_RETURN_IF_ERROR(CheckNobodyWorks(state));
  Restored restored;
  SKEW_ASSIGN_OR_RETURN(restored.manifest, ReadManifest(backup));
  const v1::BackedUpFile& database = restored.manifest.database();
  const std::string copy = state.RestoringDatabase();
  for (const char* beside : kBesideDatabases) {  // of one that was interrupted
    std::error_code error;
    fs::remove(copy + beside, error);
    if (error) return SystemError(error.value(), absl::StrCat("cannot remove ", copy, beside));
  }
  SKEW_RETURN_IF_ERROR(
      CopyContent(absl::StrCat(backup, "/", kBackedUpDatabase), copy, {database.digest(), database.size_bytes()}));
  SKEW_RETURN_IF_ERROR(CopyArtifacts(backup, state, restored));
  SKEW_RETURN_IF_ERROR(PrepareDatabase(copy, backup, actor));
  SKEW_RETURN_IF_ERROR(SyncPath(copy));
  SKEW_RETURN_IF_ERROR(EmptyWork(state));
  SKEW_RETURN_IF_ERROR(MoveFile(copy, state.Database()));
  return restored;
}

absl::Status CheckNotRestoring(const StateDir& state) {
  std::error_code error;
  if (!fs::exists(state.RestoringDatabase(), error)) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat("a restore was interrupted before it had made ", state.Database(),
                                                    ": run it again, or remove ", state.RestoringDatabase(),
                                                    " to begin without what it restores"));
}

}  // namespace skew

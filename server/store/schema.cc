#include "server/store/schema.h"

#include <filesystem>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "common/status.h"
#include "server/store/migrations.h"

namespace skew {
namespace {

absl::Status BackUp(Database& db, const std::string& path, int64_t version) {
  const std::string backup = absl::StrCat(path, ".v", version, ".backup");
  std::error_code ignored;
  std::filesystem::remove(backup, ignored);  // of a migration that was interrupted: made anew
  return db.Prepare("VACUUM INTO ?").Bind(backup).Run();
}

}  // namespace

int64_t NewestSchema() { return static_cast<int64_t>(Migrations().size()); }

absl::StatusOr<int64_t> SchemaVersion(Database& db) {
  Statement query = db.Prepare("PRAGMA user_version");
  const int64_t version = query.Step() ? query.Int(0) : 0;
  SKEW_RETURN_IF_ERROR(query.status());
  return version;
}

absl::Status Migrate(Database& db, const std::string& path, int64_t newest) {
  SKEW_ASSIGN_OR_RETURN(const int64_t version, SchemaVersion(db));
  if (version > newest) {
    return absl::FailedPreconditionError(absl::StrCat(path, " has schema version ", version,
                                                      ", of a newer Skew; this one knows ", newest,
                                                      ". Use the newer program or a backup."));
  }
  if (version > 0 && version < newest) SKEW_RETURN_IF_ERROR(BackUp(db, path, version));
  for (int64_t step = version; step < newest; ++step) {
    Transaction transaction(&db, Transaction::Kind::kWrite);
    SKEW_RETURN_IF_ERROR(transaction.status());
    SKEW_RETURN_IF_ERROR(db.Execute(Migrations()[static_cast<size_t>(step)]));
    SKEW_RETURN_IF_ERROR(db.Execute(absl::StrCat("PRAGMA user_version = ", step + 1)));
    SKEW_RETURN_IF_ERROR(transaction.Commit());
  }
  return absl::OkStatus();
}

}  // namespace skew

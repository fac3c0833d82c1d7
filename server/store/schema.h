// Which tables a database has: its version, and how it gets to a newer one.
#ifndef SKEW_SERVER_STORE_SCHEMA_H_
#define SKEW_SERVER_STORE_SCHEMA_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/store/sqlite.h"

namespace skew {

// Of this program.
int64_t NewestSchema();

// Of a database; 0 when it is empty.
absl::StatusOr<int64_t> SchemaVersion(Database& db);

// Brings `db` (the file at `path`) to schema `newest`, this program's (an older one is for tests). Each step is one
// transaction; before the first one of an existing database, a copy is put beside it as `path`.v<version>.backup.
// FAILED_PRECONDITION when the database is of a newer program.
absl::Status Migrate(Database& db, const std::string& path, int64_t newest = NewestSchema());

}  // namespace skew

#endif  // SKEW_SERVER_STORE_SCHEMA_H_

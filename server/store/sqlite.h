// A thin layer over SQLite's C interface, the only user of sqlite3.h. Nothing here throws; errors are kept in the
// statement until somebody asks.
//
// Codes: UNAVAILABLE when another process holds the lock for too long, or the file cannot be opened, read or written
// for now; RESOURCE_EXHAUSTED when the disk is full; DATA_LOSS when the file is damaged or no database; ALREADY_EXISTS
// for a broken uniqueness or other constraint; INTERNAL for the rest. Messages carry SQLite's own.
#ifndef SKEW_SERVER_STORE_SQLITE_H_
#define SKEW_SERVER_STORE_SQLITE_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "google/protobuf/message_lite.h"

struct sqlite3;
struct sqlite3_stmt;

namespace skew {

class Database;

// A log that grew beyond this while it was being read is cut to it once it begins anew.
constexpr int64_t kLongLogBytes = int64_t{64} << 20;

// One execution of a prepared statement. Not thread-safe; must not outlive its Database.
//
//   Statement query = db.Prepare("SELECT id FROM jobs WHERE owner = ? ORDER BY id");
//   query.Bind("ada");
//   while (query.Step()) Use(query.Int(0));
//   SKEW_RETURN_IF_ERROR(query.status());
class Statement {
 public:
  ~Statement();
  Statement(Statement&& other) noexcept;
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  // Binds the next parameter, from left to right.
  Statement& Bind(int64_t value);
  Statement& Bind(absl::string_view text);
  Statement& Bind(const google::protobuf::MessageLite& message);  // as a blob
  Statement& Bind(absl::Time time);                               // as microseconds since 1970
  Statement& BindNull();

  // Goes to the next row: false at the end and on an error.
  bool Step();
  // Executes a statement that yields no rows.
  absl::Status Run();
  absl::Status status() const { return status_; }

  // Columns of the current row, from 0. NULL reads as 0, "" or InfinitePast.
  int64_t Int(int column) const;
  int32_t Int32(int column) const { return static_cast<int32_t>(Int(column)); }
  std::string Text(int column) const;
  absl::Time Time(int column) const;
  bool IsNull(int column) const;
  // Parses a blob; DATA_LOSS is remembered in status() when it is no such message.
  void Read(int column, google::protobuf::MessageLite& message);

 private:
  friend class Database;
  Statement(Database* db, sqlite3_stmt* statement, std::string sql, absl::Status status);
  void Note(int code);

  Database* db_;
  sqlite3_stmt* statement_;
  std::string sql_;
  absl::Status status_;
  int next_parameter_ = 1;
};

// One connection. Not thread-safe.
class Database {
 public:
  enum class Mode { kReadWriteCreate, kReadOnly };

  // WAL mode, synchronous=FULL, foreign keys on.
  static absl::StatusOr<std::unique_ptr<Database>> Open(const std::string& path, Mode mode,
                                                        absl::Duration busy_timeout);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  // Prepared statements are kept and used again for the same text.
  Statement Prepare(absl::string_view sql);
  // Executes one or more statements without parameters or results.
  absl::Status Execute(absl::string_view script);

  // Copies the database, as it is at one moment, into the new file `path`, which is then complete by itself and on
  // disk. Readers and writers go on meanwhile.
  absl::Status CopyTo(const std::string& path);

  // Writes everything into the database file itself, which then is complete by itself, with no files beside it, until
  // something is written again. UNAVAILABLE while others have it open.
  absl::Status CloseLog();

  // Writes everything into the database file and empties the log beside it. UNAVAILABLE, and nobody was held up, while
  // a read that began before the last writes needs the log; writes wait for reads that begin meanwhile, for the busy
  // timeout at most.
  absl::Status EmptyLog();

  // Reads every page. DATA_LOSS, with the first things that are wrong, when the file is damaged. That the entries of
  // indexes agree with their tables is not checked.
  absl::Status CheckIntegrity();

  // The key that the last statement inserted.
  int64_t LastInsertedId() const;

  // Whether a transaction is open. Some errors (a full disk, for one) make SQLite roll a transaction back by itself.
  bool InTransaction() const;

  // The texts of the prepared statements that are kept, each once: what this connection has executed, for tests that
  // look at query plans.
  std::vector<std::string> KeptStatements() const;

 private:
  friend class Statement;
  explicit Database(sqlite3* db) : db_(db) {}
  absl::Status Error(int code, absl::string_view sql) const;

  sqlite3* db_;
  absl::flat_hash_map<std::string, sqlite3_stmt*> idle_;
};

// Rolls back unless committed.
class Transaction {
 public:
  enum class Kind { kRead, kWrite };  // kWrite takes the write lock at once

  explicit Transaction(Database* db, Kind kind);
  ~Transaction();
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;

  // Whether it began.
  absl::Status status() const { return status_; }
  absl::Status Commit();

 private:
  Database* db_;
  absl::Status status_;
  bool open_;
};

// A part of an open transaction that can fail by itself: what was done since it began is undone unless kept. If that
// fails, the whole transaction is rolled back (see Database::InTransaction). Nothing is on disk before the transaction
// commits.
class Savepoint {
 public:
  explicit Savepoint(Database* db);
  ~Savepoint();
  Savepoint(const Savepoint&) = delete;
  Savepoint& operator=(const Savepoint&) = delete;

  // Whether it began.
  absl::Status status() const { return status_; }
  absl::Status Keep();

 private:
  Database* db_;
  absl::Status status_;
  bool open_;
};

}  // namespace skew

#endif  // SKEW_SERVER_STORE_SQLITE_H_

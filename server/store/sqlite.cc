#include "server/store/sqlite.h"

#include <fcntl.h>
#include <sqlite3.h>

#include <cerrno>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "common/status.h"

namespace skew {
namespace {

// SQLite takes a write to a full disk as such; creating or growing its shared memory there is one more I/O error.
absl::StatusCode CodeOf(int sqlite_code, int system_error) {
  switch (sqlite_code & 0xff) {
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
      return system_error == ENOSPC || system_error == EDQUOT ? absl::StatusCode::kResourceExhausted
                                                              : absl::StatusCode::kUnavailable;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_READONLY:
      return absl::StatusCode::kUnavailable;
    case SQLITE_FULL:
      return absl::StatusCode::kResourceExhausted;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return absl::StatusCode::kDataLoss;
    case SQLITE_CONSTRAINT:
      return absl::StatusCode::kAlreadyExists;
    default:
      return absl::StatusCode::kInternal;
  }
}

// open() for SQLite: a file that it cannot create it opens at once to read, and would tell the error of that (there is
// no such file) instead of the reason (the disk is full).
int OpenTellingWhy(const char* path, int flags, int mode) {
  static thread_local int refusal = 0;
  const int earlier = std::exchange(refusal, 0);
  const int file = open(path, flags, mode);
  if (file >= 0) return file;
  if ((flags & O_CREAT) != 0) {
    refusal = errno;
  } else if (earlier != 0) {
    errno = earlier;
  }
  return file;
}

// Once a process, before its first database. SQLite takes all its system calls as this type.
void SetSystemCalls() {
  static const bool set = [] {
    sqlite3_vfs* vfs = sqlite3_vfs_find(nullptr);
    return vfs->xSetSystemCall(vfs, "open", reinterpret_cast<sqlite3_syscall_ptr>(&OpenTellingWhy)) == SQLITE_OK;
  }();
  (void)set;
}

}  // namespace

Statement::Statement(Database* db, sqlite3_stmt* statement, std::string sql, absl::Status status)
    : db_(db), statement_(statement), sql_(std::move(sql)), status_(std::move(status)) {}

Statement::Statement(Statement&& other) noexcept
    : db_(other.db_),
      statement_(std::exchange(other.statement_, nullptr)),
      sql_(std::move(other.sql_)),
      status_(std::move(other.status_)),
      next_parameter_(other.next_parameter_) {}

Statement::~Statement() {
  if (statement_ == nullptr) return;
  sqlite3_reset(statement_);
  sqlite3_clear_bindings(statement_);
  // A second execution of the same text may have been going on: then there is one too many to keep.
  if (!db_->idle_.try_emplace(std::move(sql_), statement_).second) sqlite3_finalize(statement_);
}

void Statement::Note(int code) {
  if (code != SQLITE_OK && status_.ok()) status_ = db_->Error(code, sql_);
}

Statement& Statement::Bind(int64_t value) {
  if (status_.ok()) Note(sqlite3_bind_int64(statement_, next_parameter_++, value));
  return *this;
}

Statement& Statement::Bind(absl::string_view text) {
  if (status_.ok()) {
    Note(
        sqlite3_bind_text(statement_, next_parameter_++, text.data(), static_cast<int>(text.size()), SQLITE_TRANSIENT));
  }
  return *this;
}

Statement& Statement::Bind(const google::protobuf::MessageLite& message) {
  const std::string bytes = message.SerializeAsString();
  if (status_.ok()) {
    // An empty message must be an empty blob, which a null pointer would not give.
    const char* data = bytes.empty() ? "" : bytes.data();
    Note(sqlite3_bind_blob64(statement_, next_parameter_++, data, bytes.size(), SQLITE_TRANSIENT));
  }
  return *this;
}

Statement& Statement::Bind(absl::Time time) { return Bind(absl::ToUnixMicros(time)); }

Statement& Statement::BindNull() {
  if (status_.ok()) Note(sqlite3_bind_null(statement_, next_parameter_++));
  return *this;
}

bool Statement::Step() {
  if (!status_.ok()) return false;
  const int code = sqlite3_step(statement_);
  if (code == SQLITE_ROW) return true;
  if (code != SQLITE_DONE) Note(code);
  return false;
}

absl::Status Statement::Run() {
  while (Step()) {
  }
  return status_;
}

int64_t Statement::Int(int column) const { return sqlite3_column_int64(statement_, column); }

std::string Statement::Text(int column) const {
  const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column));
  if (text == nullptr) return "";
  return {text, static_cast<size_t>(sqlite3_column_bytes(statement_, column))};
}

absl::Time Statement::Time(int column) const {
  return IsNull(column) ? absl::InfinitePast() : absl::FromUnixMicros(Int(column));
}

bool Statement::IsNull(int column) const { return sqlite3_column_type(statement_, column) == SQLITE_NULL; }

void Statement::Read(int column, google::protobuf::MessageLite& message) {
  const void* data = sqlite3_column_blob(statement_, column);
  if (!message.ParseFromArray(data, sqlite3_column_bytes(statement_, column)) && status_.ok()) {
    status_ =
        absl::DataLossError(absl::StrCat("column ", column, " does not hold a ", message.GetTypeName(), ": ", sql_));
  }
}

absl::StatusOr<std::unique_ptr<Database>> Database::Open(const std::string& path, Mode mode,
                                                         absl::Duration busy_timeout) {
  SetSystemCalls();
  sqlite3* handle = nullptr;
  const int flags = mode == Mode::kReadOnly ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
  const int code = sqlite3_open_v2(path.c_str(), &handle, flags | SQLITE_OPEN_NOMUTEX, nullptr);
  std::unique_ptr<Database> db(new Database(handle));
  if (code != SQLITE_OK) return Annotate(db->Error(code, "open"), path);
  sqlite3_extended_result_codes(handle, 1);
  sqlite3_busy_timeout(handle, static_cast<int>(absl::ToInt64Milliseconds(busy_timeout)));
  // Savepoints note what they could have to undo: in memory, not in temporary files.
  absl::Status status = db->Execute("PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY");
  if (status.ok() && mode == Mode::kReadWriteCreate) {
    status = db->Execute(absl::StrCat(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA journal_size_limit = ", kLongLogBytes));
  }
  if (!status.ok()) return Annotate(status, path);
  return db;
}

Database::~Database() {
  for (const auto& [sql, statement] : idle_) sqlite3_finalize(statement);
  sqlite3_close(db_);
}

Statement Database::Prepare(absl::string_view sql) {
  if (auto kept = idle_.extract(std::string(sql)); !kept.empty()) {
    return {this, kept.mapped(), std::move(kept.key()), absl::OkStatus()};
  }
  sqlite3_stmt* statement = nullptr;
  const int code =
      sqlite3_prepare_v3(db_, sql.data(), static_cast<int>(sql.size()), SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  return {this, statement, std::string(sql), code == SQLITE_OK ? absl::OkStatus() : Error(code, sql)};
}

absl::Status Database::Execute(absl::string_view script) {
  const int code = sqlite3_exec(db_, std::string(script).c_str(), nullptr, nullptr, nullptr);
  return code == SQLITE_OK ? absl::OkStatus() : Error(code, script);
}

absl::Status Database::CopyTo(const std::string& path) {
  sqlite3* handle = nullptr;
  const int opened =
      sqlite3_open_v2(path.c_str(), &handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, nullptr);
  Database target(handle);
  if (opened != SQLITE_OK) return Annotate(target.Error(opened, "open"), path);
  sqlite3_extended_result_codes(handle, 1);
  sqlite3_backup* copy = sqlite3_backup_init(target.db_, "main", db_, "main");
  if (copy == nullptr) return Annotate(target.Error(sqlite3_errcode(target.db_), "copy"), path);
  sqlite3_backup_step(copy, -1);  // whose error the end repeats
  const int copied = sqlite3_backup_finish(copy);
  if (copied != SQLITE_OK) return Annotate(target.Error(copied, "copy"), path);
  return Annotate(target.CloseLog(), path);
}

absl::Status Database::CloseLog() {
  Statement row = Prepare("PRAGMA journal_mode = DELETE");
  const std::string mode = row.Step() ? row.Text(0) : "";
  SKEW_RETURN_IF_ERROR(row.status());
  if (mode == "delete") return absl::OkStatus();
  return absl::UnavailableError(absl::StrCat("database: its log cannot be closed: it is in mode ", mode));
}

absl::Status Database::EmptyLog() {
  for (const char* checkpoint : {"PRAGMA wal_checkpoint(PASSIVE)", "PRAGMA wal_checkpoint(TRUNCATE)"}) {
    Statement row = Prepare(checkpoint);
    const bool complete = row.Step() && row.Int(0) == 0 && row.Int(1) == row.Int(2);
    SKEW_RETURN_IF_ERROR(row.status());
    if (!complete) return absl::UnavailableError("database: its log is being read");
  }
  return absl::OkStatus();
}

absl::Status Database::CheckIntegrity() {
  std::vector<std::string> findings;
  Statement row = Prepare("PRAGMA quick_check(3)");
  while (row.Step()) findings.push_back(absl::StrReplaceAll(row.Text(0), {{"\n", "; "}}));
  SKEW_RETURN_IF_ERROR(row.status());
  if (findings == std::vector<std::string>{"ok"}) return absl::OkStatus();
  return absl::DataLossError(absl::StrJoin(findings, "; "));
}

int64_t Database::LastInsertedId() const { return sqlite3_last_insert_rowid(db_); }

bool Database::InTransaction() const { return sqlite3_get_autocommit(db_) == 0; }

std::vector<std::string> Database::KeptStatements() const {
  std::vector<std::string> texts;
  for (const auto& [sql, statement] : idle_) texts.push_back(sql);
  return texts;
}

absl::Status Database::Error(int code, absl::string_view sql) const {
  return {CodeOf(code, sqlite3_system_errno(db_)),
          absl::StrCat("database: ", sqlite3_errstr(code), ": ", sqlite3_errmsg(db_), " (", sql, ")")};
}

Transaction::Transaction(Database* db, Kind kind)
    : db_(db), status_(db->Prepare(kind == Kind::kWrite ? "BEGIN IMMEDIATE" : "BEGIN").Run()), open_(status_.ok()) {}

Transaction::~Transaction() {
  if (open_) db_->Prepare("ROLLBACK").Run().IgnoreError();
}

absl::Status Transaction::Commit() {
  absl::Status status = db_->Prepare("COMMIT").Run();
  if (status.ok()) open_ = false;
  return status;
}

Savepoint::Savepoint(Database* db) : db_(db), status_(db->Prepare("SAVEPOINT part").Run()), open_(status_.ok()) {}

Savepoint::~Savepoint() {
  if (!open_) return;
  // What cannot be undone by itself must not be committed with the rest either.
  if (!db_->Prepare("ROLLBACK TO part").Run().ok()) db_->Prepare("ROLLBACK").Run().IgnoreError();
  db_->Prepare("RELEASE part").Run().IgnoreError();
}

absl::Status Savepoint::Keep() {
  absl::Status status = db_->Prepare("RELEASE part").Run();
  if (status.ok()) open_ = false;
  return status;
}

}  // namespace skew

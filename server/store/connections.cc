#include "server/store/connections.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/status.h"
#include "server/store/schema.h"

namespace skew {
namespace {

// Bounds how long those at the front wait for those behind them.
constexpr size_t kMostWritesTogether = 64;

// Bounds what a write can lose by waiting for others that do not come.
constexpr absl::Duration kMostPatience = absl::Milliseconds(3);

// More are closed: each has a cache of pages and a descriptor.
constexpr size_t kMostIdleReaders = 16;

// Writes wait for so long at most for the log to be emptied.
constexpr absl::Duration kLogPatience = absl::Seconds(1);

absl::Status RunInSavepoint(WriteScope& scope, absl::FunctionRef<absl::Status(WriteScope&)> work) {
  Savepoint savepoint(&scope.db);
  SKEW_RETURN_IF_ERROR(savepoint.status());
  SKEW_RETURN_IF_ERROR(work(scope));
  return savepoint.Keep();
}

// What to do about it is the same whatever is damaged.
absl::Status ExplainDamage(const absl::Status& status, const std::string& path) {
  if (!absl::IsDataLoss(status)) return status;
  return absl::DataLossError(absl::StrCat(
      path, " is damaged, so nothing was started and nothing changed: ", status.message(),
      ". Move the state directory away and restore a backup into a new one: skewd --state-dir DIR --restore BACKUP"));
}

absl::StatusOr<std::unique_ptr<Database>> OpenWhole(const std::string& path, absl::Duration busy_timeout) {
  SKEW_ASSIGN_OR_RETURN(std::unique_ptr<Database> db,
                        Database::Open(path, Database::Mode::kReadWriteCreate, busy_timeout));
  SKEW_RETURN_IF_ERROR(db->CheckIntegrity());
  return db;
}

}  // namespace

Connections::Connections(std::string path, absl::Duration busy_timeout, std::unique_ptr<Database> writer)
    : path_(std::move(path)),
      busy_timeout_(busy_timeout),
      gathered_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      writer_(std::move(writer)) {}

Connections::~Connections() { close(gathered_); }

absl::StatusOr<std::unique_ptr<Connections>> Connections::Open(const std::string& path, absl::Duration busy_timeout) {
  absl::StatusOr<std::unique_ptr<Database>> opened = OpenWhole(path, busy_timeout);
  if (!opened.ok()) return ExplainDamage(opened.status(), path);
  std::unique_ptr<Database> writer = *std::move(opened);
  SKEW_RETURN_IF_ERROR(Migrate(*writer, path));
  return std::unique_ptr<Connections>(new Connections(path, busy_timeout, std::move(writer)));
}

absl::Status Connections::Write(absl::Time now, absl::FunctionRef<absl::Status(WriteScope&)> work) {
  WaitingWrite write{now, work, absl::OkStatus(), {}};
  const std::vector<WaitingWrite*> together = AwaitTurn(write);
  if (!together.empty()) {
    const auto start = std::chrono::steady_clock::now();
    CommitTogether(together);
    EndTurn(together, absl::FromChrono(std::chrono::steady_clock::now() - start));
  }
  if (write.result.ok() && listener_) {
    for (const auto& [job, revision] : write.appended) listener_(job, revision);
  }
  return write.result;
}

bool Connections::IsTurn(Turn* turn) {
  const Connections& connections = *turn->connections;
  connections.queue_mutex_.AssertHeld();
  if (turn->write->done) return true;
  return !connections.committing_ && connections.queue_.front() == turn->write;
}

std::vector<Connections::WaitingWrite*> Connections::AwaitTurn(WaitingWrite& write) {
  {
    absl::MutexLock lock(&queue_mutex_);
    queue_.push_back(&write);
    if (gathering_ && queue_.size() >= expected_writes_) eventfd_write(gathered_, 1);
    Turn turn{this, &write};
    queue_mutex_.Await(absl::Condition(&IsTurn, &turn));
    if (write.done) return {};
    committing_ = true;
  }
  Gather();
  std::vector<WaitingWrite*> together;
  absl::MutexLock lock(&queue_mutex_);
  while (!queue_.empty() && together.size() < kMostWritesTogether) {
    together.push_back(queue_.front());
    queue_.pop_front();
  }
  return together;
}

// Not by the mutex's own timeout, which is a point of the system's time: that may be set back meanwhile.
void Connections::Gather() {
  timespec patience;
  {
    absl::MutexLock lock(&queue_mutex_);
    if (queue_.size() >= expected_writes_) return;
    gathering_ = true;
    patience = absl::ToTimespec(patience_);
  }
  pollfd event{gathered_, POLLIN, 0};
  ppoll(&event, 1, &patience, nullptr);
  absl::MutexLock lock(&queue_mutex_);
  gathering_ = false;
  eventfd_t ignored;
  eventfd_read(gathered_, &ignored);
}

void Connections::EndTurn(const std::vector<WaitingWrite*>& writes, absl::Duration commit_time) {
  absl::MutexLock lock(&queue_mutex_);
  for (WaitingWrite* write : writes) write->done = true;  // and gone, but for the caller's own, once the lock is
  expected_writes_ = std::min(writes.size() + queue_.size(), kMostWritesTogether);
  patience_ = std::min(commit_time / 4, kMostPatience);
  committing_ = false;
}

void Connections::CommitTogether(const std::vector<WaitingWrite*>& writes) {
  absl::MutexLock lock(&write_mutex_);
  Transaction transaction(writer_.get(), Transaction::Kind::kWrite);
  absl::Status status = transaction.status();
  for (WaitingWrite* write : writes) {
    if (!status.ok()) break;
    WriteScope scope{*writer_, write->now, {}};
    write->result = RunInSavepoint(scope, write->work);
    write->appended = std::move(scope.appended);
    if (!writer_->InTransaction()) status = write->result;  // gone, with what the others had done
  }
  if (status.ok()) status = transaction.Commit();
  if (status.ok()) return;
  for (WaitingWrite* write : writes) {
    if (write->result.ok()) write->result = status;
  }
}

size_t Connections::waiting_writes() const {
  absl::MutexLock lock(&queue_mutex_);
  return queue_.size();
}

std::vector<std::string> Connections::KeptStatements() {
  std::vector<std::string> texts;
  {
    absl::MutexLock lock(&write_mutex_);
    texts = writer_->KeptStatements();
  }
  absl::MutexLock lock(&readers_mutex_);
  for (const std::unique_ptr<Database>& reader : idle_readers_) {
    const std::vector<std::string> more = reader->KeptStatements();
    texts.insert(texts.end(), more.begin(), more.end());
  }
  std::sort(texts.begin(), texts.end());
  texts.erase(std::unique(texts.begin(), texts.end()), texts.end());
  return texts;
}

absl::Status Connections::Read(absl::FunctionRef<absl::Status(Database&)> work) {
  SKEW_ASSIGN_OR_RETURN(std::unique_ptr<Database> reader, TakeReader());
  absl::Status status;
  {
    Transaction transaction(reader.get(), Transaction::Kind::kRead);
    status = transaction.status();
    if (status.ok()) status = work(*reader);
  }
  absl::MutexLock lock(&readers_mutex_);
  if (idle_readers_.size() < kMostIdleReaders) idle_readers_.push_back(std::move(reader));
  return status;  // one that is not kept is closed after the lock is given up
}

size_t Connections::idle_readers() const {
  absl::MutexLock lock(&readers_mutex_);
  return idle_readers_.size();
}

absl::Status Connections::ShortenLog(int64_t most_bytes) {
  std::error_code error;
  const auto bytes = static_cast<int64_t>(std::filesystem::file_size(path_ + "-wal", error));
  if (error || bytes <= most_bytes) return absl::OkStatus();
  SKEW_ASSIGN_OR_RETURN(const std::unique_ptr<Database> db,
                        Database::Open(path_, Database::Mode::kReadWriteCreate, kLogPatience));
  return db->EmptyLog();
}

absl::Status Connections::CopyTo(const std::string& path) {
  return Read([&](Database& db) { return db.CopyTo(path); });
}

absl::StatusOr<std::unique_ptr<Database>> Connections::TakeReader() {
  {
    absl::MutexLock lock(&readers_mutex_);
    if (!idle_readers_.empty()) {
      std::unique_ptr<Database> reader = std::move(idle_readers_.back());
      idle_readers_.pop_back();
      return reader;
    }
  }
  return Database::Open(path_, Database::Mode::kReadOnly, busy_timeout_);
}

}  // namespace skew

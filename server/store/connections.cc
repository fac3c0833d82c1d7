#include "server/store/connections.h"

#include "common/status.h"
#include "server/store/schema.h"

namespace skew {

Connections::Connections(std::string path, absl::Duration busy_timeout, std::unique_ptr<Database> writer)
    : path_(std::move(path)), busy_timeout_(busy_timeout), writer_(std::move(writer)) {}

absl::StatusOr<std::unique_ptr<Connections>> Connections::Open(const std::string& path, absl::Duration busy_timeout) {
  SKEW_ASSIGN_OR_RETURN(std::unique_ptr<Database> writer,
                        Database::Open(path, Database::Mode::kReadWriteCreate, busy_timeout));
  SKEW_RETURN_IF_ERROR(Migrate(*writer, path));
  return std::unique_ptr<Connections>(new Connections(path, busy_timeout, std::move(writer)));
}

absl::Status Connections::Write(absl::Time now, absl::FunctionRef<absl::Status(WriteScope&)> work) {
  std::vector<std::pair<JobId, int64_t>> appended;
  {
    absl::MutexLock lock(&write_mutex_);
    WriteScope scope{*writer_, now, {}};
    Transaction transaction(writer_.get(), Transaction::Kind::kWrite);
    SKEW_RETURN_IF_ERROR(transaction.status());
    SKEW_RETURN_IF_ERROR(work(scope));
    SKEW_RETURN_IF_ERROR(transaction.Commit());
    appended = std::move(scope.appended);
  }
  if (listener_) {
    for (const auto& [job, revision] : appended) listener_(job, revision);
  }
  return absl::OkStatus();
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
  idle_readers_.push_back(std::move(reader));
  return status;
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

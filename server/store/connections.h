// The database's connections: one writer, and readers as needed.
#ifndef SKEW_SERVER_STORE_CONNECTIONS_H_
#define SKEW_SERVER_STORE_CONNECTIONS_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "common/ids.h"
#include "server/store/sqlite.h"

namespace skew {

// The database during one write transaction, and the events appended in it.
struct WriteScope {
  Database& db;
  absl::Time now;
  std::vector<std::pair<JobId, int64_t>> appended;  // job, revision
};

// Thread-safe.
class Connections {
 public:
  // Told of every appended event, after its commit, on the committing thread.
  using Listener = std::function<void(JobId job, int64_t revision)>;

  // Opens or creates the file and migrates it. Errors as in sqlite.h and schema.h.
  static absl::StatusOr<std::unique_ptr<Connections>> Open(const std::string& path,
                                                           absl::Duration busy_timeout = absl::Seconds(5));

  // Must be called before the first Write.
  void SetListener(Listener listener) { listener_ = std::move(listener); }

  // Runs `work` in one write transaction, one caller at a time: committed to disk when OK is returned, without a trace
  // otherwise. `now` is what the work writes as the time.
  absl::Status Write(absl::Time now, absl::FunctionRef<absl::Status(WriteScope&)> work);

  // Runs `work` on one snapshot; many callers at once.
  absl::Status Read(absl::FunctionRef<absl::Status(Database&)> work);

 private:
  Connections(std::string path, absl::Duration busy_timeout, std::unique_ptr<Database> writer);
  absl::StatusOr<std::unique_ptr<Database>> TakeReader();

  const std::string path_;
  const absl::Duration busy_timeout_;
  Listener listener_;
  absl::Mutex write_mutex_;  // held across SQL: it is what makes the writer one
  std::unique_ptr<Database> writer_ ABSL_GUARDED_BY(write_mutex_);
  absl::Mutex readers_mutex_;
  std::vector<std::unique_ptr<Database>> idle_readers_ ABSL_GUARDED_BY(readers_mutex_);
};

}  // namespace skew

#endif  // SKEW_SERVER_STORE_CONNECTIONS_H_

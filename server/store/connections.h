// The database's connections: one writer, and readers as needed.
//
// Writes that wait while another one is being synced to disk share the next transaction (group commit), since a sync
// costs far more than what most of them do. The first of those who wait executes the work of all of them. Before that
// it gives callers of late, who are likely to be back soon, a moment to join: a fraction of what a commit takes.
// Otherwise many clients that write again and again would fall into two groups that wait for each other.
#ifndef SKEW_SERVER_STORE_CONNECTIONS_H_
#define SKEW_SERVER_STORE_CONNECTIONS_H_

#include <cstdint>
#include <deque>
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

  // Opens or creates the file, checks that it is whole (see Database::CheckIntegrity) and migrates it. DATA_LOSS, with
  // what to do, when it is damaged: then nothing was changed. Other errors as in sqlite.h and schema.h.
  static absl::StatusOr<std::unique_ptr<Connections>> Open(const std::string& path,
                                                           absl::Duration busy_timeout = absl::Seconds(5));

  ~Connections();
  Connections(const Connections&) = delete;
  Connections& operator=(const Connections&) = delete;

  // Must be called before the first Write.
  void SetListener(Listener listener) { listener_ = std::move(listener); }

  // Runs `work` once, atomically and with no other at the same time, perhaps on the thread of another caller: committed
  // to disk when OK is returned, without a trace otherwise. One that fails does not concern those it shares a
  // transaction with; only a failure of the transaction itself (a disk that is full) fails them all. `now` is what the
  // work writes as the time.
  absl::Status Write(absl::Time now, absl::FunctionRef<absl::Status(WriteScope&)> work);

  // Runs `work` on one snapshot; many callers at once.
  absl::Status Read(absl::FunctionRef<absl::Status(Database&)> work);

  // Of the database file.
  const std::string& path() const { return path_; }

  // Copies the database, with everything that was committed, into a new file: see Database::CopyTo.
  absl::Status CopyTo(const std::string& path);

  // Empties the log if it is longer than that: reads that overlap without a gap keep it growing. Errors as of
  // Database::EmptyLog.
  absl::Status ShortenLog(int64_t most_bytes = kLongLogBytes);

  // Callers of Write whose work has not begun.
  size_t waiting_writes() const;

  // Connections that are kept for the next reads: a few, however many there were at once.
  size_t idle_readers() const;

  // What is executed on this database, each text once: see Database::KeptStatements. Only of connections that are idle.
  std::vector<std::string> KeptStatements();

 private:
  // A caller of Write, on its stack.
  struct WaitingWrite {
    absl::Time now;
    absl::FunctionRef<absl::Status(WriteScope&)> work;
    absl::Status result;
    std::vector<std::pair<JobId, int64_t>> appended;
    bool done = false;  // guarded by queue_mutex_
  };
  // What a caller of Write waits for.
  struct Turn {
    const Connections* connections;
    const WaitingWrite* write;
  };
  static bool IsTurn(Turn* turn);

  Connections(std::string path, absl::Duration busy_timeout, std::unique_ptr<Database> writer);
  absl::StatusOr<std::unique_ptr<Database>> TakeReader();
  // The writes that `write`, at the head of the queue, is to commit with itself; empty when another caller has done so
  // already. Waits until either is so.
  std::vector<WaitingWrite*> AwaitTurn(WaitingWrite& write);
  void CommitTogether(const std::vector<WaitingWrite*>& writes);
  // Lets those join who are expected.
  void Gather();
  // Lets all who took part go, and the next ones begin.
  void EndTurn(const std::vector<WaitingWrite*>& writes, absl::Duration commit_time);

  const std::string path_;
  const absl::Duration busy_timeout_;
  const int gathered_;  // an eventfd: as many came as were expected
  Listener listener_;
  mutable absl::Mutex queue_mutex_;
  std::deque<WaitingWrite*> queue_ ABSL_GUARDED_BY(queue_mutex_);
  bool committing_ ABSL_GUARDED_BY(queue_mutex_) = false;
  bool gathering_ ABSL_GUARDED_BY(queue_mutex_) = false;
  size_t expected_writes_ ABSL_GUARDED_BY(queue_mutex_) = 1;  // how many took part of late
  absl::Duration patience_ ABSL_GUARDED_BY(queue_mutex_);     // for that many to come
  absl::Mutex write_mutex_;                                   // held across SQL: it is what makes the writer one
  std::unique_ptr<Database> writer_ ABSL_GUARDED_BY(write_mutex_);
  mutable absl::Mutex readers_mutex_;
  std::vector<std::unique_ptr<Database>> idle_readers_ ABSL_GUARDED_BY(readers_mutex_);
};

}  // namespace skew

#endif  // SKEW_SERVER_STORE_CONNECTIONS_H_

// Where everything is below the daemon's state directory.
#ifndef SKEW_SERVER_STORE_STATE_DIR_H_
#define SKEW_SERVER_STORE_STATE_DIR_H_

#include <string>

#include "absl/status/statusor.h"
#include "common/ids.h"
#include "server/store/run_store.h"

namespace skew {

// The folder itself, locked against a second daemon while this object lives.
class StateDir {
 public:
  // Creates the folder and those below it with mode 0700, and gives it that mode if it is there and nothing else is in
  // it. FAILED_PRECONDITION when another daemon has it, or when it has other things and is open to other users;
  // INVALID_ARGUMENT when the path is too long for the sockets in it.
  static absl::StatusOr<StateDir> Open(const std::string& root);
  ~StateDir();
  StateDir(StateDir&& other) noexcept;
  StateDir& operator=(StateDir&& other) = delete;

  std::string Database() const { return root_ + "/skew.db"; }
  std::string ApiSocket() const { return root_ + "/skewd.sock"; }
  std::string WorkerSocket() const { return root_ + "/worker.sock"; }
  std::string Artifacts() const { return root_ + "/artifacts"; }
  std::string Backups() const { return root_ + "/backups"; }
  std::string Quarantine() const { return root_ + "/quarantine"; }
  // The database while a backup is being restored: it gets its name last.
  std::string RestoringDatabase() const { return Database() + ".restoring"; }
  std::string Datasets() const { return root_ + "/datasets"; }
  // A run's own folder while it has not ended.
  std::string WorkDir(RunId run) const { return root_ + "/" + WorkName(run); }
  std::string LogFile(const AttemptId& attempt) const { return root_ + "/" + LogName(attempt); }
  std::string Work() const { return root_ + "/work"; }
  std::string Logs() const { return root_ + "/logs"; }
  // Both below the state directory.
  static std::string WorkName(RunId run) { return "work/" + run.ToString(); }
  static std::string LogName(const AttemptId& attempt) {
    return "logs/" + attempt.run.ToString() + "-" + std::to_string(attempt.number) + ".log";
  }
  const std::string& root() const { return root_; }

 private:
  StateDir(std::string root, int lock_fd) : root_(std::move(root)), lock_fd_(lock_fd) {}

  std::string root_;
  int lock_fd_;
};

}  // namespace skew

#endif  // SKEW_SERVER_STORE_STATE_DIR_H_

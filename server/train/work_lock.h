// One worker at a time in a run's work folder.
#ifndef SKEW_SERVER_TRAIN_WORK_LOCK_H_
#define SKEW_SERVER_TRAIN_WORK_LOCK_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "server/train/stop_request.h"

namespace skew::train {

// Holds flock(2) on <folder>/lock. Movable; the kernel lets go of it when the process ends, however it ends.
class WorkLock {
 public:
  // Tries for `patience`: a worker of an earlier attempt may still be writing its checkpoint. UNAVAILABLE, naming the
  // file, when it is held longer; CANCELLED when `stop` is raised meanwhile; another error when the file cannot be
  // opened.
  static absl::StatusOr<WorkLock> Acquire(const std::string& folder, absl::Duration patience, const StopRequest& stop);

  WorkLock(WorkLock&& other) noexcept;
  WorkLock& operator=(WorkLock&&) = delete;
  ~WorkLock();

 private:
  explicit WorkLock(int file) : file_(file) {}

  int file_;
};

}  // namespace skew::train

#endif  // SKEW_SERVER_TRAIN_WORK_LOCK_H_

// Why a training should stop early, from whoever finds out to whoever trains.
#ifndef SKEW_SERVER_TRAIN_STOP_REQUEST_H_
#define SKEW_SERVER_TRAIN_STOP_REQUEST_H_

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "common/clock.h"

namespace skew::train {

// In the order of precedence: a later one replaces an earlier one.
enum class Stop {
  kNone,
  // Write a checkpoint, then stop.
  kCheckpoint,
  // Stop; nothing of the run is needed any more.
  kCancel,
  // The daemon is gone: write a checkpoint, then stop without saying so to anybody.
  kDaemonLost,
};

// Thread-safe.
class StopRequest {
 public:
  void Raise(Stop stop) {
    absl::MutexLock lock(&mutex_);
    if (stop > stop_) stop_ = stop;
  }

  Stop get() const {
    absl::MutexLock lock(&mutex_);
    return stop_;
  }
  bool raised() const { return get() != Stop::kNone; }

  // Waits until one is raised, at most so long. Returns whether one is.
  bool AwaitRaised(absl::Duration timeout) const {
    absl::MutexLock lock(&mutex_);
    return clock_.AwaitWithDeadline(&mutex_,
                                    absl::Condition(
                                        +[](const Stop* stop) { return *stop != Stop::kNone; }, &stop_),
                                    clock_.Now() + timeout);
  }

 private:
  mutable RealClock clock_;
  mutable absl::Mutex mutex_;
  Stop stop_ ABSL_GUARDED_BY(mutex_) = Stop::kNone;
};

}  // namespace skew::train

#endif  // SKEW_SERVER_TRAIN_STOP_REQUEST_H_

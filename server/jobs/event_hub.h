// Tells watchers that there is something new to read. It holds no events: those are in the store; and it knows only of
// jobs that are being watched.
#ifndef SKEW_SERVER_JOBS_EVENT_HUB_H_
#define SKEW_SERVER_JOBS_EVENT_HUB_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "common/clock.h"
#include "common/ids.h"

namespace skew {

// Thread-safe.
class EventHub {
 public:
  // Somebody who waits for a job's next event.
  class Waiter {
   public:
    virtual ~Waiter() = default;
    // Called once after each successful Arm, on the publishing thread and without a lock: must be quick.
    virtual void Wake() = 0;
  };

  // In place of a job: whoever subscribes to it hears of the events of all jobs.
  static constexpr JobId kAnyJob{0};

  // There is an event of `job` with this revision, on disk.
  void Publish(JobId job, int64_t revision);

  // Somebody is about to read events of `job` and to wait for more: from now on the hub remembers which was the newest,
  // until as many calls of Unsubscribe.
  void Subscribe(JobId job);
  void Unsubscribe(JobId job);

  // Wakes `waiter` at the first event after `after_revision`. False, and nothing will happen, when there is one
  // already, when the hub drains, or when nobody has subscribed to the job: read on instead.
  bool Arm(JobId job, int64_t after_revision, std::shared_ptr<Waiter> waiter);

  // Forgets `waiter`; it may be in the middle of being woken.
  void Disarm(JobId job, const Waiter* waiter);

  // Wakes everybody who waits now, as if there were an event.
  void WakeAll();

  // The server is going away: wakes everybody, now and at every later Arm.
  void Drain();
  bool draining() const;

  // Jobs that somebody has subscribed to.
  size_t topics() const;

  // Waits until the hub drains, at most for `timeout`. Returns whether it does.
  bool AwaitDrain(absl::Duration timeout) const;

 private:
  struct Topic {
    int subscribers = 0;
    int64_t newest = 0;  // since the first of them came
    std::vector<std::shared_ptr<Waiter>> waiters;
  };

  // Of those who wait for events of `job`; notes that there is one.
  void MoveWaiters(JobId job, int64_t revision, std::vector<std::shared_ptr<Waiter>>& waiters)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  std::vector<std::shared_ptr<Waiter>> TakeWaiters() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  mutable RealClock clock_;
  mutable absl::Mutex mutex_;
  absl::flat_hash_map<JobId, Topic> topics_ ABSL_GUARDED_BY(mutex_);
  bool draining_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace skew

#endif  // SKEW_SERVER_JOBS_EVENT_HUB_H_

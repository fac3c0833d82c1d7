// Time as a dependency, so that tests decide what time it is.
#ifndef SKEW_COMMON_CLOCK_H_
#define SKEW_COMMON_CLOCK_H_

#include <functional>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace skew {

// Thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;

  virtual absl::Time Now() = 0;

  // Waits, with `mutex` held as by Mutex::Await, until `condition` holds or `deadline` has come by this clock.
  // Returns whether the condition holds.
  virtual bool AwaitWithDeadline(absl::Mutex* mutex, const absl::Condition& condition, absl::Time deadline) = 0;
};

// The computer's clock, made steady. It begins with the system's time and goes on as time passes. When somebody sets
// the system's clock, this one does not jump: it goes faster or slower by a sixteenth until the two agree again. So it
// never goes back, and lengths of time, deadlines and ages are right but for a sixteenth, whatever is done to the
// system's.
class RealClock final : public Clock {
 public:
  // The system's time, and how long the system has been up, which nobody sets.
  struct Reading {
    absl::Time time;
    absl::Duration up;
  };
  using Source = std::function<Reading()>;
  static Reading ReadSystem();

  explicit RealClock(Source source = ReadSystem);
  ~RealClock() override;
  RealClock(const RealClock&) = delete;
  RealClock& operator=(const RealClock&) = delete;

  absl::Time Now() override;
  // Not by absl::Mutex's own deadlines, which are points of the system's time: a clock that is set back by a day while
  // somebody waits would make him wait a day longer. A thread of this object ends the waits.
  bool AwaitWithDeadline(absl::Mutex* mutex, const absl::Condition& condition, absl::Time deadline) override;

 private:
  // Somebody who waits, on his stack.
  struct Wait {
    absl::Mutex* mutex;
    const absl::Condition* condition;
    absl::Time deadline;
    bool expired = false;  // guarded by *mutex
    bool ending = false;   // guarded by waits_mutex_: the thread is about to set `expired`
  };
  static bool IsOver(Wait* wait) { return wait->expired || wait->condition->Eval(); }

  void Begin(Wait* wait);
  void End(Wait* wait);
  void Loop();
  // Takes out those whose time has come; until when the others have time.
  std::vector<Wait*> TakeDue(absl::Time now, absl::Time& next);

  const Source source_;
  absl::Mutex mutex_;
  absl::Duration up_ ABSL_GUARDED_BY(mutex_);
  absl::Time time_ ABSL_GUARDED_BY(mutex_);

  const int changed_;  // an eventfd: waits_ or stopping_ did
  absl::Mutex waits_mutex_;
  std::vector<Wait*> waits_ ABSL_GUARDED_BY(waits_mutex_);
  bool stopping_ ABSL_GUARDED_BY(waits_mutex_) = false;
  std::thread thread_ ABSL_GUARDED_BY(waits_mutex_);  // from the first wait on
};

}  // namespace skew

#endif  // SKEW_COMMON_CLOCK_H_

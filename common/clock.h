// Time as a dependency, so that tests decide what time it is.
#ifndef SKEW_COMMON_CLOCK_H_
#define SKEW_COMMON_CLOCK_H_

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

// The computer's clock. `deadline` is measured on the wall.
class RealClock final : public Clock {
 public:
  absl::Time Now() override;
  bool AwaitWithDeadline(absl::Mutex* mutex, const absl::Condition& condition, absl::Time deadline) override;
};

}  // namespace skew

#endif  // SKEW_COMMON_CLOCK_H_

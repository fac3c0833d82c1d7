#include "common/clock.h"

namespace skew {

absl::Time RealClock::Now() { return absl::Now(); }

bool RealClock::AwaitWithDeadline(absl::Mutex* mutex, const absl::Condition& condition, absl::Time deadline) {
  return mutex->AwaitWithDeadline(condition, deadline);
}

}  // namespace skew

// What Abseil's locks check of their use.
#ifndef SKEW_COMMON_MUTEX_CHECKS_H_
#define SKEW_COMMON_MUTEX_CHECKS_H_

#include "absl/synchronization/mutex.h"

namespace skew {

// Ends the search for cycles in the order of locks, which distributions build into Abseil and which gRPC's own locks go
// through, too: some percent of what a message costs. Builds with assertions keep it. To be called first in main.
inline void SetMutexChecks() {
#ifdef NDEBUG
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
#endif
}

}  // namespace skew

#endif  // SKEW_COMMON_MUTEX_CHECKS_H_

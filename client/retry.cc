#include "client/retry.h"

#include <algorithm>

#include "absl/time/clock.h"

namespace skew {

bool Retry::Wait(absl::Duration least) {
  const absl::Time now = absl::Now();
  if (!has_waited_) deadline_ = std::min(now + total_, latest_);
  has_waited_ = true;
  if (now >= deadline_ || now + least > deadline_) return false;
  absl::SleepFor(std::min(std::max(wait_, least), deadline_ - now));
  wait_ = std::min(wait_ * 2, absl::Seconds(2));
  return true;
}

}  // namespace skew

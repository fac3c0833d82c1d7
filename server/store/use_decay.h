// How past use of the box comes to count less.
#ifndef SKEW_SERVER_STORE_USE_DECAY_H_
#define SKEW_SERVER_STORE_USE_DECAY_H_

#include <algorithm>
#include <cmath>

#include "absl/time/time.h"

namespace skew {

// What an amount of use has become after `elapsed`.
inline double DecayedUse(double use, absl::Duration elapsed, absl::Duration half_life) {
  return use * std::exp2(-absl::FDivDuration(std::max(elapsed, absl::ZeroDuration()), half_life));
}

// Slot-seconds, decayed up to now, of one slot that has been held for `held` until now: the integral of the decay.
inline double UseOfHolding(absl::Duration held, absl::Duration half_life) {
  const double ln2 = std::log(2.0);
  const double lives = absl::FDivDuration(std::max(held, absl::ZeroDuration()), half_life);
  return absl::ToDoubleSeconds(half_life) / ln2 * -std::expm1(-ln2 * lives);
}

}  // namespace skew

#endif  // SKEW_SERVER_STORE_USE_DECAY_H_

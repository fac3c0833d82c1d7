// How long and how often to try again.
#ifndef SKEW_CLIENT_RETRY_H_
#define SKEW_CLIENT_RETRY_H_

#include "absl/time/time.h"

namespace skew {

// The patience for one outage: waits double from `first_wait` up to two seconds until `total` is used up.
class Retry {
 public:
  Retry(absl::Duration total, absl::Duration first_wait) : total_(total), wait_(first_wait) {}

  // Blocks for the next wait and returns true; returns false at once when the time is used up, which runs from the
  // first call on.
  bool Wait();

  bool has_waited() const { return deadline_ != absl::InfiniteFuture(); }

 private:
  absl::Duration total_;
  absl::Duration wait_;
  absl::Time deadline_ = absl::InfiniteFuture();
};

}  // namespace skew

#endif  // SKEW_CLIENT_RETRY_H_

// How long and how often to try again.
#ifndef SKEW_CLIENT_RETRY_H_
#define SKEW_CLIENT_RETRY_H_

#include "absl/time/time.h"

namespace skew {

// The patience for one outage: waits double from `first_wait` up to two seconds until `total` is used up or it is
// `latest`.
class Retry {
 public:
  Retry(absl::Duration total, absl::Duration first_wait, absl::Time latest = absl::InfiniteFuture())
      : total_(total), wait_(first_wait), latest_(latest) {}

  // Blocks for the next wait, at least for `least`, and returns true; returns false at once when the time, which runs
  // from the first call on, is used up or will be by then.
  bool Wait(absl::Duration least = absl::ZeroDuration());

  bool has_waited() const { return has_waited_; }

 private:
  absl::Duration total_;
  absl::Duration wait_;
  absl::Time latest_;
  absl::Time deadline_ = absl::InfiniteFuture();
  bool has_waited_ = false;
};

}  // namespace skew

#endif  // SKEW_CLIENT_RETRY_H_

// So many in the long run, and some at once.
#ifndef SKEW_COMMON_TOKEN_BUCKET_H_
#define SKEW_COMMON_TOKEN_BUCKET_H_

#include <algorithm>

#include "absl/time/time.h"

namespace skew {

// Fills with `per_second` (above 0) tokens a second up to `most` (at least 1), with which it begins. A clock that is
// set back or forward costs or gives no more than what is in a full one. Thread-compatible.
class TokenBucket {
 public:
  TokenBucket(double per_second, double most, absl::Time now)
      : per_second_(per_second), most_(most), tokens_(most), time_(now) {}

  // Takes a token and returns zero, or takes none and returns how long it will be until there is one.
  absl::Duration Take(absl::Time now) {
    tokens_ = TokensAt(now);
    time_ = now;
    if (tokens_ < 1) return std::max(absl::Seconds((1 - tokens_) / per_second_), absl::Milliseconds(1));
    tokens_ -= 1;
    return absl::ZeroDuration();
  }

  bool IsFull(absl::Time now) const { return TokensAt(now) >= most_; }

 private:
  double TokensAt(absl::Time now) const {
    const double seconds = std::max(absl::ToDoubleSeconds(now - time_), 0.0);
    return std::min(tokens_ + seconds * per_second_, most_);
  }

  double per_second_;
  double most_;
  double tokens_;
  absl::Time time_;
};

}  // namespace skew

#endif  // SKEW_COMMON_TOKEN_BUCKET_H_

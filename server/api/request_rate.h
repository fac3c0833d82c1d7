// How many requests a user may make.
#ifndef SKEW_SERVER_API_REQUEST_RATE_H_
#define SKEW_SERVER_API_REQUEST_RATE_H_

#include <cstdint>
#include <string>
#include <unordered_map>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "common/clock.h"
#include "common/token_bucket.h"

namespace skew {

// One token bucket for each user, and for each peer that is none. Remembers a bounded number of them. Thread-safe.
class RequestRate {
 public:
  // `per_second` requests in the long run, five seconds' worth (at least one) at once; 0: any number. `clock` is
  // borrowed.
  RequestRate(double per_second, Clock* clock) : per_second_(per_second), clock_(clock) {}

  // Counts a request of `who`, e.g. "user 'ada'". RESOURCE_EXHAUSTED, with when to try again, when it is one too many.
  absl::Status Take(const std::string& who);

  // Users and peers that are remembered.
  size_t known() const;

 private:
  struct Account {
    TokenBucket bucket;
    int64_t refused = 0;  // since that was last said
    absl::Time say_next = absl::InfinitePast();
  };

  Account& Find(const std::string& who, absl::Time now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const double per_second_;
  Clock* const clock_;
  mutable absl::Mutex mutex_;
  std::unordered_map<std::string, Account> accounts_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace skew

#endif  // SKEW_SERVER_API_REQUEST_RATE_H_

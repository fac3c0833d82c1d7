// A clock that stands still until it is told otherwise.
#ifndef SKEW_TESTS_TESTING_FAKE_CLOCK_H_
#define SKEW_TESTS_TESTING_FAKE_CLOCK_H_

#include "common/clock.h"

namespace skew {

// For code that only asks for the time: nobody can wait on it. Thread-compatible.
class FakeClock final : public Clock {
 public:
  absl::Time Now() override { return now_; }
  bool AwaitWithDeadline(absl::Mutex* /*mutex*/, const absl::Condition& condition, absl::Time /*deadline*/) override {
    return condition.Eval();
  }
  void Advance(absl::Duration by) { now_ += by; }

 private:
  absl::Time now_ = absl::FromUnixSeconds(1'800'000'000);
};

}  // namespace skew

#endif  // SKEW_TESTS_TESTING_FAKE_CLOCK_H_

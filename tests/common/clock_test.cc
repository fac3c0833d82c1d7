#include "common/clock.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

namespace skew {
namespace {

// A system whose clock is set and whose time passes as the test says.
class FakeSystem {
 public:
  RealClock::Source source() {
    return [this] { return RealClock::Reading{time_, up_}; };
  }
  void Pass(absl::Duration duration) {
    up_ += duration;
    time_ += duration;
  }
  void Set(absl::Duration by) { time_ += by; }

 private:
  absl::Time time_ = absl::FromUnixSeconds(1'800'000'000);
  absl::Duration up_ = absl::Hours(3);
};

TEST(RealClockTest, GoesWithASystemThatNobodySets) {
  FakeSystem system;
  RealClock clock(system.source());
  for (const absl::Duration passed : {absl::Microseconds(1), absl::Seconds(1), absl::Hours(100)}) {
    system.Pass(passed);
    EXPECT_EQ(clock.Now(), system.source()().time);
  }
}

TEST(RealClockTest, LengthsOfTimeAreRightWhileTheSystemsClockIsSet) {
  for (const absl::Duration step : {absl::Hours(24), -absl::Hours(24)}) {
    FakeSystem system;
    RealClock clock(system.source());
    const absl::Time before = clock.Now();
    system.Set(step);
    EXPECT_EQ(clock.Now(), before);
    system.Pass(absl::Minutes(16));
    EXPECT_EQ(clock.Now() - before, absl::Minutes(step > absl::ZeroDuration() ? 17 : 15));
  }
}

TEST(RealClockTest, AgreesWithTheSystemInTheEnd) {
  for (const absl::Duration step : {absl::Hours(24), -absl::Hours(24)}) {
    FakeSystem system;
    RealClock clock(system.source());
    system.Set(step);
    system.Pass(absl::Hours(24) * 15);
    EXPECT_NE(clock.Now(), system.source()().time);
    system.Pass(absl::Hours(24) * 2);
    EXPECT_EQ(clock.Now(), system.source()().time);
  }
}

// The computer's own time, and a step.
class SteppedSystem {
 public:
  RealClock::Source source() {
    return [this] {
      RealClock::Reading reading = RealClock::ReadSystem();
      reading.time += absl::Seconds(step_seconds_.load());
      return reading;
    };
  }
  void Set(absl::Duration by) { step_seconds_ += absl::ToInt64Seconds(by); }

 private:
  std::atomic<int64_t> step_seconds_ = 0;
};

TEST(RealClockTest, AWaitEndsInTimeThoughTheClockIsSetMeanwhile) {
  for (const absl::Duration step : {absl::Hours(24), -absl::Hours(24)}) {
    SteppedSystem system;
    system.Set(step);  // so that the clock is far from the computer's, whose deadlines are others
    RealClock clock(system.source());
    const absl::Duration before = RealClock::ReadSystem().up;
    absl::Mutex mutex;
    bool never = false;
    std::thread setter([&] { system.Set(step); });
    {
      absl::MutexLock lock(&mutex);
      EXPECT_FALSE(clock.AwaitWithDeadline(&mutex, absl::Condition(&never), clock.Now() + absl::Milliseconds(200)));
    }
    setter.join();
    const absl::Duration waited = RealClock::ReadSystem().up - before;
    EXPECT_GE(waited, absl::Milliseconds(180));
    EXPECT_LT(waited, absl::Seconds(60));
  }
}

TEST(RealClockTest, AWaitEndsWhenItsConditionHolds) {
  RealClock clock;
  absl::Mutex mutex;
  bool done = false;
  std::thread other([&] {
    absl::MutexLock lock(&mutex);
    done = true;
  });
  {
    absl::MutexLock lock(&mutex);
    EXPECT_TRUE(clock.AwaitWithDeadline(&mutex, absl::Condition(&done), clock.Now() + absl::Hours(1)));
  }
  other.join();
}

// The moment in which both happen is the one to get wrong.
TEST(RealClockTest, ConditionsAndDeadlinesMeetWithoutHarm) {
  RealClock clock;
  constexpr int kWaiters = 8;
  constexpr int kWaits = 200;
  std::vector<std::thread> threads;
  for (int waiter = 0; waiter < kWaiters; ++waiter) {
    threads.emplace_back([&clock] {
      for (int i = 0; i < kWaits; ++i) {
        absl::Mutex mutex;
        bool done = false;
        std::thread other([&] {
          absl::MutexLock lock(&mutex);
          done = true;
        });
        {
          absl::MutexLock lock(&mutex);
          clock.AwaitWithDeadline(&mutex, absl::Condition(&done), clock.Now() + absl::Microseconds(i));
        }
        other.join();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace skew

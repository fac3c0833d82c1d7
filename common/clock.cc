#include "common/clock.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "absl/time/clock.h"

namespace skew {
namespace {

constexpr int kSlew = 16;

// A wait is looked at again after so long at the latest, since a computer may sleep meanwhile.
constexpr absl::Duration kLongestPoll = absl::Seconds(10);

absl::Duration UpTime() {
  timespec up;
  clock_gettime(CLOCK_BOOTTIME, &up);
  return absl::DurationFromTimespec(up);
}

}  // namespace

RealClock::Reading RealClock::ReadSystem() { return {absl::Now(), UpTime()}; }

RealClock::RealClock(Source source) : source_(std::move(source)), changed_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  const Reading now = source_();
  up_ = now.up;
  time_ = now.time;
}

RealClock::~RealClock() {
  std::thread thread;
  {
    absl::MutexLock lock(&waits_mutex_);
    stopping_ = true;
    thread = std::move(thread_);
  }
  eventfd_write(changed_, 1);
  if (thread.joinable()) thread.join();
  close(changed_);
}

absl::Time RealClock::Now() {
  absl::MutexLock lock(&mutex_);
  const Reading now = source_();
  const absl::Duration passed = std::max(now.up - up_, absl::ZeroDuration());
  up_ = now.up;
  time_ += passed;
  time_ += std::clamp(now.time - time_, -passed / kSlew, passed / kSlew);
  return time_;
}

bool RealClock::AwaitWithDeadline(absl::Mutex* mutex, const absl::Condition& condition, absl::Time deadline) {
  if (condition.Eval()) return true;
  if (deadline == absl::InfiniteFuture()) {
    mutex->Await(condition);
    return true;
  }
  if (deadline <= Now()) return false;
  Wait wait{mutex, &condition, deadline};
  Begin(&wait);
  mutex->Await(absl::Condition(&IsOver, &wait));
  End(&wait);
  return condition.Eval();
}

void RealClock::Begin(Wait* wait) {
  {
    absl::MutexLock lock(&waits_mutex_);
    waits_.push_back(wait);
    if (!thread_.joinable()) thread_ = std::thread([this] { Loop(); });
  }
  eventfd_write(changed_, 1);
}

void RealClock::End(Wait* wait) ABSL_NO_THREAD_SAFETY_ANALYSIS {
  {
    absl::MutexLock lock(&waits_mutex_);
    waits_.erase(std::remove(waits_.begin(), waits_.end(), wait), waits_.end());
    if (!wait->ending) return;
  }
  // The thread waits for the mutex, or has just had it.
  wait->mutex->Unlock();
  {
    absl::MutexLock lock(&waits_mutex_);
    waits_mutex_.Await(absl::Condition(
        +[](Wait* one) { return !one->ending; }, wait));
  }
  wait->mutex->Lock();
}

std::vector<RealClock::Wait*> RealClock::TakeDue(absl::Time now, absl::Time& next) {
  waits_mutex_.AssertHeld();
  const auto due = std::partition(waits_.begin(), waits_.end(), [now](const Wait* one) { return one->deadline > now; });
  std::vector<Wait*> taken(due, waits_.end());
  waits_.erase(due, waits_.end());
  for (Wait* wait : taken) wait->ending = true;
  next = now + kLongestPoll;
  for (const Wait* wait : waits_) next = std::min(next, wait->deadline);
  return taken;
}

void RealClock::Loop() {
  while (true) {
    const absl::Time now = Now();
    absl::Time next;
    std::vector<Wait*> due;
    bool idle = false;
    {
      absl::MutexLock lock(&waits_mutex_);
      if (stopping_) return;
      due = TakeDue(now, next);
      idle = waits_.empty();
    }
    for (Wait* wait : due) {
      {
        absl::MutexLock lock(wait->mutex);
        wait->expired = true;
      }
      absl::MutexLock lock(&waits_mutex_);
      wait->ending = false;
    }
    pollfd event{changed_, POLLIN, 0};
    poll(&event, 1,
         idle ? -1 : static_cast<int>(absl::ToInt64Milliseconds(absl::Ceil(next - now, absl::Milliseconds(1)))));
    eventfd_t ignored;
    eventfd_read(changed_, &ignored);
  }
}

}  // namespace skew

#include "server/jobs/event_hub.h"

#include <algorithm>
#include <utility>

namespace skew {

void EventHub::Publish(JobId job, int64_t revision) {
  std::vector<std::shared_ptr<Waiter>> waiters;
  {
    absl::MutexLock lock(&mutex_);
    Topic& topic = topics_[job];
    topic.newest = std::max(topic.newest, revision);
    waiters.swap(topic.waiters);
  }
  for (const std::shared_ptr<Waiter>& waiter : waiters) waiter->Wake();
}

bool EventHub::Arm(JobId job, int64_t after_revision, std::shared_ptr<Waiter> waiter) {
  absl::MutexLock lock(&mutex_);
  Topic& topic = topics_[job];
  if (draining_ || topic.newest > after_revision) return false;
  topic.waiters.push_back(std::move(waiter));
  return true;
}

void EventHub::Disarm(JobId job, const Waiter* waiter) {
  absl::MutexLock lock(&mutex_);
  std::erase_if(topics_[job].waiters, [waiter](const std::shared_ptr<Waiter>& one) { return one.get() == waiter; });
}

std::vector<std::shared_ptr<EventHub::Waiter>> EventHub::TakeWaiters() {
  std::vector<std::shared_ptr<Waiter>> waiters;
  for (auto& [job, topic] : topics_) {
    waiters.insert(waiters.end(), topic.waiters.begin(), topic.waiters.end());
    topic.waiters.clear();
  }
  return waiters;
}

void EventHub::WakeAll() {
  std::vector<std::shared_ptr<Waiter>> waiters;
  {
    absl::MutexLock lock(&mutex_);
    waiters = TakeWaiters();
  }
  for (const std::shared_ptr<Waiter>& waiter : waiters) waiter->Wake();
}

void EventHub::Drain() {
  std::vector<std::shared_ptr<Waiter>> waiters;
  {
    absl::MutexLock lock(&mutex_);
    draining_ = true;
    waiters = TakeWaiters();
  }
  for (const std::shared_ptr<Waiter>& waiter : waiters) waiter->Wake();
}

bool EventHub::draining() const {
  absl::MutexLock lock(&mutex_);
  return draining_;
}

bool EventHub::AwaitDrain(absl::Duration timeout) const {
  absl::MutexLock lock(&mutex_);
  return mutex_.AwaitWithTimeout(absl::Condition(&draining_), timeout);
}

}  // namespace skew

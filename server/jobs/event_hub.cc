#include "server/jobs/event_hub.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace skew {

void EventHub::Publish(JobId job, int64_t revision) {
  std::vector<std::shared_ptr<Waiter>> waiters;
  {
    absl::MutexLock lock(&mutex_);
    MoveWaiters(job, revision, waiters);
    MoveWaiters(kAnyJob, revision, waiters);
  }
  for (const std::shared_ptr<Waiter>& waiter : waiters) waiter->Wake();
}

void EventHub::MoveWaiters(JobId job, int64_t revision, std::vector<std::shared_ptr<Waiter>>& waiters) {
  const auto topic = topics_.find(job);
  if (topic == topics_.end()) return;
  topic->second.newest = std::max(topic->second.newest, revision);
  std::move(topic->second.waiters.begin(), topic->second.waiters.end(), std::back_inserter(waiters));
  topic->second.waiters.clear();
}

void EventHub::Subscribe(JobId job) {
  absl::MutexLock lock(&mutex_);
  ++topics_[job].subscribers;
}

void EventHub::Unsubscribe(JobId job) {
  absl::MutexLock lock(&mutex_);
  const auto topic = topics_.find(job);
  if (topic != topics_.end() && --topic->second.subscribers == 0) topics_.erase(topic);
}

bool EventHub::Arm(JobId job, int64_t after_revision, std::shared_ptr<Waiter> waiter) {
  absl::MutexLock lock(&mutex_);
  const auto topic = topics_.find(job);
  if (draining_ || topic == topics_.end() || topic->second.newest > after_revision) return false;
  topic->second.waiters.push_back(std::move(waiter));
  return true;
}

void EventHub::Disarm(JobId job, const Waiter* waiter) {
  absl::MutexLock lock(&mutex_);
  const auto topic = topics_.find(job);
  if (topic == topics_.end()) return;
  std::erase_if(topic->second.waiters, [waiter](const std::shared_ptr<Waiter>& one) { return one.get() == waiter; });
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

size_t EventHub::topics() const {
  absl::MutexLock lock(&mutex_);
  return topics_.size();
}

bool EventHub::AwaitDrain(absl::Duration timeout) const {
  absl::MutexLock lock(&mutex_);
  return clock_.AwaitWithDeadline(&mutex_, absl::Condition(&draining_), clock_.Now() + timeout);
}

}  // namespace skew

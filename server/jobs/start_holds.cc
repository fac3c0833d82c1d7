#include "server/jobs/start_holds.h"

#include <algorithm>
#include <cstdint>

namespace skew {

absl::Duration HoldAfter(int failures) { return absl::Seconds(int64_t{1} << std::clamp(failures - 1, 0, 5)); }

void StartHolds::Extend(Hold& hold, const std::string& why) const {
  hold.why = why;
  hold.until = clock_->Now() + HoldAfter(++hold.times);
}

int StartHolds::NoteFailedStart(const std::string& why) {
  absl::MutexLock lock(&mutex_);
  Extend(starts_, why);
  return starts_.times;
}

bool StartHolds::NoteStart() {
  absl::MutexLock lock(&mutex_);
  const bool failed = starts_.times > 0;
  starts_ = Hold();
  return failed;
}

int StartHolds::HoldJob(JobId job, const std::string& why) {
  absl::MutexLock lock(&mutex_);
  Hold& hold = jobs_[job];
  Extend(hold, why);
  return hold.times;
}

void StartHolds::ReleaseJob(JobId job) {
  absl::MutexLock lock(&mutex_);
  jobs_.erase(job);
}

bool StartHolds::MayStart(bool starting) const {
  absl::MutexLock lock(&mutex_);
  return starts_.times == 0 || (!starting && clock_->Now() >= starts_.until);
}

absl::Time StartHolds::Until(absl::Time after) const {
  absl::MutexLock lock(&mutex_);
  absl::Time next = starts_.until > after ? starts_.until : absl::InfiniteFuture();
  for (const auto& [job, hold] : jobs_) {
    if (hold.until > after) next = std::min(next, hold.until);
  }
  return next;
}

std::string StartHolds::Why() const {
  absl::MutexLock lock(&mutex_);
  return starts_.why;
}

std::map<JobId, std::string> StartHolds::Jobs() const {
  absl::MutexLock lock(&mutex_);
  std::map<JobId, std::string> held;
  for (const auto& [job, hold] : jobs_) {
    if (hold.until > clock_->Now()) held.emplace(job, hold.why);
  }
  return held;
}

}  // namespace skew

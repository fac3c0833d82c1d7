#include "tests/bench/watch_load.h"

#include <algorithm>
#include <chrono>
#include <thread>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "common/proto_time.h"
#include "skew/v1/job_service.grpc.pb.h"

namespace skew {

class Watcher final : public grpc::ClientReadReactor<v1::WatchJobResponse> {
 public:
  Watcher(const std::shared_ptr<grpc::Channel>& channel, const std::string& job, int64_t after_revision)
      : stub_(v1::JobService::NewStub(channel)) {
    context_.set_wait_for_ready(true);
    request_.set_job_id(job);
    request_.set_after_revision(after_revision);
    stub_->async()->WatchJob(&context_, &request_, this);
    StartRead(&response_);
    StartCall();
  }

  ~Watcher() override {
    absl::MutexLock lock(&mutex_);
    mutex_.Await(absl::Condition(&done_));
  }

  void Cancel() { context_.TryCancel(); }

  int64_t seen() {
    absl::MutexLock lock(&mutex_);
    return seen_;
  }

  bool broken() {
    absl::MutexLock lock(&mutex_);
    return broken_ || done_;
  }

  void TakeLatencies(std::vector<double>& all) {
    absl::MutexLock lock(&mutex_);
    all.insert(all.end(), latencies_.begin(), latencies_.end());
    latencies_.clear();
  }

  void OnReadDone(bool ok) override {
    if (!ok) return;
    const absl::Time now = absl::Now();
    if (response_.has_event()) {
      absl::MutexLock lock(&mutex_);
      latencies_.push_back(absl::ToDoubleMilliseconds(now - FromProto(response_.event().time())));
      if (sequence_ != 0 && response_.event().sequence() != sequence_ + 1) broken_ = true;
      sequence_ = response_.event().sequence();
      ++seen_;
    }
    StartRead(&response_);
  }

  void OnDone(const grpc::Status& /*status*/) override {
    absl::MutexLock lock(&mutex_);
    done_ = true;
  }

 private:
  std::unique_ptr<v1::JobService::Stub> stub_;
  grpc::ClientContext context_;
  v1::WatchJobRequest request_;
  v1::WatchJobResponse response_;  // of the read under way
  absl::Mutex mutex_;
  int64_t seen_ ABSL_GUARDED_BY(mutex_) = 0;
  int64_t sequence_ ABSL_GUARDED_BY(mutex_) = 0;
  bool broken_ ABSL_GUARDED_BY(mutex_) = false;
  bool done_ ABSL_GUARDED_BY(mutex_) = false;
  std::vector<double> latencies_ ABSL_GUARDED_BY(mutex_);
};

namespace {

template <typename Condition>
bool AwaitCondition(const Condition& condition, absl::Duration timeout) {
  const absl::Time deadline = absl::Now() + timeout;
  while (!condition()) {
    if (absl::Now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return true;
}

}  // namespace

WatchLoad::WatchLoad(const std::vector<std::shared_ptr<grpc::Channel>>& channels, const std::vector<std::string>& jobs,
                     int64_t after_revision) {
  for (size_t i = 0; i < jobs.size(); ++i) {
    watchers_.push_back(std::make_unique<Watcher>(channels[i % channels.size()], jobs[i], after_revision));
  }
}

WatchLoad::~WatchLoad() {
  for (const std::unique_ptr<Watcher>& watcher : watchers_) watcher->Cancel();
}

bool WatchLoad::AwaitEvents(int64_t of_each, absl::Duration timeout) const {
  return AwaitCondition(
      [&] {
        return std::all_of(watchers_.begin(), watchers_.end(),
                           [&](const std::unique_ptr<Watcher>& watcher) { return watcher->seen() >= of_each; });
      },
      timeout);
}

bool WatchLoad::AwaitTotal(int64_t events, absl::Duration timeout) const {
  return AwaitCondition(
      [&] {
        int64_t total = 0;
        for (const std::unique_ptr<Watcher>& watcher : watchers_) total += watcher->seen();
        return total >= events;
      },
      timeout);
}

std::vector<double> WatchLoad::TakeLatencies() {
  std::vector<double> all;
  for (const std::unique_ptr<Watcher>& watcher : watchers_) watcher->TakeLatencies(all);
  return all;
}

int WatchLoad::broken() const {
  return static_cast<int>(std::count_if(watchers_.begin(), watchers_.end(),
                                        [](const std::unique_ptr<Watcher>& watcher) { return watcher->broken(); }));
}

}  // namespace skew

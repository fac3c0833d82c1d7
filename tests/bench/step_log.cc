#include "tests/bench/step_log.h"

#include "common/proto_time.h"

namespace skew {
namespace {

Client::Options OptionsFor(const std::string& server) {
  Client::Options options;
  options.server = {server, "the load", ""};
  options.own_connection = true;
  return options;
}

}  // namespace

StepLog::StepLog(const std::string& server, const std::string& job)
    : server_(server), job_(job), client_(OptionsFor(server)) {
  thread_ = std::thread([this] {
    const absl::Status status = client_.WatchJob(job_, 0, [this](const v1::Event& event) {
      Note(event);
      return stopping_ ? absl::CancelledError("enough") : absl::OkStatus();
    });
    absl::MutexLock lock(&mutex_);
    if (!stopping_) status_ = status;
  });
}

StepLog::~StepLog() {
  stopping_ = true;
  // A job that does not report would leave the watch without an event to end at.
  (void)Client(OptionsFor(server_)).CancelJob(job_);
  thread_.join();
}

void StepLog::Note(const v1::Event& event) {
  if (!event.has_progress()) return;
  absl::MutexLock lock(&mutex_);
  samples_[event.progress().run_id()].push_back({FromProto(event.time()), event.progress().progress().step()});
}

bool StepLog::AwaitRuns(size_t runs, absl::Duration timeout) {
  struct Wanted {
    StepLog* log;
    size_t runs;
  } wanted{this, runs};
  absl::MutexLock lock(&mutex_);
  return mutex_.AwaitWithTimeout(
      absl::Condition(
          +[](Wanted* one) ABSL_NO_THREAD_SAFETY_ANALYSIS { return one->log->samples_.size() >= one->runs; }, &wanted),
      timeout);
}

double StepLog::Rate(absl::Time from, absl::Time to) {
  absl::MutexLock lock(&mutex_);
  double total = 0;
  for (const auto& [run, samples] : samples_) {
    const Sample* first = nullptr;
    const Sample* last = nullptr;
    for (const Sample& one : samples) {
      if (one.time < from || one.time > to) continue;
      if (first == nullptr) first = &one;
      last = &one;
    }
    if (first == last) return 0;
    total += static_cast<double>(last->step - first->step) / absl::ToDoubleSeconds(last->time - first->time);
  }
  return total;
}

absl::Status StepLog::status() {
  absl::MutexLock lock(&mutex_);
  return status_;
}

}  // namespace skew

// How fast runs train, by their own account.
#ifndef SKEW_TESTS_BENCH_STEP_LOG_H_
#define SKEW_TESTS_BENCH_STEP_LOG_H_

#include <atomic>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "client/client.h"

namespace skew {

// Watches a job and notes the progress of its runs. Thread-safe.
class StepLog {
 public:
  StepLog(const std::string& server, const std::string& job);
  // Cancels the job, which ends the watch.
  ~StepLog();

  // Waits until so many runs have trained. False when that has not come about after `timeout`.
  bool AwaitRuns(size_t runs, absl::Duration timeout);

  // Steps a second of all runs together between the two times; 0 when a run has not reported twice in between.
  double Rate(absl::Time from, absl::Time to);

  // Of the watch.
  absl::Status status();

 private:
  struct Sample {
    absl::Time time;
    int64_t step;
  };

  void Note(const v1::Event& event);

  const std::string server_;
  const std::string job_;
  Client client_;
  std::atomic<bool> stopping_ = false;
  absl::Mutex mutex_;
  std::map<std::string, std::vector<Sample>> samples_ ABSL_GUARDED_BY(mutex_);  // by run
  absl::Status status_ ABSL_GUARDED_BY(mutex_);
  std::thread thread_;
};

}  // namespace skew

#endif  // SKEW_TESTS_BENCH_STEP_LOG_H_

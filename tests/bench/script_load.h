// Scripts that poll.
#ifndef SKEW_TESTS_BENCH_SCRIPT_LOAD_H_
#define SKEW_TESTS_BENCH_SCRIPT_LOAD_H_

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "client/client.h"

namespace skew {

// Each script is a thread with a client of its own (the one in skewctl) and a connection of its own, and asks once a
// period: for the jobs, the job and its results, in turn. Thread-safe.
class ScriptLoad {
 public:
  ScriptLoad(const std::string& server, const std::string& job, int scripts, absl::Duration period);
  // Joins the threads.
  ~ScriptLoad();

  // Milliseconds of the calls since the call before.
  std::vector<double> TakeLatencies();

  // Of all calls that failed, retries included.
  std::vector<std::string> Errors();

 private:
  // The first call is at `next`.
  void Poll(const std::string& server, const std::string& job, int number, absl::Time next);
  bool AwaitNext(absl::Time next);

  const absl::Duration period_;
  absl::Mutex mutex_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::vector<double> latencies_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::string> errors_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::thread> threads_;
};

}  // namespace skew

#endif  // SKEW_TESTS_BENCH_SCRIPT_LOAD_H_

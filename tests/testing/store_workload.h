// A day in the life of a store, in small: every kind of change that the daemon makes, by its own code.
#ifndef SKEW_TESTS_TESTING_STORE_WORKLOAD_H_
#define SKEW_TESTS_TESTING_STORE_WORKLOAD_H_

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "skew/worker/v1/worker.pb.h"
#include "tests/testing/opened_store.h"

namespace skew {

// Something that was acknowledged, and so has to be found afterwards.
struct Promise {
  std::string what;
  std::function<absl::Status(OpenedStore&)> check;
};

// Each step is done again until it is acknowledged, as clients, workers and the scheduler do.
class StoreWorkload {
 public:
  // Called with every promise, as soon as it is given; from several threads.
  using OnPromise = std::function<void(Promise)>;
  // Called with every error; says whether to try again.
  using OnError = std::function<bool(const absl::Status&)>;

  // Works on the state directory `root`, which need not exist.
  StoreWorkload(std::string root, OnPromise on_promise, OnError on_error = nullptr);

  // Studies, the training of their judge, a retry, cancels, pauses, many submissions at once, checkpoints of the
  // database's log, a backup, a purge, and a restart in between.
  absl::Status Run();

 private:
  absl::Status Retry(const std::function<absl::Status()>& step);
  void Promised(std::string what, std::function<absl::Status(OpenedStore&)> check);
  absl::Status Open();
  absl::Status Submit(const std::string& request, const std::string& owner, int runs, JobId* id = nullptr);
  absl::Status SubmitAtOnce(int threads, int each);
  absl::Status Claim(AttemptId& attempt);
  absl::Status Report(const AttemptId& attempt, int64_t number, worker::v1::Report report);
  absl::Status HandOver(const AttemptId& attempt, int64_t number, const std::string& name, const std::string& content);
  absl::Status End(const AttemptId& attempt, v1::RunState state, v1::Reason reason = v1::REASON_UNSPECIFIED);
  absl::Status TrainJudge();
  absl::Status TrainRun(const AttemptId& attempt, v1::RunState end);
  absl::Status Cancel(JobId job);
  absl::Status ReturnJournal(const std::string& mode);
  absl::Status BackUp(const std::string& name);
  absl::Status TrainAndPurge();

  const std::string root_;
  const OnPromise on_promise_;
  const OnError on_error_;
  std::unique_ptr<OpenedStore> store_;
  int tokens_ = 0;
  bool promises_ = true;
};

}  // namespace skew

#endif  // SKEW_TESTS_TESTING_STORE_WORKLOAD_H_

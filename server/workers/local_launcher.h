// Workers as child processes on this machine.
#ifndef SKEW_SERVER_WORKERS_LOCAL_LAUNCHER_H_
#define SKEW_SERVER_WORKERS_LOCAL_LAUNCHER_H_

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "server/jobs/launcher.h"
#include "server/workers/out_of_memory.h"

namespace skew {

// Starts every worker in a process group of its own, pinned to its leased cores, with as many OpenMP threads as cores,
// and waits for it on a thread of its own. Workers outlive this process: a later daemon adopts them.
class LocalLauncher final : public Launcher {
 public:
  struct Options {
    std::string worker_program;      // path of skew-worker
    std::string daemon_address;      // where workers attach, e.g. "unix:/var/lib/skew/worker.sock"
    absl::Duration worker_patience;  // for how long they wait for a daemon that is gone
    std::function<int64_t()> out_of_memory_kills = CountOutOfMemoryKills;  // another one for tests, and so is:
    std::function<std::thread(std::function<void()>)> start_thread = [](std::function<void()> body) {
      return std::thread(std::move(body));
    };
  };

  explicit LocalLauncher(Options options);
  // Kills what still runs, unless it was released, and waits for it.
  ~LocalLauncher() override;

  void SetOnExit(OnExit on_exit) override { on_exit_ = std::move(on_exit); }
  absl::StatusOr<ProcessIdentity> Start(const Launch& launch) override;
  absl::StatusOr<absl::Duration> Adopt(const AttemptId& attempt, const ProcessIdentity& process) override;
  void Kill(const AttemptId& attempt) override;
  void EndOrphans(const std::vector<ProcessIdentity>& orphans, absl::Duration grace) override;
  void Release() override;

 private:
  struct Child {
    pid_t pid = 0;
    bool adopted = false;  // not a child of this process: its exit code is not to be had
    std::thread waiter;
    bool gone = false;  // reaped, or seen to be gone: its pid may be somebody else's
  };

  // RESOURCE_EXHAUSTED when no thread can be had; the handle is closed then.
  absl::Status Watch(const AttemptId& attempt, pid_t pid, int process_fd, bool adopted)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Wait(const AttemptId& attempt, pid_t pid, int process_fd);
  // Waits for the end of the process, if it comes before Release.
  bool AwaitEnd(int process_fd, OutOfMemoryWatch& memory) const;
  WorkerExit Reap(const AttemptId& attempt, pid_t pid);
  void JoinFinished();
  void JoinAll();

  const Options options_;
  OnExit on_exit_;
  const int released_;  // an eventfd that ends all waiting
  absl::Mutex mutex_;
  std::map<AttemptId, Child> children_ ABSL_GUARDED_BY(mutex_);
};

// Identity of a process that runs; NOT_FOUND when there is none with this number.
absl::StatusOr<ProcessIdentity> IdentifyProcess(int64_t pid);

}  // namespace skew

#endif  // SKEW_SERVER_WORKERS_LOCAL_LAUNCHER_H_

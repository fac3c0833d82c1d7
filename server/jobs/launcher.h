// Starting worker processes, wherever they run.
#ifndef SKEW_SERVER_JOBS_LAUNCHER_H_
#define SKEW_SERVER_JOBS_LAUNCHER_H_

#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "server/jobs/device_ledger.h"
#include "server/store/run_store.h"

namespace skew {

// Everything a launcher needs to know of an attempt.
struct Launch {
  AttemptId attempt;
  std::string token;  // for the environment, never for the command line
  Lease lease;
  std::string log_file;  // takes the worker's standard output and error
};

// How a worker process ended: by exiting with a code, or by a signal.
struct WorkerExit {
  bool signalled = false;
  int code = 0;       // exit code or signal number
  bool known = true;  // false: a worker that an earlier daemon started, which only that one could have been told
  bool out_of_memory = false;    // the system killed for want of memory just then
  std::string not_started = "";  // why no worker came for its order: nothing that the run could have to do with
  int failed_starts = 1;         // of any run in a row, this one included, where it was not started
  std::string refused = "";      // why what it sent could not be taken, after which it was killed
};

// Thread-safe.
class Launcher {
 public:
  // Called once per started or adopted attempt, when its process is gone, on a thread of the launcher.
  using OnExit = std::function<void(const AttemptId&, const WorkerExit&)>;

  virtual ~Launcher() = default;

  // Must be called before the first Start.
  virtual void SetOnExit(OnExit on_exit) = 0;

  // Whatever the error is, it is not the run's: no descriptors, processes, memory or room are left, or there is no such
  // program.
  virtual absl::StatusOr<ProcessIdentity> Start(const Launch& launch) = 0;

  // Looks after a process that an earlier daemon started, and says for how long it has been running. NOT_FOUND when it
  // is gone, FAILED_PRECONDITION when the system was started anew since.
  virtual absl::StatusOr<absl::Duration> Adopt(const AttemptId& attempt, const ProcessIdentity& process) = 0;

  // Kills the attempt's process and all of its group at once; nothing happens when it is gone.
  virtual void Kill(const AttemptId& attempt) = 0;

  // Ends processes that an earlier daemon started: asks them to stop, waits for `grace`, kills the rest, and returns
  // when all are gone. Those that are gone already cost no time.
  virtual void EndOrphans(const std::vector<ProcessIdentity>& orphans, absl::Duration grace) = 0;

  // Lets every worker go on for a later daemon to adopt. Nothing is started, killed or told after that.
  virtual void Release() = 0;
};

}  // namespace skew

#endif  // SKEW_SERVER_JOBS_LAUNCHER_H_

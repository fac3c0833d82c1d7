// A worker process without its flags.
#ifndef SKEW_SERVER_TRAIN_WORKER_H_
#define SKEW_SERVER_TRAIN_WORKER_H_

#include <string>

#include "absl/time/time.h"
#include "common/clock.h"
#include "common/worker_exit.h"
#include "server/train/stop_request.h"

namespace skew::train {

// Exit codes, beside kExitDaemonLost.
enum WorkerExitCode : int {
  // The run has ended, well or not, and the daemon has every report.
  kExitReported = 0,
  // The daemon gave no order.
  kExitRefused = 1,
};

struct WorkerOptions {
  // "unix:/path" or "host:port".
  std::string daemon;
  std::string token;
  // For how long a daemon that is gone is waited for, while training goes on.
  absl::Duration patience = absl::ZeroDuration();
};

// Attaches, works, reports, and returns the exit code. The one place that catches exceptions. Raising `stop` ends it
// early; `stop` and `clock` are borrowed.
int RunWorker(const WorkerOptions& options, StopRequest* stop, Clock* clock);

}  // namespace skew::train

#endif  // SKEW_SERVER_TRAIN_WORKER_H_

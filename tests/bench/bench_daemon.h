// A real skewd as a process of its own.
#ifndef SKEW_TESTS_BENCH_BENCH_DAEMON_H_
#define SKEW_TESTS_BENCH_BENCH_DAEMON_H_

#include <signal.h>
#include <sys/types.h>

#include <memory>
#include <string>
#include <vector>

#include "grpcpp/grpcpp.h"
#include "skew/v1/job.pb.h"

namespace skew {

// Starts skewd on a state directory that outlives it. Problems end the program: a benchmark without its
// daemon has nothing to say.
class BenchDaemon {
 public:
  struct Options {
    std::string program;    // skewd
    std::string worker;     // scripted-worker
    std::string state_dir;  // short enough for a socket's path
    std::string datasets;
    std::string devices = "cpu:1x1";
    std::vector<std::string> flags = {};  // more of them
  };

  // Returns when it serves.
  explicit BenchDaemon(const Options& options);
  // SIGTERM: workers stop, too.
  ~BenchDaemon();

  // SIGKILL: what the daemon has acknowledged must be there when it comes back. The next one on the same state
  // directory ends its workers.
  void Kill() { End(SIGKILL); }

  // A new connection over the daemon's unix socket.
  std::shared_ptr<grpc::Channel> Connect() const;

  // What it listens on, in the order of its flags; the unix socket is the first.
  std::vector<std::string> Addresses() const;

  // Resident memory, in MB of 10^6 bytes.
  double ResidentMegabytes() const;

  // Processor time of the daemon without its workers, since it started.
  double CpuSeconds() const;

  // From the start of the process until it served.
  double StartSeconds() const { return start_seconds_; }

 private:
  void End(int signal);

  const Options options_;
  pid_t pid_ = 0;
  double start_seconds_ = 0;
};

// A small study; its worker does what `script` says (see scripted_worker.cc).
v1::JobSpec BenchSpec(const std::string& script);

// Syncs of 8 KB that a file in `folder` takes in a second, measured for a second.
double SyncsPerSecond(const std::string& folder);

}  // namespace skew

#endif  // SKEW_TESTS_BENCH_BENCH_DAEMON_H_

// skewd: signals, start and end of a Daemon, exit code. Nothing else.
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/time.h"
#include "common/file.h"
#include "common/mutex_checks.h"
#include "server/api/local_peer.h"
#include "server/daemon.h"
#include "server/flags.h"
#include "server/store/restore.h"
#include "spdlog/sinks/stdout_sinks.h"
#include "spdlog/spdlog.h"

namespace {

using OnStop = skew::Scheduler::OnStop;

// Blocks SIGTERM and SIGINT for all threads to come and returns a descriptor to read them from.
int BlockSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  signal(SIGPIPE, SIG_IGN);
  return signalfd(-1, &signals, SFD_CLOEXEC);
}

// A watcher is a connection: as many as the system allows, not as many as it gives by default.
void RaiseOpenFileLimit() {
  rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

void AwaitSignal(int descriptor) {
  signalfd_siginfo info;
  while (read(descriptor, &info, sizeof(info)) != static_cast<ssize_t>(sizeof(info))) {
  }
}

bool HasSignal(int descriptor, absl::Duration pause) {
  pollfd event{descriptor, POLLIN, 0};
  return poll(&event, 1, static_cast<int>(absl::ToInt64Milliseconds(pause))) > 0;
}

// Waits for room on a full disk: nothing is lost meanwhile, and workers that are there train on.
absl::StatusOr<std::unique_ptr<skew::Daemon>> StartWhenThereIsRoom(const skew::Daemon::Options& options, int signals) {
  bool told = false;
  while (true) {
    absl::StatusOr<std::unique_ptr<skew::Daemon>> daemon = skew::Daemon::Start(options);
    if (!absl::IsResourceExhausted(daemon.status())) return daemon;
    if (!told) {
      spdlog::warn("cannot start yet, and tries again every second: {}. Make room where {} is; nothing is lost",
                   std::string(daemon.status().message()), options.state_dir);
      told = true;
    }
    if (HasSignal(signals, absl::Seconds(1))) return daemon;
  }
}

int Fail(const absl::Status& status) {
  std::fprintf(stderr, "skewd: %s\n", std::string(status.message()).c_str());
  return status.code() == absl::StatusCode::kInvalidArgument ? 2 : 1;
}

// A worker that cannot be started would fail every run, one after the other.
absl::Status CheckWorker(const std::string& program) {
  std::error_code error;
  if (!std::filesystem::exists(program, error)) {
    return absl::InvalidArgumentError(
        absl::StrCat("--worker: there is no ", program, ", and without skew-worker no run can be trained"));
  }
  if (std::filesystem::is_regular_file(program, error) && access(program.c_str(), X_OK) == 0) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("--worker: ", program, " is not a program that can be executed"));
}

void WarnOfMissingDatasets(const std::string& folder) {
  std::error_code error;
  if (folder.empty() || std::filesystem::is_directory(folder, error)) return;
  spdlog::warn("--datasets: there is no folder {}, and without datasets no study can be submitted", folder);
}

// How many of the backup's artifacts there are, and how many of them were whole.
std::string ArtifactsText(const skew::Restored& restored) {
  std::set<std::string> whole;
  for (const skew::v1::BackedUpFile& file : restored.manifest.artifacts()) whole.insert(file.digest());
  std::set<std::string> all = whole;
  for (const std::string& digest : restored.damaged) {
    whole.erase(digest);
    all.insert(digest);
  }
  return whole.size() == all.size() ? absl::StrCat(all.size(), all.size() == 1 ? " artifact" : " artifacts")
                                    : absl::StrCat(whole.size(), " of ", all.size(), " artifacts");
}

int Restore(const skew::Flags& flags) {
  const absl::StatusOr<skew::StateDir> state = skew::StateDir::Open(flags.daemon.state_dir);
  if (!state.ok()) return Fail(state.status());
  const std::string login = skew::LoginOf(geteuid());
  const absl::StatusOr<skew::Restored> restored =
      skew::Restore(flags.restore, *state, {login, absl::StrCat("login ", login)});
  if (!restored.ok()) return Fail(restored.status());
  std::fprintf(stderr, "restored %s: the store up to revision %lld, %s\n", flags.restore.c_str(),
               static_cast<long long>(restored->manifest.revision()), ArtifactsText(*restored).c_str());
  for (const std::string& digest : restored->damaged) {
    std::fprintf(stderr, "the backup has no whole file of artifact %s\n", digest.c_str());
  }
  if (!restored->damaged.empty()) {
    std::fprintf(stderr,
                 "once skewd runs, 'skewctl admin check' and 'skewctl admin quarantine' say which runs lack them\n");
  }
  return 0;
}

// From now on one ends the program at once.
void LetSignalsKill() {
  signal(SIGTERM, SIG_DFL);
  signal(SIGINT, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  pthread_sigmask(SIG_SETMASK, &none, nullptr);
}

// Says that it serves, and where: in the file first, for whoever waits for the line.
absl::Status Announce(const skew::Daemon& daemon, const std::string& address_file) {
  if (!address_file.empty()) {
    const std::string lines = absl::StrJoin(daemon.addresses(), "\n");
    absl::Status written = skew::WriteFileAtomically(address_file, lines + "\n");
    if (!written.ok()) return written;
  }
  std::fprintf(stderr, "READY %s\n", absl::StrJoin(daemon.addresses(), " ").c_str());
  return absl::OkStatus();
}

int Serve(const skew::Flags& flags) {
  if (const absl::Status worker = CheckWorker(flags.daemon.worker_program); !worker.ok()) return Fail(worker);
  WarnOfMissingDatasets(flags.daemon.datasets);
  RaiseOpenFileLimit();
  const int signals = BlockSignals();
  absl::StatusOr<std::unique_ptr<skew::Daemon>> daemon = StartWhenThereIsRoom(flags.daemon, signals);
  if (!daemon.ok()) return Fail(daemon.status());
  if (const absl::Status said = Announce(**daemon, flags.address_file); !said.ok()) return Fail(said);
  AwaitSignal(signals);
  std::fprintf(stderr, "draining: workers %s\n",
               flags.daemon.scheduler.on_stop == OnStop::kDetach ? "train on" : "checkpoint and stop");
  LetSignalsKill();  // everything acknowledged is on disk
  (*daemon)->Shutdown();
  daemon->reset();
  std::fprintf(stderr, "stopped\n");
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  skew::SetMutexChecks();
  skew::Flags flags;
  if (const std::optional<int> code = skew::ReadFlags(argc, argv, flags); code.has_value()) return *code;
  spdlog::set_default_logger(spdlog::stderr_logger_mt("skewd"));
  return flags.restore.empty() ? Serve(flags) : Restore(flags);
}

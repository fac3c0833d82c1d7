// skewd: flags -> Daemon::Options, signals, exit code. Nothing else.
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/time.h"
#include "common/commit.h"
#include "common/file.h"
#include "common/mutex_checks.h"
#include "common/version.h"
#include "server/api/local_peer.h"
#include "server/config_file.h"
#include "server/daemon.h"
#include "server/store/restore.h"
#include "server/store/retention.h"
#include "spdlog/sinks/stdout_sinks.h"
#include "spdlog/spdlog.h"

namespace {

using OnStop = skew::Scheduler::OnStop;

struct Flags {
  skew::Daemon::Options daemon;
  std::string restore;
  std::string address_file;
  int checkpoint_seconds = 60;
  int64_t patience_seconds = absl::ToInt64Seconds(daemon.worker_patience);
  int64_t silence_seconds = absl::ToInt64Seconds(daemon.worker_silence);
  std::string half_life = "24h";
  std::string aged_after = "1h";
  std::vector<std::string> keep;
  std::string reader_patience = "30s";
  std::string on_stop = "checkpoint";
};

constexpr char kDetach[] = "detach";

std::string BesideThisProgram(const std::string& name) {
  std::error_code error;
  const std::filesystem::path self = std::filesystem::read_symlink("/proc/self/exe", error);
  return (self.parent_path() / name).string();
}

// Empty for a positive duration such as 90s, 12h or 1h30m.
std::string CheckDuration(const std::string& text) {
  absl::Duration duration;
  const bool right =
      absl::ParseDuration(text, &duration) && duration > absl::ZeroDuration() && duration < absl::Hours(24 * 365 * 10);
  return right ? "" : absl::StrCat("'", text, "' is not a duration like 90s or 12h");
}

// Empty for what SIGTERM may do to workers.
std::string CheckOnStop(const std::string& text) {
  return text == "checkpoint" || text == kDetach ? "" : absl::StrCat("'", text, "' is neither checkpoint nor detach");
}

// Makes bytes of a size such as 500MiB and returns nothing, or else what is wrong.
std::string ReadSize(std::string& text) {
  std::string bytes = text;
  int64_t number = 0;
  try {
    if (CLI::AsSizeValue(/*kb_is_1000=*/true)(bytes).empty() && absl::SimpleAtoi(bytes, &number) && number >= 0) {
      text = bytes;
      return "";
    }
  } catch (const CLI::ValidationError&) {
    // said below
  }
  return absl::StrCat("'", text, "' is not a size like 500MiB or 2GiB");
}

// Empty for a file that can be read.
std::string CheckReadable(const std::string& path) {
  if (access(path.c_str(), R_OK) != 0) return absl::StrCat(path, " cannot be read: ", std::strerror(errno));
  std::error_code error;
  return std::filesystem::is_directory(path, error) ? absl::StrCat(path, " is a folder") : "";
}

// Empty for KIND=AGE.
std::string CheckKeep(const std::string& text) {
  skew::Retention ignored;
  return std::string(skew::ParseRetention(text, ignored).message());
}

// What clients may use; the table in deploy/operations.md.
void AddLimits(CLI::App& app, Flags& flags) {
  skew::Limits& limits = flags.daemon.limits;
  app.add_option("--max-requests", limits.requests_per_second,
                 "Requests a second that a user may make in the long run, five seconds' worth at once; 0: any number")
      ->check(CLI::Range(0.0, 1e6))
      ->capture_default_str();
  app.add_option("--max-watches", limits.watches.per_user, "Watches that a user may have open")
      ->check(CLI::Range(1, 100'000))
      ->capture_default_str();
  app.add_option("--max-watches-total", limits.watches.total, "Watches that all users may have open")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
  app.add_option("--max-reads", limits.reads.per_user, "Logs and artifacts that a user may be reading")
      ->check(CLI::Range(1, 10'000))
      ->capture_default_str();
  app.add_option("--max-calls", limits.calls.per_user, "Calls beside these that a user may have at work")
      ->check(CLI::Range(1, 10'000))
      ->capture_default_str();
  app.add_option("--max-connections", limits.connections,
                 "Three quarters of them of one login or address; fewer where the limit of open files is low")
      ->check(CLI::Range(16, 1'000'000))
      ->capture_default_str();
  app.add_option("--reader-patience", flags.reader_patience,
                 "A stream whose reader does not take a message for so long is cut; it can be resumed")
      ->check(CLI::Validator(CheckDuration, "DURATION"))
      ->capture_default_str();
}

void AddFlags(CLI::App& app, Flags& flags) {
  app.set_version_flag("--version", skew::VersionOf("skewd", skew::Commit()));
  app.add_option("--state-dir", flags.daemon.state_dir, "Database, artifacts, logs and sockets; created with mode 0700")
      ->required();
  app.add_option("--listen", flags.daemon.listen,
                 "unix:PATH or host:port, several times for several; port 0 picks one. Default: "
                 "unix:STATE_DIR/skewd.sock and 127.0.0.1:7433");
  app.add_option("--address-file", flags.address_file,
                 "Takes the addresses it listens on, one a line, once it is ready");
  app.add_option("--devices", flags.daemon.devices, "cpu, cpu:SLOTSxCORES, cuda:all or cuda:0,2")
      ->capture_default_str();
  app.add_option("--datasets", flags.daemon.datasets,
                 "One folder per dataset, each with the four IDX files. Default: STATE_DIR/datasets");
  app.add_option("--worker", flags.daemon.worker_program, "The skew-worker program. Default: the one beside skewd");
  app.add_option(
      "--tls-cert", flags.daemon.tls.certificate,
      "Certificate (PEM): every host:port then speaks TLS. It and the next two are read again when they change");
  app.add_option("--tls-key", flags.daemon.tls.key, "Its private key (PEM)");
  app.add_option("--tls-client-ca", flags.daemon.tls.client_ca, "CA (PEM) whose client certificates name users");
  app.add_flag("--insecure", flags.daemon.insecure,
               "Allow addresses that other machines reach without TLS; tokens then travel in the clear");
  app.add_option("--checkpoint-every", flags.checkpoint_seconds, "Seconds between the checkpoints of a run")
      ->check(CLI::Range(1, 86400))
      ->capture_default_str();
  app.add_option("--on-stop", flags.on_stop,
                 "What becomes of running workers on SIGTERM: checkpoint (write one and stop) or detach (train on and "
                 "wait for the next skewd)")
      ->check(CLI::Validator(CheckOnStop, "checkpoint|detach"))
      ->capture_default_str();
  app.add_option("--worker-patience", flags.patience_seconds,
                 "Seconds a worker trains on without a daemon before it writes a checkpoint and stops")
      ->check(CLI::Range(0, 86400))
      ->capture_default_str();
  app.add_option(
         "--worker-silence", flags.silence_seconds,
         "Seconds after which a worker that does not answer is cut off; after as many more it is killed and its "
         "run tried again")
      ->check(CLI::Range(1, 86400))
      ->capture_default_str();
  app.add_option("--max-runs-per-device", flags.daemon.max_runs_per_device,
                 "Runs that share a GPU at most, as far as their memory fits")
      ->check(CLI::Range(1, 64))
      ->capture_default_str();
  app.add_option("--fair-share-half-life", flags.half_life, "In which past use of the devices comes to count half")
      ->check(CLI::Validator(CheckDuration, "DURATION"))
      ->capture_default_str();
  app.add_option("--aged-after", flags.aged_after,
                 "A run that has waited so long gains a priority, and a device is reserved for it")
      ->check(CLI::Validator(CheckDuration, "DURATION"))
      ->capture_default_str();
  app.add_option(
         "--disk-reserve", flags.daemon.disk_reserve_bytes,
         "Kept free on the state directory's disk, e.g. 500MiB: while less is, new jobs are refused and no run is "
         "started; what runs goes on")
      ->transform(CLI::Validator(ReadSize, "SIZE", "size"))
      ->default_str("1GiB");
  app.add_option(
      "--backups", flags.daemon.backups,
      "Takes the backups that 'skewctl admin backup' makes, best on another disk. Default: STATE_DIR/backups");
  app.add_option(
         "--keep", flags.keep,
         "KIND=AGE, several times for several: for how long to keep samples, weights, tables (of images, models "
         "and CSV among the artifacts), logs, events, and jobs after they were deleted; e.g. weights=30d, "
         "logs=12h or samples=forever. Default: forever, but deleted=7d")
      ->check(CLI::Validator(CheckKeep, "KIND=AGE"));
  AddLimits(app, flags);
  app.add_option("--restore", flags.restore,
                 "Restore this backup into STATE_DIR, where there is no database and no skewd runs, and exit");
  app.set_config("--config", "", "The same settings as YAML, e.g. 'devices: cpu:2x1'; flags win")
      ->type_name("FILE")
      ->check(CLI::Validator(CheckReadable, ""));
  app.config_formatter(std::make_shared<skew::YamlConfig>(&app));
}

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

int Restore(const Flags& flags) {
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

}  // namespace

int main(int argc, char** argv) {
  skew::SetMutexChecks();
  Flags flags;
  CLI::App app("The Skew daemon: queues, trains and measures studies of class imbalance.", "skewd");
  AddFlags(app, flags);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  if (flags.daemon.worker_program.empty()) flags.daemon.worker_program = BesideThisProgram("skew-worker");

  flags.daemon.commit = skew::Commit();
  flags.daemon.scheduler.checkpoint_interval = absl::Seconds(flags.checkpoint_seconds);
  if (flags.on_stop == kDetach) flags.daemon.scheduler.on_stop = OnStop::kDetach;
  flags.daemon.worker_patience = absl::Seconds(flags.patience_seconds);
  flags.daemon.worker_silence = absl::Seconds(flags.silence_seconds);
  flags.daemon.scheduler.attach_grace = flags.daemon.worker_silence;
  absl::ParseDuration(flags.half_life, &flags.daemon.fair_share_half_life);
  absl::ParseDuration(flags.aged_after, &flags.daemon.scheduler.aged_after);
  for (const std::string& keep : flags.keep) skew::ParseRetention(keep, flags.daemon.retention).IgnoreError();
  absl::ParseDuration(flags.reader_patience, &flags.daemon.limits.reader_patience);
  flags.daemon.limits.reader_grace = flags.daemon.limits.reader_patience / 4;

  spdlog::set_default_logger(spdlog::stderr_logger_mt("skewd"));
  if (!flags.restore.empty()) return Restore(flags);
  if (const absl::Status worker = CheckWorker(flags.daemon.worker_program); !worker.ok()) return Fail(worker);
  WarnOfMissingDatasets(flags.daemon.datasets);
  RaiseOpenFileLimit();
  const int signals = BlockSignals();
  absl::StatusOr<std::unique_ptr<skew::Daemon>> daemon = StartWhenThereIsRoom(flags.daemon, signals);
  if (!daemon.ok()) return Fail(daemon.status());
  const std::string addresses = absl::StrJoin((*daemon)->addresses(), "\n");
  if (!flags.address_file.empty()) {
    const absl::Status written = skew::WriteFileAtomically(flags.address_file, addresses + "\n");
    if (!written.ok()) return Fail(written);
  }
  std::fprintf(stderr, "READY %s\n", absl::StrJoin((*daemon)->addresses(), " ").c_str());
  AwaitSignal(signals);
  std::fprintf(stderr, "draining: workers %s\n",
               flags.daemon.scheduler.on_stop == OnStop::kDetach ? "train on" : "checkpoint and stop");
  // A second signal ends it at once; everything acknowledged is on disk.
  signal(SIGTERM, SIG_DFL);
  signal(SIGINT, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  pthread_sigmask(SIG_SETMASK, &none, nullptr);
  (*daemon)->Shutdown();
  daemon->reset();
  std::fprintf(stderr, "stopped\n");
  return 0;
}

#include "server/flags.h"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <memory>
#include <system_error>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "common/commit.h"
#include "common/version.h"
#include "server/config_file.h"
#include "server/store/retention.h"

namespace skew {
namespace {

// What Daemon::Options has in another type, as it is written.
struct RawFlags {
  int checkpoint_seconds = 60;
  int64_t patience_seconds = absl::ToInt64Seconds(Daemon::Options().worker_patience);
  int64_t silence_seconds = absl::ToInt64Seconds(Daemon::Options().worker_silence);
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
  Retention ignored;
  return std::string(ParseRetention(text, ignored).message());
}

// What clients may use; the table in deploy/operations.md.
void AddLimits(CLI::App& app, Limits& limits, RawFlags& raw) {
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
  app.add_option("--reader-patience", raw.reader_patience,
                 "A stream whose reader does not take a message for so long is cut; it can be resumed")
      ->check(CLI::Validator(CheckDuration, "DURATION"))
      ->capture_default_str();
}

void AddFlags(CLI::App& app, Flags& flags, RawFlags& raw) {
  app.set_version_flag("--version", VersionOf("skewd", Commit()));
  app.add_option("--state-dir", flags.daemon.state_dir,
                 "Database, artifacts, logs and sockets; others are kept out (mode 0700)")
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
  app.add_option("--checkpoint-every", raw.checkpoint_seconds, "Seconds between the checkpoints of a run")
      ->check(CLI::Range(1, 86400))
      ->capture_default_str();
  app.add_option("--on-stop", raw.on_stop,
                 "What becomes of running workers on SIGTERM: checkpoint (write one and stop) or detach (train on and "
                 "wait for the next skewd)")
      ->check(CLI::Validator(CheckOnStop, "checkpoint|detach"))
      ->capture_default_str();
  app.add_option("--worker-patience", raw.patience_seconds,
                 "Seconds a worker trains on without a daemon before it writes a checkpoint and stops")
      ->check(CLI::Range(0, 86400))
      ->capture_default_str();
  app.add_option(
         "--worker-silence", raw.silence_seconds,
         "Seconds after which a worker that does not answer is cut off; after as many more it is killed and its "
         "run tried again")
      ->check(CLI::Range(1, 86400))
      ->capture_default_str();
  app.add_option("--max-runs-per-device", flags.daemon.max_runs_per_device,
                 "Runs that share a GPU at most, as far as their memory fits")
      ->check(CLI::Range(1, 64))
      ->capture_default_str();
  app.add_option("--fair-share-half-life", raw.half_life, "In which past use of the devices comes to count half")
      ->check(CLI::Validator(CheckDuration, "DURATION"))
      ->capture_default_str();
  app.add_option("--aged-after", raw.aged_after,
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
         "--keep", raw.keep,
         "KIND=AGE, several times for several: for how long to keep samples, weights, tables (of images, models "
         "and CSV among the artifacts), logs, events, and jobs after they were deleted; e.g. weights=30d, "
         "logs=12h or samples=forever. Default: forever, but deleted=7d")
      ->check(CLI::Validator(CheckKeep, "KIND=AGE"));
  AddLimits(app, flags.daemon.limits, raw);
  app.add_option("--restore", flags.restore,
                 "Restore this backup into STATE_DIR, where there is no database and no skewd runs, and exit");
  app.set_config("--config", "", "The same settings as YAML, e.g. 'devices: cpu:2x1'; flags win")
      ->type_name("FILE")
      ->check(CLI::Validator(CheckReadable, ""));
  app.config_formatter(std::make_shared<YamlConfig>(&app));
}

// Of flags that were checked.
void Convert(const RawFlags& raw, Daemon::Options& daemon) {
  daemon.scheduler.checkpoint_interval = absl::Seconds(raw.checkpoint_seconds);
  if (raw.on_stop == kDetach) daemon.scheduler.on_stop = Scheduler::OnStop::kDetach;
  daemon.worker_patience = absl::Seconds(raw.patience_seconds);
  daemon.worker_silence = absl::Seconds(raw.silence_seconds);
  daemon.scheduler.attach_grace = daemon.worker_silence;
  absl::ParseDuration(raw.half_life, &daemon.fair_share_half_life);
  absl::ParseDuration(raw.aged_after, &daemon.scheduler.aged_after);
  for (const std::string& keep : raw.keep) ParseRetention(keep, daemon.retention).IgnoreError();
  absl::ParseDuration(raw.reader_patience, &daemon.limits.reader_patience);
  daemon.limits.reader_grace = daemon.limits.reader_patience / 4;
}

}  // namespace

std::optional<int> ReadFlags(int argc, char** argv, Flags& flags) {
  RawFlags raw;
  CLI::App app("The Skew daemon: queues, trains and measures studies of class imbalance.", "skewd");
  AddFlags(app, flags, raw);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  Convert(raw, flags.daemon);
  flags.daemon.commit = Commit();
  if (flags.daemon.worker_program.empty()) flags.daemon.worker_program = BesideThisProgram("skew-worker");
  return std::nullopt;
}

}  // namespace skew

// skew-worker: trains and measures one run, then exits. Started by skewd, or by hand with the same arguments.
#include <cstdlib>
#include <memory>
#include <string>
#include <utility>

#include "CLI/CLI.hpp"
#include "absl/status/statusor.h"
#include "common/clock.h"
#include "common/commit.h"
#include "common/version.h"
#include "server/train/signal_watcher.h"
#include "server/train/stop_request.h"
#include "server/train/worker.h"
#include "spdlog/sinks/stdout_sinks.h"
#include "spdlog/spdlog.h"

int main(int argc, char** argv) {
  skew::train::WorkerOptions options;
  CLI::App app("Trains and measures one run for skewd, then exits.");
  app.set_version_flag("--version", skew::VersionOf("skew-worker", skew::Commit()));
  app.add_option("--daemon", options.daemon, "Address of the daemon, unix:PATH or HOST:PORT")->required();
  int patience_seconds = 0;
  app.add_option("--patience", patience_seconds, "Seconds to wait for a daemon that is gone, training on meanwhile")
      ->check(CLI::Range(0, 86400))
      ->capture_default_str();
  app.footer("The attempt's token is read from the environment variable SKEW_ATTEMPT_TOKEN.");
  CLI11_PARSE(app, argc, argv);
  options.patience = absl::Seconds(patience_seconds);
  if (const char* const token = std::getenv("SKEW_ATTEMPT_TOKEN")) options.token = token;

  spdlog::set_default_logger(spdlog::stderr_logger_mt("skew-worker"));
  spdlog::set_pattern("%Y-%m-%dT%H:%M:%S.%e%z %l %v");
  skew::train::StopRequest stop;
  const auto on_signal = [&stop](int signal) {
    spdlog::info("signal {}: writes a checkpoint and stops", signal);
    stop.Raise(skew::train::Stop::kCheckpoint);
  };
  const absl::StatusOr<std::unique_ptr<skew::train::SignalWatcher>> signals =
      skew::train::SignalWatcher::Start(on_signal);
  if (!signals.ok()) {
    spdlog::error("{}", signals.status().ToString());
    return EXIT_FAILURE;
  }
  skew::RealClock clock;
  return skew::train::RunWorker(options, &stop, &clock);
}

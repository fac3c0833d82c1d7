// What a team's scripts and watchers cost those who train, and what connections that hang cost everybody. Training
// beside a load and without it, in turn, so that whatever else the machine does falls on both: every window with a load
// is compared with the two around it. With --short it is a test that all of this works and asserts no time.
#include <sys/resource.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "client/client.h"
#include "common/mutex_checks.h"
#include "common/stats/rank_tests.h"
#include "common/status.h"
#include "tests/bench/bench_daemon.h"
#include "tests/bench/bench_table.h"
#include "tests/bench/percentile.h"
#include "tests/bench/script_load.h"
#include "tests/bench/step_log.h"
#include "tests/bench/watch_load.h"
#include "tests/testing/raw_socket.h"
#include "tests/testing/synthetic_dataset.h"
#include "tests/testing/temp_folder.h"

namespace skew {
namespace {

constexpr int kSlots = 2;

struct Load {
  int seconds = 600;  // with scripts and watchers, in sum
  int window_seconds = 20;
  int scripts = 50;
  int watchers = 200;
  int hanging = 5000;
  double poll_seconds = 2;
  double settling_seconds = 3;  // from the beginning or the end of a load to the beginning of what is measured
  bool real = false;            // workers train on MNIST; otherwise they are scripted
  double most_slowdown = 1;     // of training, as a share
  double most_growth_mb = 1e9;  // of the daemon, between the first and the last third of the loaded windows
};

void SleepUntil(absl::Time time) { absl::SleepFor(time - absl::Now()); }

double Median(std::vector<double> values) { return Percentile(std::move(values), 0.5); }

// As many runs as slots, which train for longer than anybody measures.
v1::JobSpec TrainingSpec(const Load& load) {
  v1::JobSpec spec = BenchSpec("report");
  spec.mutable_bias()->mutable_varied()->clear_counts();
  spec.mutable_bias()->mutable_varied()->add_counts(load.real ? 500 : 10);
  spec.set_iterations(kSlots);
  if (!load.real) {
    (*spec.mutable_labels())["interval_ms"] = "100";
    return spec;
  }
  spec.set_dataset("mnist");
  (*spec.mutable_bias()->mutable_fixed())[0] = 2000;
  (*spec.mutable_bias()->mutable_fixed())[2] = 2000;
  spec.mutable_training()->set_steps(10'000'000);
  spec.mutable_generation()->set_images(500);
  spec.mutable_evaluation()->mutable_classifier()->set_epochs(1);
  return spec;
}

Client::Options ClientOptions(const std::string& server) {
  Client::Options options;
  options.server = {server, "the load", ""};
  options.own_connection = true;
  return options;
}

absl::StatusOr<std::string> Submit(const std::string& server, const Load& load) {
  v1::SubmitJobRequest request;
  *request.mutable_spec() = TrainingSpec(load);
  request.set_no_reuse(true);
  SKEW_ASSIGN_OR_RETURN(const v1::SubmitJobResponse response, Client(ClientOptions(server)).SubmitJob(request));
  return response.job().id();
}

// Scripts and watchers, while it lives. Watches begin after `revision`.
class Crowd {
 public:
  Crowd(const BenchDaemon& daemon, const std::string& server, const std::string& job, int64_t revision,
        const Load& load)
      : scripts_(server, job, load.scripts, absl::Seconds(load.poll_seconds)),
        watchers_(Channels(daemon, load.watchers), Jobs(job, load), revision) {}

  // Whether all calls have succeeded and all watches have seen every event.
  absl::Status Check() {
    const std::vector<std::string> errors = scripts_.Errors();
    if (!errors.empty()) {
      return absl::InternalError(absl::StrCat(errors.size(), " calls failed, the first with ", errors.front()));
    }
    if (watchers_.broken() == 0) return absl::OkStatus();
    return absl::InternalError(absl::StrCat(watchers_.broken(), " watches had gaps or broke off"));
  }

  ScriptLoad& scripts() { return scripts_; }
  WatchLoad& watchers() { return watchers_; }

 private:
  static std::vector<std::shared_ptr<grpc::Channel>> Channels(const BenchDaemon& daemon, int count) {
    std::vector<std::shared_ptr<grpc::Channel>> channels;
    channels.reserve(static_cast<size_t>(count));
    for (int i = 0; i < count; ++i) channels.push_back(daemon.Connect());
    return channels;
  }
  static std::vector<std::string> Jobs(const std::string& job, const Load& load) {
    return std::vector<std::string>(static_cast<size_t>(load.watchers), job);
  }

  ScriptLoad scripts_;
  WatchLoad watchers_;
};

absl::StatusOr<int64_t> RevisionOf(const std::string& server, const std::string& job) {
  SKEW_ASSIGN_OR_RETURN(const v1::Job now, Client(ClientOptions(server)).GetJob(job));
  return now.revision();
}

struct Measured {
  std::vector<double> rates_without;
  std::vector<double> rates_with;
  std::vector<double> megabytes;  // of the daemon, after each window with a load
  std::vector<double> call_ms;
  std::vector<double> event_ms;
  // Of one core, in windows with a load.
  std::vector<double> daemon_percent;
  std::vector<double> crowd_percent;
};

double OwnCpuSeconds() {
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return absl::ToDoubleSeconds(absl::DurationFromTimespec(time));
}

absl::StatusOr<double> RateOfWindow(StepLog& steps, const Load& load) {
  SleepUntil(absl::Now() + absl::Seconds(load.settling_seconds));
  const absl::Time begin = absl::Now();
  SleepUntil(begin + absl::Seconds(load.window_seconds));
  const double rate = steps.Rate(begin, absl::Now());
  if (rate > 0) return rate;
  return absl::InternalError(absl::StrCat("a run has not reported twice in a window: ", steps.status().ToString()));
}

void Append(std::vector<double> from, std::vector<double>& to) { to.insert(to.end(), from.begin(), from.end()); }

absl::StatusOr<Measured> Measure(const BenchDaemon& daemon, const std::string& server, const std::string& job,
                                 StepLog& steps, const Load& load) {
  Measured measured;
  const int windows = std::max(2, load.seconds / load.window_seconds);
  for (int i = 0; i < windows; ++i) {
    SKEW_ASSIGN_OR_RETURN(measured.rates_without.emplace_back(), RateOfWindow(steps, load));
    SKEW_ASSIGN_OR_RETURN(const int64_t revision, RevisionOf(server, job));
    Crowd crowd(daemon, server, job, revision, load);
    const absl::Time begin = absl::Now();
    const double daemon_before = daemon.CpuSeconds();
    const double crowd_before = OwnCpuSeconds();
    SKEW_ASSIGN_OR_RETURN(measured.rates_with.emplace_back(), RateOfWindow(steps, load));
    const double seconds = absl::ToDoubleSeconds(absl::Now() - begin);
    measured.daemon_percent.push_back(100 * (daemon.CpuSeconds() - daemon_before) / seconds);
    measured.crowd_percent.push_back(100 * (OwnCpuSeconds() - crowd_before) / seconds);
    measured.megabytes.push_back(daemon.ResidentMegabytes());
    Append(crowd.scripts().TakeLatencies(), measured.call_ms);
    Append(crowd.watchers().TakeLatencies(), measured.event_ms);
    SKEW_RETURN_IF_ERROR(crowd.Check());
    std::fprintf(stderr, "load: %.1f steps/s without, %.1f with; daemon %.1f%% of a core, crowd %.1f%%, %.0f MB\n",
                 measured.rates_without.back(), measured.rates_with.back(), measured.daemon_percent.back(),
                 measured.crowd_percent.back(), measured.megabytes.back());
  }
  SKEW_ASSIGN_OR_RETURN(measured.rates_without.emplace_back(), RateOfWindow(steps, load));
  return measured;
}

// Shares by which training was slower than in the windows before and after.
std::vector<double> Slowdowns(const Measured& measured) {
  std::vector<double> slowdowns;
  for (size_t i = 0; i < measured.rates_with.size(); ++i) {
    slowdowns.push_back(1 - 2 * measured.rates_with[i] / (measured.rates_without[i] + measured.rates_without[i + 1]));
  }
  return slowdowns;
}

double Growth(const std::vector<double>& megabytes) {
  const auto third = static_cast<std::ptrdiff_t>((megabytes.size() + 2) / 3);
  return Median({megabytes.end() - third, megabytes.end()}) - Median({megabytes.begin(), megabytes.begin() + third});
}

std::string Range(const std::vector<double>& values) {
  return absl::StrFormat("%.1f (%.1f to %.1f)", Median(values), *std::min_element(values.begin(), values.end()),
                         *std::max_element(values.begin(), values.end()));
}

std::string Percent(const stats::Shift& shift) {
  const std::string estimate = absl::StrFormat("%.1f%%", 100 * shift.estimate);
  if (!shift.interval.has_value()) return estimate + " (too few windows for an interval)";
  return absl::StrFormat("%s (%.1f%% to %.1f%%)", estimate, 100 * shift.interval->low, 100 * shift.interval->high);
}

absl::Status Report(const Measured& measured, const Load& load, BenchTable& table) {
  const stats::Shift slowdown = stats::HodgesLehmann(Slowdowns(measured));
  const double growth = Growth(measured.megabytes);
  table.Add("steps/s of two runs, alone", Range(measured.rates_without));
  table.Add(absl::StrCat("steps/s beside ", load.scripts, " scripts, a call in ", load.poll_seconds, " s each, and ",
                         load.watchers, " watchers"),
            Range(measured.rates_with));
  table.Add("training slowed by (Hodges and Lehmann's estimate, 95% interval)", Percent(slowdown));
  table.Add("of one core, the daemon", Range(measured.daemon_percent) + " %");
  table.Add("of one core, scripts and watchers", Range(measured.crowd_percent) + " %");
  table.Add("calls of the scripts", MedianAndTail(measured.call_ms));
  table.Add("event latency", MedianAndTail(measured.event_ms));
  table.Add("daemon memory", Range(measured.megabytes) + " MB");
  table.Add("growth of it, last third of the windows against first", absl::StrFormat("%.1f MB", growth));
  if (slowdown.estimate > load.most_slowdown) {
    return absl::InternalError(absl::StrFormat("training is slowed by %.1f%%", 100 * slowdown.estimate));
  }
  if (growth > load.most_growth_mb) return absl::InternalError(absl::StrFormat("the daemon grew by %.1f MB", growth));
  return absl::OkStatus();
}

// Half of them never speak, half of them begin HTTP/2 and then say nothing.
class HangingConnections {
 public:
  HangingConnections(const std::string& address, int count) {
    for (int i = 0; i < count; ++i) {
      sockets_.push_back(DialTcp(address));
      refused_ += sockets_.back() < 0 ? 1 : 0;
      if (i % 2 == 0) SayHttp2(sockets_.back());
    }
  }
  ~HangingConnections() {
    for (const int fd : sockets_) close(fd);
  }
  HangingConnections(const HangingConnections&) = delete;
  HangingConnections& operator=(const HangingConnections&) = delete;

  int refused() const { return refused_; }

 private:
  std::vector<int> sockets_;
  int refused_ = 0;
};

absl::Status CheckNewConnection(const std::string& address, const char* when) {
  return Annotate(Client(ClientOptions(address)).GetServerInfo().status(), when);
}

absl::Status MeasureHanging(const BenchDaemon& daemon, const std::string& server, const std::string& tcp,
                            const std::string& job, const Load& load, BenchTable& table) {
  SKEW_ASSIGN_OR_RETURN(const int64_t revision, RevisionOf(server, job));
  Crowd crowd(daemon, server, job, revision, load);
  const double before = daemon.ResidentMegabytes();
  const absl::Time begin = absl::Now();
  std::optional<HangingConnections> hanging(std::in_place, tcp, load.hanging);
  const double opening = absl::ToDoubleSeconds(absl::Now() - begin);
  if (hanging->refused() > 0) return absl::InternalError(absl::StrCat(hanging->refused(), " connections are refused"));
  std::vector<double> new_ms;
  const absl::Time end = absl::Now() + absl::Seconds(std::min(load.seconds, 20));
  while (absl::Now() < end) {
    const absl::Time call = absl::Now();
    SKEW_RETURN_IF_ERROR(CheckNewConnection(tcp, "beside connections that hang"));
    new_ms.push_back(absl::ToDoubleMilliseconds(absl::Now() - call));
    SleepUntil(call + absl::Milliseconds(500));
  }
  table.Add(absl::StrCat(load.hanging, " connections that hang, opened in"), absl::StrFormat("%.1f s", opening));
  table.Add("calls of the scripts meanwhile", MedianAndTail(crowd.scripts().TakeLatencies()));
  table.Add("a new connection and its first call meanwhile", MedianAndTail(new_ms));
  table.Add("daemon memory before and with them",
            absl::StrFormat("%.0f and %.0f MB", before, daemon.ResidentMegabytes()));
  hanging.reset();
  SKEW_RETURN_IF_ERROR(CheckNewConnection(tcp, "after connections that hung"));
  return crowd.Check();
}

absl::Status Run(BenchDaemon::Options options, const Load& load) {
  // Checkpoints would fall on some windows and not on others.
  options.flags = {"--listen", "127.0.0.1:0", "--checkpoint-every", "7200"};
  options.devices = absl::StrCat("cpu:", kSlots, "x1");
  BenchDaemon daemon(options);
  const std::string server = daemon.Addresses().at(0);
  SKEW_ASSIGN_OR_RETURN(const std::string job, Submit(server, load));
  StepLog steps(server, job);
  if (!steps.AwaitRuns(kSlots, absl::Minutes(20))) return absl::DeadlineExceededError("two runs do not train");
  BenchTable table("load");
  table.Add("processors", absl::StrCat(std::thread::hardware_concurrency()));
  SKEW_ASSIGN_OR_RETURN(const Measured measured, Measure(daemon, server, job, steps, load));
  SKEW_RETURN_IF_ERROR(MeasureHanging(daemon, server, daemon.Addresses().at(1), job, load, table));
  return Report(measured, load, table);
}

}  // namespace
}  // namespace skew

int main(int argc, char** argv) {
  skew::SetMutexChecks();
  skew::BenchDaemon::Options options;
  skew::Load load;
  bool short_form = false;
  CLI::App app("Loads the daemon beside training.", "skew-load");
  app.add_option("--skewd", options.program, "The daemon's program")->required();
  app.add_option("--worker", options.worker, "skew-worker, or the scripted one without --datasets")->required();
  app.add_option("--datasets", options.datasets, "With mnist: real training");
  app.add_option("--seconds", load.seconds, "How long with scripts and watchers, in sum")->envname("SKEW_LOAD_SECONDS");
  app.add_option("--window", load.window_seconds, "Seconds with or without the load, in turn");
  app.add_option("--scripts", load.scripts, "That poll");
  app.add_option("--poll", load.poll_seconds, "Seconds between the calls of a script");
  app.add_option("--watchers", load.watchers, "Each on a connection of its own");
  app.add_option("--hanging", load.hanging, "Connections");
  app.add_option("--most-slowdown", load.most_slowdown, "Share by which training may be slower, e.g. 0.03");
  app.add_option("--most-growth-mb", load.most_growth_mb, "By which the daemon may grow");
  app.add_flag("--short", short_form, "A small load, to prove that it works");
  CLI11_PARSE(app, argc, argv);
  rlimit files;
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  const skew::TempFolder folder;
  options.state_dir = folder.path() + "/state";
  load.real = !options.datasets.empty();
  if (!load.real) {
    options.datasets = folder.path() + "/datasets";
    skew::WriteSyntheticDataset(options.datasets + "/tiny", 3, 40, 10);
  }
  if (short_form) load = {4, 2, 5, 20, 300, 1, 0.5, load.real};
  const absl::Status status = skew::Run(options, load);
  if (!status.ok()) std::fprintf(stderr, "load: %s\n", status.ToString().c_str());
  return status.ok() ? 0 : 1;
}

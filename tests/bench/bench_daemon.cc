#include "tests/bench/bench_daemon.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>
#include <vector>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "common/message_limits.h"

namespace skew {
namespace {

[[noreturn]] void Die(const std::string& problem) {
  std::fprintf(stderr, "bench: %s\n", problem.c_str());
  std::exit(1);
}

}  // namespace

BenchDaemon::BenchDaemon(const Options& options) : options_(options) {
  const std::string ready = options.state_dir + "/addresses";
  const std::string log = options.state_dir + "/skewd.log";
  std::filesystem::create_directories(options.state_dir);
  std::filesystem::remove(ready);
  std::vector<std::string> words = {options.program,
                                    "--state-dir",
                                    options.state_dir,
                                    "--datasets",
                                    options.datasets,
                                    "--devices",
                                    options.devices,
                                    "--worker",
                                    options.worker,
                                    "--address-file",
                                    ready,
                                    "--listen",
                                    "unix:" + options.state_dir + "/skewd.sock"};
  words.insert(words.end(), options.flags.begin(), options.flags.end());
  std::vector<char*> arguments;
  arguments.reserve(words.size() + 1);
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 2, log.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
  const absl::Time start = absl::Now();
  if (posix_spawn(&pid_, options.program.c_str(), &actions, nullptr, arguments.data(), environ) != 0) {
    Die("cannot start " + options.program);
  }
  posix_spawn_file_actions_destroy(&actions);
  while (!std::filesystem::exists(ready)) {
    if (waitpid(pid_, nullptr, WNOHANG) == pid_) Die("skewd ended; see " + log);
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  start_seconds_ = absl::ToDoubleSeconds(absl::Now() - start);
}

BenchDaemon::~BenchDaemon() { End(SIGTERM); }

void BenchDaemon::End(int signal) {
  if (pid_ == 0) return;
  kill(pid_, signal);
  waitpid(pid_, nullptr, 0);
  pid_ = 0;
}

std::shared_ptr<grpc::Channel> BenchDaemon::Connect() const {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  // As skew::Client.
  arguments.SetInt(GRPC_ARG_HTTP2_BDP_PROBE, 0);
  arguments.SetInt(GRPC_ARG_HTTP2_STREAM_LOOKAHEAD_BYTES, kClientReadAheadBytes);
  return grpc::CreateCustomChannel("unix:" + options_.state_dir + "/skewd.sock", grpc::InsecureChannelCredentials(),
                                   arguments);
}

std::vector<std::string> BenchDaemon::Addresses() const {
  std::ifstream lines(options_.state_dir + "/addresses");
  std::vector<std::string> addresses;
  for (std::string line; std::getline(lines, line);) addresses.push_back(line);
  return addresses;
}

double BenchDaemon::ResidentMegabytes() const {
  std::ifstream pages("/proc/" + std::to_string(pid_) + "/statm");
  int64_t size = 0;
  int64_t resident = 0;
  pages >> size >> resident;
  return static_cast<double>(resident) * static_cast<double>(sysconf(_SC_PAGESIZE)) / 1e6;
}

double BenchDaemon::CpuSeconds() const {
  clockid_t clock = 0;
  timespec time{};
  if (clock_getcpuclockid(pid_, &clock) != 0 || clock_gettime(clock, &time) != 0) return 0;
  return absl::ToDoubleSeconds(absl::DurationFromTimespec(time));
}

v1::JobSpec BenchSpec(const std::string& script) {
  v1::JobSpec spec;
  spec.set_dataset("tiny");
  (*spec.mutable_bias()->mutable_fixed())[0] = 20;
  (*spec.mutable_bias()->mutable_fixed())[2] = 20;
  spec.mutable_bias()->mutable_varied()->set_class_(1);
  for (const int count : {5, 10, 20, 40}) spec.mutable_bias()->mutable_varied()->add_counts(count);
  spec.add_models()->mutable_vae();
  (*spec.mutable_labels())["script"] = script;
  return spec;
}

double SyncsPerSecond(const std::string& folder) {
  const std::string path = folder + "/syncs";
  const int file = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (file < 0) Die("cannot write " + path);
  const std::string block(8192, 'x');
  const absl::Time start = absl::Now();
  int syncs = 0;
  while (absl::Now() - start < absl::Seconds(1)) {
    if (write(file, block.data(), block.size()) < 0 || fdatasync(file) != 0) Die("cannot sync " + path);
    ++syncs;
  }
  const double seconds = absl::ToDoubleSeconds(absl::Now() - start);
  close(file);
  unlink(path.c_str());
  return syncs / seconds;
}

}  // namespace skew

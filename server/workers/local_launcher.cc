#include "server/workers/local_launcher.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <optional>
#include <system_error>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "common/file.h"
#include "common/status.h"

namespace skew {
namespace {

// A child inherits the affinity of the thread that starts it: this thread's is changed while the object lives.
class ScopedAffinity {
 public:
  explicit ScopedAffinity(const std::vector<int32_t>& cores) {
    sched_getaffinity(0, sizeof(before_), &before_);
    cpu_set_t set;
    CPU_ZERO(&set);
    for (const int32_t core : cores) CPU_SET(core, &set);
    sched_setaffinity(0, sizeof(set), &set);
  }
  ~ScopedAffinity() { sched_setaffinity(0, sizeof(before_), &before_); }
  ScopedAffinity(const ScopedAffinity&) = delete;
  ScopedAffinity& operator=(const ScopedAffinity&) = delete;

 private:
  cpu_set_t before_{};
};

// argv or envp: a null-terminated array of pointers into strings it owns.
class StringArray {
 public:
  explicit StringArray(std::vector<std::string> strings) : strings_(std::move(strings)) {
    for (std::string& one : strings_) pointers_.push_back(one.data());
    pointers_.push_back(nullptr);
  }
  char** get() { return pointers_.data(); }

 private:
  std::vector<std::string> strings_;
  std::vector<char*> pointers_;
};

// The daemon's environment without what the launch sets itself and without a user's token, none of the worker's
// business.
std::vector<std::string> EnvironmentFor(const Launch& launch) {
  std::vector<std::string> environment;
  bool has_wait_policy = false;
  for (char** one = environ; *one != nullptr; ++one) {
    const absl::string_view entry = *one;
    has_wait_policy |= absl::StartsWith(entry, "OMP_WAIT_POLICY=") || absl::StartsWith(entry, "GOMP_SPINCOUNT=");
    if (!absl::StartsWith(entry, "OMP_NUM_THREADS=") && !absl::StartsWith(entry, "SKEW_ATTEMPT_TOKEN=") &&
        !absl::StartsWith(entry, "SKEW_TOKEN=")) {
      environment.emplace_back(entry);
    }
  }
  // GPUs are counted as their driver does.
  if (launch.lease.gpu >= 0) environment.emplace_back("CUDA_DEVICE_ORDER=PCI_BUS_ID");
  environment.push_back(absl::StrCat("OMP_NUM_THREADS=", launch.lease.cores.size()));
  // Threads that spin at barriers halve a run's speed where another process wants one of its cores.
  if (!has_wait_policy) environment.emplace_back("OMP_WAIT_POLICY=PASSIVE");
  environment.push_back(absl::StrCat("SKEW_ATTEMPT_TOKEN=", launch.token));
  return environment;
}

// Own process group, default signals, none blocked.
absl::Status SetAttributes(posix_spawnattr_t& attributes) {
  sigset_t none;
  sigset_t all;
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setpgroup(&attributes, 0);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &all);
  const int flags = POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF;
  const int error = posix_spawnattr_setflags(&attributes, static_cast<short>(flags));  // NOLINT: the C type
  return error == 0 ? absl::OkStatus() : absl::ErrnoToStatus(error, "cannot set spawn attributes");
}

absl::StatusOr<pid_t> Spawn(const std::string& program, std::vector<std::string> arguments, const Launch& launch) {
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  const absl::Cleanup destroy_files = [&files] { posix_spawn_file_actions_destroy(&files); };
  posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, launch.log_file.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  posix_spawn_file_actions_adddup2(&files, STDOUT_FILENO, STDERR_FILENO);
  posix_spawnattr_t attributes;
  SKEW_RETURN_IF_ERROR(SetAttributes(attributes));
  const absl::Cleanup destroy_attributes = [&attributes] { posix_spawnattr_destroy(&attributes); };

  StringArray argv(std::move(arguments));
  StringArray envp(EnvironmentFor(launch));
  const ScopedAffinity affinity(launch.lease.cores);
  pid_t pid = 0;
  const int error = posix_spawn(&pid, program.c_str(), &files, &attributes, argv.get(), envp.get());
  if (error != 0) return SystemError(error, absl::StrCat("cannot start ", program));
  return pid;
}

std::string BootId() {
  std::string id = ReadFile("/proc/sys/kernel/random/boot_id").value_or("");
  absl::StripTrailingAsciiWhitespace(&id);
  return id;
}

bool IsSame(const ProcessIdentity& process) {
  const absl::StatusOr<ProcessIdentity> now = IdentifyProcess(process.pid);
  return now.ok() && now->start_ticks == process.start_ticks && now->boot_id == process.boot_id;
}

// A handle on exactly this process, -1 when it is gone.
int OpenProcess(const ProcessIdentity& process) {
  const auto fd = static_cast<int>(syscall(SYS_pidfd_open, process.pid, 0));
  if (fd < 0 || IsSame(process)) return fd;
  close(fd);
  return -1;
}

// As OpenProcess, for a child that cannot have been reaped yet.
int OpenChild(pid_t pid) { return static_cast<int>(syscall(SYS_pidfd_open, pid, 0)); }

// Kills and reaps a child and its group.
void EndChild(pid_t pid) {
  kill(-pid, SIGKILL);
  while (waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
  }
}

// For how long a process has been running.
absl::Duration AgeOf(const ProcessIdentity& process) {
  timespec up;
  clock_gettime(CLOCK_BOOTTIME, &up);
  const auto ticks_per_second = static_cast<double>(sysconf(_SC_CLK_TCK));
  return absl::DurationFromTimespec(up) - absl::Seconds(static_cast<double>(process.start_ticks) / ticks_per_second);
}

using SteadyTime = std::chrono::steady_clock::time_point;

// Waits until the process behind the handle is gone; false when the deadline, if there is one, comes first.
bool AwaitGone(int process_fd, std::optional<SteadyTime> deadline) {
  while (true) {
    int left = -1;
    if (deadline.has_value()) {
      const auto time = std::chrono::ceil<std::chrono::milliseconds>(*deadline - std::chrono::steady_clock::now());
      left = static_cast<int>(std::max<int64_t>(0, time.count()));
    }
    pollfd event{process_fd, POLLIN, 0};
    const int ready = poll(&event, 1, left);
    if (ready > 0) return true;
    if (ready == 0) return false;
    if (errno != EINTR) return true;
  }
}

}  // namespace

absl::StatusOr<ProcessIdentity> IdentifyProcess(int64_t pid) {
  SKEW_ASSIGN_OR_RETURN(const std::string stat, ReadFile(absl::StrCat("/proc/", pid, "/stat")));
  // The second field is the program's name in parentheses and may hold anything: count from the last parenthesis.
  const size_t name_end = stat.rfind(')');
  if (name_end == std::string::npos) return absl::InternalError(absl::StrCat("/proc/", pid, "/stat: ", stat));
  const std::vector<std::string> fields = absl::StrSplit(stat.substr(name_end + 2), ' ');
  constexpr size_t kStartTime = 22 - 3;  // the fields begin with the third
  ProcessIdentity process{pid, 0, BootId()};
  if (fields.size() <= kStartTime || !absl::SimpleAtoi(fields[kStartTime], &process.start_ticks)) {
    return absl::InternalError(absl::StrCat("/proc/", pid, "/stat: ", stat));
  }
  if (fields[0] == "Z" || fields[0] == "X") {
    return absl::NotFoundError(absl::StrCat("process ", pid, " has ended and was not reaped"));
  }
  return process;
}

LocalLauncher::LocalLauncher(Options options) : options_(std::move(options)), released_(eventfd(0, EFD_CLOEXEC)) {}

LocalLauncher::~LocalLauncher() {
  {
    absl::MutexLock lock(&mutex_);
    for (auto& [attempt, child] : children_) {
      if (!child.gone) kill(-child.pid, SIGKILL);
    }
  }
  JoinAll();
  close(released_);
}

void LocalLauncher::Release() {
  eventfd_write(released_, 1);
  JoinAll();
}

void LocalLauncher::JoinAll() {
  while (true) {
    std::thread waiter;
    {
      absl::MutexLock lock(&mutex_);
      if (children_.empty()) return;
      waiter = std::move(children_.begin()->second.waiter);
    }
    waiter.join();
    absl::MutexLock lock(&mutex_);
    children_.erase(children_.begin());
  }
}

absl::StatusOr<ProcessIdentity> LocalLauncher::Start(const Launch& launch) {
  JoinFinished();
  SKEW_ASSIGN_OR_RETURN(const pid_t pid,
                        Spawn(options_.worker_program,
                              {options_.worker_program, "--daemon", options_.daemon_address, "--patience",
                               absl::StrCat(absl::ToInt64Seconds(options_.worker_patience))},
                              launch));
  // The child cannot be reaped before its waiter exists, so its entry in /proc stays until then.
  absl::StatusOr<ProcessIdentity> process = IdentifyProcess(pid);
  // One that has ended already needs no identity: nobody will look for it.
  if (absl::IsNotFound(process.status())) process = ProcessIdentity{pid, 0, ""};
  const int process_fd = process.ok() ? OpenChild(pid) : -1;
  absl::Status watched = process.status();
  if (process.ok() && process_fd < 0) watched = SystemError(errno, absl::StrCat("cannot watch process ", pid));
  if (process_fd >= 0) {
    absl::MutexLock lock(&mutex_);
    watched = Watch(launch.attempt, pid, process_fd, /*adopted=*/false);
  }
  if (watched.ok()) return process;
  EndChild(pid);
  return watched;
}

absl::StatusOr<absl::Duration> LocalLauncher::Adopt(const AttemptId& attempt, const ProcessIdentity& process) {
  if (process.boot_id != BootId()) return absl::FailedPreconditionError("the system was started anew");
  const int process_fd = OpenProcess(process);
  if (process_fd < 0) return absl::NotFoundError(absl::StrCat("process ", process.pid, " is gone"));
  absl::MutexLock lock(&mutex_);
  SKEW_RETURN_IF_ERROR(Watch(attempt, static_cast<pid_t>(process.pid), process_fd, /*adopted=*/true));
  return AgeOf(process);
}

absl::Status LocalLauncher::Watch(const AttemptId& attempt, pid_t pid, int process_fd, bool adopted) {
  Child& child = children_[attempt];
  child.pid = pid;
  child.adopted = adopted;
  try {
    child.waiter = options_.start_thread([this, attempt, pid, process_fd] { Wait(attempt, pid, process_fd); });
    return absl::OkStatus();
  } catch (const std::system_error& error) {  // the only way that the standard library has to say so
    children_.erase(attempt);
    close(process_fd);
    return absl::ResourceExhaustedError(absl::StrCat("no thread to watch process ", pid, ": ", error.what()));
  }
}

void LocalLauncher::Wait(const AttemptId& attempt, pid_t pid, int process_fd) {
  OutOfMemoryWatch memory(options_.out_of_memory_kills);
  const bool gone = AwaitEnd(process_fd, memory);
  close(process_fd);
  if (!gone) return;
  WorkerExit exit = Reap(attempt, pid);
  exit.out_of_memory = (!exit.known || (exit.signalled && exit.code == SIGKILL)) && memory.HasKilled();
  if (on_exit_) on_exit_(attempt, exit);
}

bool LocalLauncher::AwaitEnd(int process_fd, OutOfMemoryWatch& memory) const {
  while (true) {
    pollfd events[] = {{process_fd, POLLIN, 0}, {released_, POLLIN, 0}};
    const int ready = poll(events, 2, static_cast<int>(absl::ToInt64Milliseconds(OutOfMemoryWatch::kInterval)));
    if (ready > 0) return events[0].revents != 0;
    if (ready == 0) memory.Sample();
  }
}

WorkerExit LocalLauncher::Reap(const AttemptId& attempt, pid_t pid) {
  siginfo_t info{};
  absl::MutexLock lock(&mutex_);
  Child& child = children_[attempt];
  child.gone = true;
  if (child.adopted) return WorkerExit{.known = false};
  while (waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOWAIT) != 0 && errno == EINTR) {
  }
  // What the worker left behind in its group goes with it, while the zombie still keeps the group's number.
  kill(-pid, SIGKILL);
  while (waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
  }
  return WorkerExit{info.si_code != CLD_EXITED, info.si_status};
}

void LocalLauncher::JoinFinished() {
  std::vector<std::thread> finished;
  {
    absl::MutexLock lock(&mutex_);
    for (auto child = children_.begin(); child != children_.end();) {
      if (!child->second.gone) {
        ++child;
        continue;
      }
      finished.push_back(std::move(child->second.waiter));
      child = children_.erase(child);
    }
  }
  for (std::thread& waiter : finished) waiter.join();
}

void LocalLauncher::Kill(const AttemptId& attempt) {
  absl::MutexLock lock(&mutex_);
  const auto child = children_.find(attempt);
  if (child != children_.end() && !child->second.gone) kill(-child->second.pid, SIGKILL);
}

void LocalLauncher::EndOrphans(const std::vector<ProcessIdentity>& orphans, absl::Duration grace) {
  std::vector<std::pair<int, int64_t>> alive;  // handle, pid
  for (const ProcessIdentity& orphan : orphans) {
    const int fd = OpenProcess(orphan);
    if (fd < 0) continue;
    kill(static_cast<pid_t>(orphan.pid), SIGTERM);
    alive.emplace_back(fd, orphan.pid);
  }
  const SteadyTime deadline = std::chrono::steady_clock::now() + absl::ToChronoMilliseconds(grace);
  for (const auto& [fd, pid] : alive) {
    if (!AwaitGone(fd, deadline)) {
      kill(-static_cast<pid_t>(pid), SIGKILL);
      AwaitGone(fd, std::nullopt);
    }
    close(fd);
  }
}

}  // namespace skew

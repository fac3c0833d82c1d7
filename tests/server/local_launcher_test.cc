// What a worker process is given.
#include "server/workers/local_launcher.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/synchronization/notification.h"
#include "common/file.h"
#include "tests/testing/temp_folder.h"

namespace skew {
namespace {

using ::testing::Contains;
using ::testing::Not;
using ::testing::StartsWith;

// An environment variable for as long as the object lives.
class ScopedVariable {
 public:
  ScopedVariable(const char* name, const char* value) : name_(name) { setenv(name, value, /*overwrite=*/1); }
  ~ScopedVariable() { unsetenv(name_); }
  ScopedVariable(const ScopedVariable&) = delete;
  ScopedVariable& operator=(const ScopedVariable&) = delete;

 private:
  const char* const name_;
};

// The environment of a worker with two cores, one variable an entry.
std::vector<std::string> EnvironmentOfAWorker() {
  const TempFolder folder;
  const std::string program = folder.path() + "/worker";
  EXPECT_TRUE(WriteFileAtomically(program, "#!/bin/sh\nenv\n").ok());
  std::filesystem::permissions(program, std::filesystem::perms::owner_all);
  const std::string log = folder.path() + "/log";
  absl::Notification gone;
  LocalLauncher launcher(
      {.worker_program = program, .daemon_address = "unix:none", .worker_patience = absl::Seconds(1)});
  launcher.SetOnExit([&gone](const AttemptId&, const WorkerExit& exit) {
    EXPECT_EQ(exit.code, 0);
    gone.Notify();
  });
  const Launch launch{.attempt = {}, .token = "once", .lease = {"cpu0", "cpu", {0, 0}}, .log_file = log};
  EXPECT_TRUE(launcher.Start(launch).ok());
  gone.WaitForNotification();
  return absl::StrSplit(*ReadFile(log), '\n');
}

TEST(LocalLauncherTest, ThreadsFollowTheCoresAndDoNotSpin) {
  const ScopedVariable threads("OMP_NUM_THREADS", "64");
  const std::vector<std::string> environment = EnvironmentOfAWorker();
  EXPECT_THAT(environment, Contains("OMP_NUM_THREADS=2"));
  EXPECT_THAT(environment, Not(Contains("OMP_NUM_THREADS=64")));
  EXPECT_THAT(environment, Contains("OMP_WAIT_POLICY=PASSIVE"));
  EXPECT_THAT(environment, Contains("SKEW_ATTEMPT_TOKEN=once"));
}

TEST(LocalLauncherTest, AnOperatorsWaitPolicyStays) {
  const ScopedVariable policy("OMP_WAIT_POLICY", "ACTIVE");
  const std::vector<std::string> environment = EnvironmentOfAWorker();
  EXPECT_THAT(environment, Contains("OMP_WAIT_POLICY=ACTIVE"));
  EXPECT_THAT(environment, Not(Contains("OMP_WAIT_POLICY=PASSIVE")));
}

TEST(LocalLauncherTest, AUsersTokenIsNotPassedOn) {
  const ScopedVariable token("SKEW_TOKEN", "secret");
  EXPECT_THAT(EnvironmentOfAWorker(), Not(Contains(StartsWith("SKEW_TOKEN="))));
}

// How a worker that kills itself ended, when the system counts so many kills for want of memory before and after.
WorkerExit ExitOfAKilledWorker(int64_t before, int64_t after) {
  const TempFolder folder;
  const std::string program = folder.path() + "/worker";
  EXPECT_TRUE(WriteFileAtomically(program, "#!/bin/sh\nread line < " + folder.path() + "/go\nkill -9 $$\n").ok());
  std::filesystem::permissions(program, std::filesystem::perms::owner_all);
  EXPECT_EQ(mkfifo((folder.path() + "/go").c_str(), 0600), 0);
  std::atomic<int64_t> kills = before;
  absl::Notification watched;
  absl::Notification gone;
  WorkerExit result;
  LocalLauncher launcher({.worker_program = program,
                          .daemon_address = "unix:none",
                          .worker_patience = absl::Seconds(1),
                          .out_of_memory_kills = [&] {
                            const int64_t count = kills.load();  // before `after` is stored
                            if (!watched.HasBeenNotified()) watched.Notify();
                            return count;
                          }});
  launcher.SetOnExit([&](const AttemptId&, const WorkerExit& exit) {
    result = exit;
    gone.Notify();
  });
  EXPECT_TRUE(
      launcher.Start({.attempt = {}, .token = "once", .lease = {"cpu0", "cpu", {0}}, .log_file = "/dev/null"}).ok());
  watched.WaitForNotification();  // the count of before
  kills = after;
  EXPECT_TRUE(std::ofstream(folder.path() + "/go") << "go\n");
  gone.WaitForNotification();
  return result;
}

TEST(LocalLauncherTest, AKillForWantOfMemoryIsToldFromOneByAPerson) {
  const WorkerExit by_system = ExitOfAKilledWorker(7, 8);
  EXPECT_TRUE(by_system.signalled);
  EXPECT_EQ(by_system.code, SIGKILL);
  EXPECT_TRUE(by_system.out_of_memory);
  const WorkerExit by_person = ExitOfAKilledWorker(7, 7);
  EXPECT_EQ(by_person.code, SIGKILL);
  EXPECT_FALSE(by_person.out_of_memory);
}

TEST(LocalLauncherTest, WithoutAThreadToWatchItAWorkerIsNotStarted) {
  const TempFolder folder;
  const std::string program = folder.path() + "/worker";
  ASSERT_TRUE(WriteFileAtomically(program, "#!/bin/sh\necho $$ > " + folder.path() + "/pid\nexec sleep 1000\n").ok());
  std::filesystem::permissions(program, std::filesystem::perms::owner_all);
  pid_t child = 0;
  LocalLauncher launcher({.worker_program = program,
                          .daemon_address = "unix:none",
                          .worker_patience = {},
                          .start_thread = [&](const std::function<void()>&) -> std::thread {
                            while (child == 0) std::ifstream(folder.path() + "/pid") >> child;
                            throw std::system_error(EAGAIN, std::generic_category());
                          }});
  const Launch launch{.attempt = {}, .token = "once", .lease = {"cpu0", "cpu", {0}}, .log_file = "/dev/null"};
  EXPECT_EQ(launcher.Start(launch).status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(kill(child, 0), -1);
  EXPECT_EQ(errno, ESRCH);
}

// A worker that runs until it is killed, or until SIGTERM unless it ignores that, and how it ended.
class SleepingWorker {
 public:
  explicit SleepingWorker(bool ignores_term) {
    EXPECT_TRUE(WriteFileAtomically(program_, absl::StrCat("#!/bin/sh\n", ignores_term ? "trap '' TERM\n" : "",
                                                           "echo > ", folder_.path(), "/ready\nexec sleep 1000\n"))
                    .ok());
    std::filesystem::permissions(program_, std::filesystem::perms::owner_all);
    launcher_.SetOnExit([this](const AttemptId&, const WorkerExit& exit) {
      exit_ = exit;
      gone_.Notify();
    });
    const Launch launch{.attempt = {}, .token = "once", .lease = {"cpu0", "cpu", {0}}, .log_file = "/dev/null"};
    identity_ = *launcher_.Start(launch);
    while (!std::filesystem::exists(folder_.path() + "/ready")) std::this_thread::yield();
  }

  const ProcessIdentity& identity() const { return identity_; }
  bool IsAlive() const { return IdentifyProcess(identity_.pid).ok(); }
  const WorkerExit& AwaitExit() {
    gone_.WaitForNotification();
    return exit_;
  }

 private:
  const TempFolder folder_;
  const std::string program_ = folder_.path() + "/worker";
  WorkerExit exit_;
  absl::Notification gone_;
  ProcessIdentity identity_;
  LocalLauncher launcher_{{.worker_program = program_, .daemon_address = "unix:none", .worker_patience = {}}};
};

// As a process is that got the number of one that has ended.
ProcessIdentity Later(ProcessIdentity process) {
  ++process.start_ticks;
  return process;
}

TEST(LocalLauncherTest, OnlyTheProcessThatWasMeantIsAdopted) {
  SleepingWorker worker(/*ignores_term=*/false);
  LocalLauncher next({.worker_program = "/none", .daemon_address = "unix:none", .worker_patience = {}});
  absl::Notification gone;
  next.SetOnExit([&gone](const AttemptId&, const WorkerExit& exit) {
    EXPECT_FALSE(exit.known);
    gone.Notify();
  });
  EXPECT_TRUE(absl::IsNotFound(next.Adopt({}, Later(worker.identity())).status()));
  ProcessIdentity of_another_boot = worker.identity();
  of_another_boot.boot_id = "another";
  EXPECT_TRUE(absl::IsFailedPrecondition(next.Adopt({}, of_another_boot).status()));
  EXPECT_TRUE(next.Adopt({}, worker.identity()).ok());
  next.Kill({});
  gone.WaitForNotification();
  EXPECT_EQ(worker.AwaitExit().code, SIGKILL);
}

TEST(LocalLauncherTest, OnlyOrphansThatWereMeantAreEnded) {
  SleepingWorker worker(/*ignores_term=*/false);
  SleepingWorker stubborn(/*ignores_term=*/true);
  LocalLauncher next({.worker_program = "/none", .daemon_address = "unix:none", .worker_patience = {}});
  next.EndOrphans({Later(worker.identity()), Later(stubborn.identity())}, absl::Milliseconds(50));
  EXPECT_TRUE(worker.IsAlive());
  EXPECT_TRUE(stubborn.IsAlive());
  next.EndOrphans({worker.identity()}, absl::Minutes(1));
  EXPECT_EQ(worker.AwaitExit().code, SIGTERM);
  next.EndOrphans({stubborn.identity()}, absl::Milliseconds(50));
  EXPECT_EQ(stubborn.AwaitExit().code, SIGKILL);
}

TEST(LocalLauncherTest, AProgramThatIsNotThereCannotBeStarted) {
  LocalLauncher launcher({.worker_program = "/none", .daemon_address = "unix:none", .worker_patience = {}});
  const Launch launch{.attempt = {}, .token = "once", .lease = {"cpu0", "cpu", {0}}, .log_file = "/dev/null"};
  EXPECT_EQ(launcher.Start(launch).status().code(), absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace skew

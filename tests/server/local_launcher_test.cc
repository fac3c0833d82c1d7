// What a worker process is given.
#include "server/workers/local_launcher.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

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

}  // namespace
}  // namespace skew

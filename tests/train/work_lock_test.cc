#include "server/train/work_lock.h"

#include <optional>
#include <string>
#include <thread>
#include <utility>

#include "absl/status/status.h"
#include "gtest/gtest.h"
#include "tests/testing/temp_folder.h"

namespace skew::train {
namespace {

class WorkLockTest : public testing::Test {
 protected:
  const TempFolder temp_;
  const std::string& folder_ = temp_.path();
  StopRequest stop_;
};

TEST_F(WorkLockTest, IsHeldByOneAtATime) {
  std::optional<absl::StatusOr<WorkLock>> first = WorkLock::Acquire(folder_, absl::ZeroDuration(), stop_);
  ASSERT_TRUE(first->ok());
  EXPECT_TRUE(absl::IsUnavailable(WorkLock::Acquire(folder_, absl::ZeroDuration(), stop_).status()));
  first.reset();
  EXPECT_TRUE(WorkLock::Acquire(folder_, absl::ZeroDuration(), stop_).ok());
}

TEST_F(WorkLockTest, WaitsForTheOtherToLetGo) {
  std::optional<absl::StatusOr<WorkLock>> first = WorkLock::Acquire(folder_, absl::ZeroDuration(), stop_);
  absl::Status second;
  std::thread waiter([&] { second = WorkLock::Acquire(folder_, absl::Seconds(60), stop_).status(); });
  first.reset();
  waiter.join();
  EXPECT_TRUE(second.ok()) << second;
}

TEST_F(WorkLockTest, AStopEndsTheWait) {
  const absl::StatusOr<WorkLock> first = WorkLock::Acquire(folder_, absl::ZeroDuration(), stop_);
  stop_.Raise(Stop::kCancel);
  EXPECT_TRUE(absl::IsCancelled(WorkLock::Acquire(folder_, absl::Seconds(60), stop_).status()));
}

TEST_F(WorkLockTest, NamesAFolderThatIsNotThere) {
  const absl::Status status = WorkLock::Acquire(folder_ + "/missing", absl::ZeroDuration(), stop_).status();
  EXPECT_NE(std::string(status.message()).find("/missing/lock"), std::string::npos);
}

}  // namespace
}  // namespace skew::train

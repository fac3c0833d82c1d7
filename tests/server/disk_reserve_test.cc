#include "server/store/disk_reserve.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "common/status.h"

namespace skew {
namespace {

TEST(DiskReserveTest, RoomIsRoom) {
  EXPECT_TRUE(DiskReserve(::testing::TempDir(), 0).Check().ok());
  EXPECT_GT(*DiskReserve(::testing::TempDir(), 0).free_bytes(), 0);
}

TEST(DiskReserveTest, SaysWhatIsFreeAndWhenToTryAgain) {
  const absl::Status status = DiskReserve(::testing::TempDir(), std::numeric_limits<int64_t>::max()).Check();
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(std::string(status.message()), ::testing::HasSubstr("MiB are kept free"));
  EXPECT_TRUE(RetryDelay(status).has_value());
}

TEST(DiskReserveTest, ADiskThatCannotBeAskedStopsNothing) {
  const DiskReserve reserve("/no such folder", std::numeric_limits<int64_t>::max());
  EXPECT_TRUE(reserve.Check().ok());
  EXPECT_FALSE(reserve.free_bytes().ok());
}

}  // namespace
}  // namespace skew

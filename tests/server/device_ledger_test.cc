#include "server/jobs/device_ledger.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace skew {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(DeviceSpecTest, CpuAloneIsASlotForEveryCore) {
  const auto devices = DeviceLedger::Parse("cpu", {2, 5});
  ASSERT_TRUE(devices.ok()) << devices.status();
  ASSERT_EQ(devices->size(), 2u);
  EXPECT_EQ((*devices)[1].device, "cpu1");
  EXPECT_THAT((*devices)[1].cores, ElementsAre(5));
}

TEST(DeviceSpecTest, SlotsHaveTheirOwnCores) {
  const auto devices = DeviceLedger::Parse("cpu:2x2", {0, 1, 2, 3});
  ASSERT_TRUE(devices.ok());
  EXPECT_THAT((*devices)[0].cores, ElementsAre(0, 1));
  EXPECT_THAT((*devices)[1].cores, ElementsAre(2, 3));
}

TEST(DeviceSpecTest, GpusAreNamedForTheTrainer) {
  const auto devices = DeviceLedger::Parse("cuda:0,2", {0, 1});
  ASSERT_TRUE(devices.ok());
  ASSERT_EQ(devices->size(), 2u);
  EXPECT_EQ((*devices)[1].device, "cuda2");
  EXPECT_EQ((*devices)[1].torch_device, "cuda:2");
  EXPECT_THAT((*devices)[1].cores, ElementsAre(0, 1));
}

TEST(DeviceSpecTest, RefusesWhatCannotBeAndNamesIt) {
  for (const char* spec : {"", "gpu", "cpu:2", "cpu:0x1", "cpu:2x0", "cpu:3x1", "cpu:2x2", "cpu:-1x1",
                           "cpu:18446744073709551615x2", "cuda:", "cuda:x", "cuda:1,1", "cuda:-1"}) {
    const absl::Status status = DeviceLedger::Parse(spec, {0, 1}).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << spec;
    EXPECT_THAT(std::string(status.message()), HasSubstr(spec));
  }
}

TEST(DeviceLedgerTest, ADeviceHasOneHolderAtATime) {
  DeviceLedger ledger(*DeviceLedger::Parse("cpu:1x1", {0}));
  const auto lease = ledger.Take("cpu0", absl::FromUnixSeconds(5));
  ASSERT_TRUE(lease.has_value());
  EXPECT_FALSE(ledger.HasFree());
  EXPECT_FALSE(ledger.Take("cpu0", absl::FromUnixSeconds(6)).has_value());
  ledger.SetHolder(lease->device, RunId{JobId{1}, 2});
  EXPECT_EQ(ledger.List()[0].run_id(), "j1.2");
  EXPECT_EQ(ledger.List()[0].lease_time().seconds(), 5);
  ledger.Return(lease->device);
  EXPECT_EQ(ledger.List()[0].run_id(), "");
  EXPECT_TRUE(ledger.Take("cpu0", absl::FromUnixSeconds(7)).has_value());
}

TEST(DeviceLedgerTest, ADrainedDeviceIsNotTaken) {
  DeviceLedger ledger(*DeviceLedger::Parse("cpu:2x1", {0, 1}));
  ASSERT_TRUE(ledger.SetDrained("cpu1", true).ok());
  EXPECT_FALSE(ledger.Take("cpu1", absl::FromUnixSeconds(5)).has_value());
  EXPECT_TRUE(ledger.HasFree());
  EXPECT_TRUE(ledger.List()[1].drained());
  ASSERT_TRUE(ledger.SetDrained("cpu1", false).ok());
  EXPECT_TRUE(ledger.Take("cpu1", absl::FromUnixSeconds(6)).has_value());
  EXPECT_EQ(ledger.SetDrained("cpu2", true).code(), absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace skew

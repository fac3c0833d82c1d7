#include "server/jobs/device_spec.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace skew {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(DeviceSpecTest, CpuAloneIsASlotForEveryCore) {
  const auto devices = ParseDevices("cpu", {2, 5});
  ASSERT_TRUE(devices.ok()) << devices.status();
  ASSERT_EQ(devices->size(), 2u);
  EXPECT_EQ((*devices)[1].device, "cpu1");
  EXPECT_THAT((*devices)[1].cores, ElementsAre(5));
}

TEST(DeviceSpecTest, SlotsHaveTheirOwnCores) {
  const auto devices = ParseDevices("cpu:2x2", {0, 1, 2, 3});
  ASSERT_TRUE(devices.ok());
  EXPECT_THAT((*devices)[0].cores, ElementsAre(0, 1));
  EXPECT_THAT((*devices)[1].cores, ElementsAre(2, 3));
}

TEST(DeviceSpecTest, GpusAreNamedForTheTrainer) {
  const auto devices = ParseDevices("cuda:0,2", {0, 1});
  ASSERT_TRUE(devices.ok());
  ASSERT_EQ(devices->size(), 2u);
  EXPECT_EQ((*devices)[1].device, "cuda2");
  EXPECT_EQ((*devices)[1].torch_device, "cuda:2");
  EXPECT_THAT((*devices)[1].cores, ElementsAre(0, 1));
}

TEST(DeviceSpecTest, RefusesWhatCannotBeAndNamesIt) {
  for (const char* spec : {"", "gpu", "cpu:2", "cpu:0x1", "cpu:2x0", "cpu:3x1", "cpu:2x2", "cpu:-1x1",
                           "cpu:18446744073709551615x2", "cuda:", "cuda:x", "cuda:1,1", "cuda:-1"}) {
    const absl::Status status = ParseDevices(spec, {0, 1}).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << spec;
    EXPECT_THAT(std::string(status.message()), HasSubstr(spec));
  }
}

}  // namespace
}  // namespace skew

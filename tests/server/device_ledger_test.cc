#include "server/jobs/device_ledger.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <utility>

#include "server/jobs/device_spec.h"

namespace skew {
namespace {

TEST(DeviceLedgerTest, ADeviceHasOneHolderAtATime) {
  DeviceLedger ledger(*ParseDevices("cpu:1x1", {0}));
  const auto lease = ledger.Take("cpu0", 0, false, absl::FromUnixSeconds(5));
  ASSERT_TRUE(lease.has_value());
  EXPECT_FALSE(ledger.HasFree());
  EXPECT_FALSE(ledger.Take("cpu0", 0, false, absl::FromUnixSeconds(6)).has_value());
  ledger.SetHolder(*lease, RunId{JobId{1}, 2});
  EXPECT_EQ(ledger.List()[0].run_id(), "j1.2");
  EXPECT_EQ(ledger.List()[0].lease_time().seconds(), 5);
  ledger.Return(*lease);
  EXPECT_EQ(ledger.List()[0].run_id(), "");
  EXPECT_TRUE(ledger.Take("cpu0", 0, false, absl::FromUnixSeconds(7)).has_value());
}

TEST(DeviceLedgerTest, ADrainedDeviceIsNotTaken) {
  DeviceLedger ledger(*ParseDevices("cpu:2x1", {0, 1}));
  ASSERT_TRUE(ledger.SetDrained("cpu1", true).ok());
  EXPECT_FALSE(ledger.Take("cpu1", 0, false, absl::FromUnixSeconds(5)).has_value());
  EXPECT_TRUE(ledger.HasFree());
  EXPECT_TRUE(ledger.List()[1].drained());
  ASSERT_TRUE(ledger.SetDrained("cpu1", false).ok());
  EXPECT_TRUE(ledger.Take("cpu1", 0, false, absl::FromUnixSeconds(6)).has_value());
  EXPECT_EQ(ledger.SetDrained("cpu2", true).code(), absl::StatusCode::kNotFound);
}

constexpr int64_t kGib = int64_t{1} << 30;
const absl::Time kTakeTime = absl::FromUnixSeconds(5);

GpuReading Reading(int64_t used_gib, std::vector<GpuProcess> processes = {}) {
  return {"T4", 16 * kGib, used_gib * kGib, std::move(processes), ""};
}

TEST(GpuLedgerTest, WithoutAReadingOneRunHasTheGpu) {
  DeviceLedger ledger(*ParseDevices("cuda:0", {0}), 4);
  ASSERT_TRUE(ledger.Take("cuda0", 3 * kGib, false, kTakeTime).has_value());
  EXPECT_FALSE(ledger.Take("cuda0", 3 * kGib, false, kTakeTime).has_value());
}

TEST(GpuLedgerTest, RunsShareMemoryAsFarAsItGoes) {
  DeviceLedger ledger(*ParseDevices("cuda:0", {0}), 4);
  ledger.Update(std::vector<GpuReading>{Reading(0)}, kTakeTime);
  const auto first = ledger.Take("cuda0", 10 * kGib, false, kTakeTime);
  ASSERT_TRUE(first.has_value());
  EXPECT_EQ(first->kind, "T4");
  EXPECT_FALSE(ledger.Take("cuda0", 7 * kGib, false, kTakeTime).has_value());
  EXPECT_FALSE(ledger.Take("cuda0", 1 * kGib, true, kTakeTime).has_value());
  ASSERT_TRUE(ledger.Take("cuda0", 6 * kGib, false, kTakeTime).has_value());
  EXPECT_EQ(ledger.Slots()[0].free_bytes, 0);
  ledger.Return(*first);
  EXPECT_EQ(ledger.Slots()[0].free_bytes, 10 * kGib);
}

TEST(GpuLedgerTest, WhatAWorkerUsesOfItsLeaseCountsOnce) {
  DeviceLedger ledger(*ParseDevices("cuda:0", {0}), 4);
  ledger.Update(std::vector<GpuReading>{Reading(0)}, kTakeTime);
  const auto lease = ledger.Take("cuda0", 6 * kGib, false, kTakeTime);
  ledger.SetProcess(*lease, 17);
  ledger.Update(std::vector<GpuReading>{Reading(4, {{17, 4 * kGib}})}, kTakeTime);
  EXPECT_EQ(ledger.Slots()[0].free_bytes, 10 * kGib);
  ledger.Update(std::vector<GpuReading>{Reading(8, {{17, 8 * kGib}})}, kTakeTime);  // over its lease
  EXPECT_EQ(ledger.Slots()[0].free_bytes, 8 * kGib);
  EXPECT_EQ(ledger.PeakOf(*lease), 8 * kGib);
}

TEST(GpuLedgerTest, AWholeDeviceIsFullAndEmptyAgainOnlyWhenItsMemoryIsBack) {
  DeviceLedger ledger(*ParseDevices("cuda:0", {0}), 4);
  ledger.Update(std::vector<GpuReading>{Reading(0)}, kTakeTime);
  const auto lease = ledger.Take("cuda0", 0, true, kTakeTime);
  ASSERT_TRUE(lease.has_value());
  EXPECT_FALSE(ledger.HasFree());
  ledger.SetProcess(*lease, 17);
  ledger.Update(std::vector<GpuReading>{Reading(12, {{17, 12 * kGib}})}, kTakeTime);
  ledger.Return(*lease);
  EXPECT_FALSE(ledger.HasFree());
  ledger.Update(std::vector<GpuReading>{Reading(12)}, kTakeTime);  // it is gone, its memory is not yet
  EXPECT_FALSE(ledger.HasFree());
  EXPECT_EQ(ledger.Slots()[0].settling, 4);
  EXPECT_FALSE(ledger.Take("cuda0", 4 * kGib, false, kTakeTime).has_value());
  ledger.Update(std::vector<GpuReading>{Reading(0)}, kTakeTime);
  EXPECT_TRUE(ledger.Take("cuda0", 5 * kGib, false, kTakeTime).has_value());
}

TEST(GpuLedgerTest, ForeignProcessesAreShownAndTheirMemoryIsNotFree) {
  DeviceLedger ledger(*ParseDevices("cuda:0", {0}), 4);
  ledger.Update(std::vector<GpuReading>{Reading(13, {{99, 13 * kGib}})}, kTakeTime);
  EXPECT_FALSE(ledger.Take("cuda0", 4 * kGib, false, kTakeTime).has_value());
  const v1::Device device = ledger.List()[0];
  EXPECT_EQ(device.foreign_bytes(), 13 * kGib);
  ASSERT_EQ(device.foreign_processes_size(), 1);
  EXPECT_EQ(device.foreign_processes(0).pid(), 99);
  EXPECT_TRUE(ledger.Take("cuda0", 3 * kGib, false, kTakeTime).has_value());
}

TEST(GpuLedgerTest, AGpuThatVanishesOrFailsIsOutOfOrderUntilItIsBack) {
  DeviceLedger ledger(*ParseDevices("cuda:0,1", {0}), 4);
  GpuReading broken = Reading(0);
  broken.problem = "GPU is lost";
  ledger.Update(std::vector<GpuReading>{broken}, kTakeTime);
  EXPECT_FALSE(ledger.HasFree());
  EXPECT_EQ(ledger.List()[0].problem(), "GPU is lost");
  EXPECT_EQ(ledger.List()[1].problem(), "the driver does not list it any more");
  ledger.Update(absl::UnavailableError("Driver Not Loaded"), kTakeTime);
  EXPECT_EQ(ledger.List()[0].problem(), "Driver Not Loaded");
  ledger.Update(std::vector<GpuReading>{Reading(0), Reading(0)}, kTakeTime);
  EXPECT_TRUE(ledger.Take("cuda1", kGib, false, kTakeTime).has_value());
}

}  // namespace
}  // namespace skew

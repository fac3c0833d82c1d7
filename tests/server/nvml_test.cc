// The real loading code, on a library that stands in for NVML.
#include "server/workers/nvml.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "server/jobs/device_ledger.h"
#include "server/jobs/device_spec.h"
#include "tests/testing/temp_folder.h"

namespace skew {
namespace {

using ::testing::HasSubstr;

const absl::Time kReadTime = absl::FromUnixSeconds(5);

class NvmlTest : public ::testing::Test {
 protected:
  NvmlTest() { setenv("STAND_IN_NVML", (folder_ + "/gpus").c_str(), 1); }
  ~NvmlTest() override { unsetenv("STAND_IN_NVML"); }

  void Write(const std::string& gpus) { std::ofstream(folder_ + "/gpus", std::ios::trunc) << gpus; }

  static std::unique_ptr<Nvml> MustLoad() {
    absl::StatusOr<std::unique_ptr<Nvml>> nvml = Nvml::Load(STAND_IN_NVML_LIBRARY);
    EXPECT_TRUE(nvml.ok()) << nvml.status();
    return *std::move(nvml);
  }

  const TempFolder temp_;
  const std::string& folder_ = temp_.path();
};

TEST_F(NvmlTest, ReadsNamesMemoryAndProcesses) {
  Write("gpu A100 42949672960 2147483648 17:1073741824 18:536870912\ngpu T4 16106127360 0\n");
  const auto nvml = MustLoad();
  const auto readings = nvml->Read();
  ASSERT_TRUE(readings.ok()) << readings.status();
  ASSERT_EQ(readings->size(), 2u);
  const GpuReading& first = (*readings)[0];
  EXPECT_EQ(first.name, "A100");
  EXPECT_EQ(first.memory_bytes, 42949672960);
  EXPECT_EQ(first.used_bytes, 2147483648);
  ASSERT_EQ(first.processes.size(), 2u);
  EXPECT_EQ(first.processes[1].pid, 18);
  EXPECT_EQ(first.processes[1].memory_bytes, 536870912);
  EXPECT_EQ((*readings)[1].problem, "");
}

TEST_F(NvmlTest, ManyProcessesAreAllRead) {
  std::string line = "gpu A100 42949672960 0";
  for (int pid = 1; pid <= 100; ++pid) line += " " + std::to_string(pid) + ":1";
  Write(line + "\n");
  EXPECT_EQ((*MustLoad()->Read())[0].processes.size(), 100u);
}

TEST_F(NvmlTest, MemoryThatTheDriverDoesNotTellIsNone) {
  Write("gpu A100 42949672960 0 17:18446744073709551615\n");
  EXPECT_EQ((*MustLoad()->Read())[0].processes[0].memory_bytes, 0);
}

TEST_F(NvmlTest, ABrokenGpuSaysWhyAndLeavesTheOthersAlone) {
  Write("broken 15\ngpu T4 16106127360 0\n");
  const auto readings = MustLoad()->Read();
  ASSERT_EQ(readings->size(), 2u);
  EXPECT_EQ((*readings)[0].problem, "nvmlDeviceGetHandleByIndex: GPU is lost");
  EXPECT_EQ((*readings)[1].name, "T4");
}

TEST_F(NvmlTest, AGpuThatVanishesIsGoneFromTheNextReading) {
  Write("gpu T4 16106127360 0\ngpu T4 16106127360 0\n");
  const auto nvml = MustLoad();
  EXPECT_EQ(nvml->Read()->size(), 2u);
  Write("gpu T4 16106127360 0\n");
  EXPECT_EQ(nvml->Read()->size(), 1u);
  std::filesystem::remove(folder_ + "/gpus");
  EXPECT_EQ(nvml->Read().status().code(), absl::StatusCode::kUnavailable);
}

TEST_F(NvmlTest, WithoutADriverThereIsNone) {
  EXPECT_EQ(Nvml::Load(folder_ + "/libnvidia-ml.so.1").status().code(), absl::StatusCode::kNotFound);
  Write("init 9\n");
  const absl::Status status = Nvml::Load(STAND_IN_NVML_LIBRARY).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()), HasSubstr("Driver Not Loaded"));
}

TEST_F(NvmlTest, ALibraryOfSomethingElseIsRefusedByWhatItLacks) {
  const absl::Status status = Nvml::Load("libz.so.1").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()), HasSubstr("nvmlInit_v2"));
}

// A run used 12 of 16 GiB and ended; what the driver says goes through the real loading code.
TEST_F(NvmlTest, MemoryThatARunHasNotGivenBackIsNotFreeWhateverOlderReadingsSay) {
  constexpr int64_t kGib = int64_t{1} << 30;
  Write("gpu T4 17179869184 0\n");
  const auto nvml = MustLoad();
  DeviceLedger ledger(*ParseDevices("cuda:0", {0}), 2);
  ledger.Update(nvml->Read(), kReadTime);
  const auto lease = ledger.Take("cuda0", 12 * kGib, false, kReadTime);
  ASSERT_TRUE(lease.has_value());
  ledger.SetProcess(*lease, 17);
  const auto takes = [&](int64_t bytes) {
    const auto other = ledger.Take("cuda0", bytes, false, kReadTime);
    if (other.has_value()) ledger.Return(*other);  // no process: free at once
    return other.has_value();
  };

  ledger.Return(*lease);  // the newest reading is from before it used anything
  EXPECT_TRUE(ledger.IsSettling());
  EXPECT_FALSE(takes(5 * kGib));
  EXPECT_TRUE(takes(4 * kGib));
  Write("gpu T4 17179869184 12884901888 17:12884901888\n");  // still listed
  ledger.Update(nvml->Read(), kReadTime);
  EXPECT_FALSE(takes(5 * kGib));
  Write("gpu T4 17179869184 12884901888\n");  // forgotten, and its memory is not back
  ledger.Update(nvml->Read(), kReadTime);
  EXPECT_TRUE(ledger.IsSettling());
  EXPECT_FALSE(takes(5 * kGib));
  Write("broken 15\n");
  ledger.Update(nvml->Read(), kReadTime);
  EXPECT_TRUE(ledger.IsSettling());
  Write("gpu T4 17179869184 1048576\n");
  ledger.Update(nvml->Read(), kReadTime);
  EXPECT_FALSE(ledger.IsSettling());
  EXPECT_TRUE(takes(15 * kGib));
}

TEST_F(NvmlTest, MemoryThatNeverComesBackIsGivenUpAndCountsAsUsed) {
  constexpr int64_t kGib = int64_t{1} << 30;
  Write("gpu T4 17179869184 0\n");
  const auto nvml = MustLoad();
  DeviceLedger ledger(*ParseDevices("cuda:0", {0}), 2);
  ledger.Update(nvml->Read(), kReadTime);
  const auto lease = ledger.Take("cuda0", 0, true, kReadTime);
  ASSERT_TRUE(lease.has_value());
  ledger.SetProcess(*lease, 17);
  ledger.Return(*lease);
  Write("gpu T4 17179869184 8589934592\n");
  ledger.Update(nvml->Read(), kReadTime);
  EXPECT_FALSE(ledger.HasFree());
  ledger.Update(nvml->Read(), kReadTime + DeviceLedger::kPatience);
  EXPECT_TRUE(ledger.HasFree());
  EXPECT_EQ(ledger.Slots()[0].free_bytes, 8 * kGib);
}

}  // namespace
}  // namespace skew

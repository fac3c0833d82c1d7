// Policy, ledger and driver together: random schedules on GPUs that stand-in NVML shows.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <optional>
#include <random>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/jobs/device_ledger.h"
#include "server/jobs/fair_share.h"
#include "server/jobs/queue_snapshot.h"
#include "server/workers/nvml.h"
#include "tests/testing/temp_folder.h"

namespace skew {
namespace {

constexpr int64_t kMib = int64_t{1} << 20;
constexpr int kSchedules = 1000;
constexpr int kSteps = 12;

// A process on a GPU: a worker's, or somebody else's.
struct Process {
  size_t gpu = 0;
  int64_t pid = 0;
  int64_t used = 0;
  std::optional<Lease> lease;
  RunId run;
  bool gone = false;  // its memory stays one reading longer
};

class Schedule {
 public:
  Schedule(const std::string& file, Nvml* nvml, uint32_t seed) : file_(file), nvml_(nvml), random_(seed) {
    const size_t gpus = 1 + random_() % 3;
    std::vector<Lease> devices;
    for (size_t i = 0; i < gpus; ++i) {
      total_.push_back(static_cast<int64_t>(4 + random_() % 21) * 1024 * kMib);
      Lease device;
      device.device = absl::StrCat("cuda", i);
      device.gpu = static_cast<int>(i);
      device.kind = "cuda";
      devices.push_back(device);
    }
    ledger_.emplace(std::move(devices), 1 + static_cast<int>(random_() % 4));
    picture_.time = absl::FromUnixSeconds(1'700'000'000);
    for (const char* name : {"ada", "bob"}) {
      QueueUser& user = picture_.users.emplace_back();
      user.name = name;
      user.last_start = picture_.time;
    }
  }

  void Run() {
    for (int step = 0; step < kSteps; ++step) {
      picture_.time += absl::Seconds(10);
      Submit();
      ComeAndGo();
      Show();
      ledger_->Update(nvml_->Read(), picture_.time);
      StartWhatMay();
      CheckMemory();
      CheckNothingIsIdle();
      if (::testing::Test::HasFatalFailure()) return;
    }
  }

 private:
  int64_t Random(int64_t most) { return static_cast<int64_t>(random_() % static_cast<uint64_t>(most)); }

  void Submit() {
    for (int i = 0; i < 3; ++i) {
      QueueRow row;
      row.key = {JobId{++jobs_}, jobs_, 0};
      row.runs = 1;
      row.next_run = 1;
      row.waiting_since = picture_.time;
      if (random_() % 5 != 0) row.need.set_memory_bytes((1 + Random(12'000)) * kMib);
      row.need.set_whole_device(random_() % 8 == 0);
      picture_.users[random_() % 2].rows.push_back(row);
    }
  }

  // Workers use some of what they have set aside, some end; processes of others come and go.
  void ComeAndGo() {
    std::erase_if(processes_, [](const Process& one) { return one.gone; });
    for (Process& one : processes_) {
      if (random_() % 4 == 0) {
        one.gone = true;
        if (one.lease.has_value()) {
          ledger_->Return(*one.lease);
          std::erase_if(picture_.active, [&](const ActiveRow& row) { return row.run == one.run; });
        }
      } else if (one.lease.has_value()) {
        // A run whose need is not known has the device, and of that what nobody else uses.
        const int64_t most = one.lease->memory_bytes > 0 ? one.lease->memory_bytes : one.used + Unused(one.gpu);
        one.used = std::max(one.used, Random(most + 1) / kMib * kMib);
      }
    }
    if (random_() % 3 != 0) return;
    const size_t gpu = random_() % total_.size();
    const int64_t room = std::min(Unused(gpu), SetAside(gpu));
    if (room < 2 * kMib) return;
    processes_.push_back({gpu, ++pids_, Random(room), std::nullopt, RunId(), false});
  }

  int64_t Used(size_t gpu) const {
    int64_t used = 0;
    for (const Process& one : processes_) used += one.gpu == gpu ? one.used : 0;
    return used;
  }
  int64_t Unused(size_t gpu) const { return total_[gpu] - Used(gpu); }
  // What neither is used nor set aside: others, too, find only that in this test.
  int64_t SetAside(size_t gpu) const {
    int64_t free = Unused(gpu);
    for (const Process& one : processes_) {
      if (one.gpu != gpu || one.gone || !one.lease.has_value()) continue;
      free -= std::max<int64_t>(one.lease->memory_bytes - one.used, 0);
    }
    return free;
  }

  void Show() {
    std::ofstream file(file_, std::ios::trunc);
    for (size_t gpu = 0; gpu < total_.size(); ++gpu) {
      file << "gpu T4 " << total_[gpu] << " " << Used(gpu);
      for (const Process& one : processes_) {
        if (one.gpu == gpu && !one.gone) file << " " << one.pid << ":" << one.used;
      }
      file << "\n";
    }
  }

  void StartWhatMay() {
    const std::vector<DeviceSlots> devices = ledger_->Slots();
    const FairShareSnapshot snapshot = SnapshotOf(picture_, devices);
    for (const StartDecision& start : DecideStarts(snapshot, {})) {
      QueueRow& row = picture_.users[start.user].rows[start.batch];
      const RunNeed need = snapshot.users[start.user].batches[start.batch].need;
      const std::optional<Lease> lease =
          ledger_->Take(devices[start.device].name, need.memory_bytes, need.whole_device, picture_.time);
      ASSERT_TRUE(lease.has_value()) << "the policy and the ledger do not agree";
      const RunId run{row.key.job, 1};
      ledger_->SetHolder(*lease, run);
      ledger_->SetProcess(*lease, ++pids_);
      processes_.push_back({start.device, pids_, 0, lease, run, false});
      ActiveRow active;
      active.run = run;
      active.owner = picture_.users[start.user].name;
      active.device = lease->device;
      active.start_time = picture_.time;
      picture_.active.push_back(active);
      row.runs = 0;
    }
    for (QueueUser& user : picture_.users) {
      std::erase_if(user.rows, [](const QueueRow& row) { return row.runs == 0; });
    }
  }

  void CheckMemory() const {
    for (size_t gpu = 0; gpu < total_.size(); ++gpu) {
      ASSERT_GE(SetAside(gpu), 0) << "GPU " << gpu << " has " << total_[gpu];
      ASSERT_GE(Unused(gpu), 0);
    }
  }

  void CheckNothingIsIdle() const {
    const FairShareSnapshot snapshot = SnapshotOf(picture_, ledger_->Slots());
    std::vector<int> runs;
    for (const FairShareDevice& device : snapshot.devices) runs.push_back(device.settling);
    for (const ActiveLease& lease : snapshot.active) ++runs[lease.device];
    for (const FairShareUser& user : snapshot.users) {
      for (const QueuedBatch& batch : user.batches) {
        for (size_t i = 0; i < snapshot.devices.size(); ++i) {
          ASSERT_FALSE(FitsNow(batch.need, snapshot.devices[i], runs[i] == 0))
              << "GPU " << i << " has room for " << batch.need.memory_bytes;
        }
      }
    }
  }

  const std::string file_;
  Nvml* const nvml_;
  std::mt19937 random_;
  std::vector<int64_t> total_;
  std::optional<DeviceLedger> ledger_;
  QueuePicture picture_;
  std::vector<Process> processes_;
  int64_t jobs_ = 0;
  int64_t pids_ = 100;
};

TEST(GpuScheduleTest, AThousandRandomSchedulesNeitherExceedMemoryNorLeaveItIdle) {
  const TempFolder folder;
  const std::string file = folder.path() + "/gpus";
  setenv("STAND_IN_NVML", file.c_str(), 1);
  std::ofstream(file) << "gpu T4 1 0\n";
  {
    absl::StatusOr<std::unique_ptr<Nvml>> nvml = Nvml::Load(STAND_IN_NVML_LIBRARY);
    ASSERT_TRUE(nvml.ok()) << nvml.status();
    for (uint32_t seed = 0; seed < kSchedules; ++seed) {
      SCOPED_TRACE(absl::StrCat("schedule ", seed));
      Schedule(file, nvml->get(), seed).Run();
      if (HasFatalFailure()) break;
    }
  }
  unsetenv("STAND_IN_NVML");
}

}  // namespace
}  // namespace skew

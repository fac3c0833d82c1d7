#include "server/jobs/device_ledger.h"

#include <sched.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "common/proto_time.h"
#include "common/status.h"

namespace skew {
namespace {

absl::Status BadSpec(absl::string_view spec, absl::string_view problem) {
  return absl::InvalidArgumentError(
      absl::StrCat("devices '", spec, "': ", problem,
                   "; right would be cpu, cpu:SLOTSxCORES (such as cpu:2x1), cuda:all or cuda:0,2"));
}

absl::StatusOr<std::vector<Lease>> ParseCpu(absl::string_view spec, absl::string_view shape,
                                            const std::vector<int32_t>& cores) {
  size_t slots = cores.size();
  size_t cores_per_slot = 1;
  if (!shape.empty()) {
    const std::vector<std::string> numbers = absl::StrSplit(shape, 'x');
    if (numbers.size() != 2 || !absl::SimpleAtoi(numbers[0], &slots) ||
        !absl::SimpleAtoi(numbers[1], &cores_per_slot) || slots == 0 || cores_per_slot == 0) {
      return BadSpec(spec, "not SLOTSxCORES");
    }
  }
  if (slots > cores.size() || slots * cores_per_slot > cores.size()) {
    return BadSpec(spec, absl::StrCat("more cores than the ", cores.size(), " this process may use"));
  }
  std::vector<Lease> devices;
  for (size_t slot = 0; slot < slots; ++slot) {
    const auto first = cores.begin() + static_cast<ptrdiff_t>(slot * cores_per_slot);
    devices.push_back({absl::StrCat("cpu", slot),
                       "cpu",
                       {first, first + static_cast<ptrdiff_t>(cores_per_slot)},
                       absl::StrCat("cpu x", cores_per_slot)});
  }
  return devices;
}

absl::StatusOr<std::vector<Lease>> ParseCuda(absl::string_view spec, absl::string_view list,
                                             const std::vector<int32_t>& cores) {
  std::vector<int32_t> gpus;
  if (list == "all") {
    gpus = InstalledGpus();
    if (gpus.empty()) return BadSpec(spec, "the NVIDIA driver lists no GPU on this machine");
  } else {
    for (const absl::string_view text : absl::StrSplit(list, ',')) {
      int32_t gpu = 0;
      if (!absl::SimpleAtoi(text, &gpu) || gpu < 0)
        return BadSpec(spec, absl::StrCat("'", text, "' is not a GPU's number"));
      if (std::find(gpus.begin(), gpus.end(), gpu) != gpus.end())
        return BadSpec(spec, absl::StrCat("GPU ", gpu, " twice"));
      gpus.push_back(gpu);
    }
  }
  std::vector<Lease> devices;
  for (const int32_t gpu : gpus)
    devices.push_back({absl::StrCat("cuda", gpu), absl::StrCat("cuda:", gpu), cores, "cuda"});
  return devices;
}

}  // namespace

absl::StatusOr<std::vector<Lease>> DeviceLedger::Parse(absl::string_view spec, const std::vector<int32_t>& cores) {
  absl::string_view rest = spec;
  if (rest == "cpu" || absl::ConsumePrefix(&rest, "cpu:")) return ParseCpu(spec, rest == "cpu" ? "" : rest, cores);
  if (absl::ConsumePrefix(&rest, "cuda:")) return ParseCuda(spec, rest, cores);
  return BadSpec(spec, "unknown kind");
}

DeviceLedger::DeviceLedger(std::vector<Lease> devices) {
  for (Lease& lease : devices) entries_.push_back({std::move(lease), false, false, {}, {}});
}

DeviceLedger::Entry& DeviceLedger::Find(const std::string& device) {
  const auto found =
      std::find_if(entries_.begin(), entries_.end(), [&](const Entry& one) { return one.lease.device == device; });
  if (found == entries_.end()) std::abort();  // a device that no lease ever named: a programmer's error
  return *found;
}

std::optional<Lease> DeviceLedger::Take(const std::string& device, absl::Time now) {
  absl::MutexLock lock(&mutex_);
  for (Entry& entry : entries_) {
    if (entry.lease.device != device || entry.taken || entry.drained) continue;
    entry.taken = true;
    entry.since = now;
    return entry.lease;
  }
  return std::nullopt;
}

absl::Status DeviceLedger::SetDrained(const std::string& device, bool drained) {
  absl::MutexLock lock(&mutex_);
  for (Entry& entry : entries_) {
    if (entry.lease.device != device) continue;
    entry.drained = drained;
    return absl::OkStatus();
  }
  return absl::NotFoundError(absl::StrCat("there is no device ", device));
}

bool DeviceLedger::HasFree() const {
  absl::MutexLock lock(&mutex_);
  return std::any_of(entries_.begin(), entries_.end(), [](const Entry& one) { return !one.taken && !one.drained; });
}

std::vector<DeviceSlots> DeviceLedger::Slots() const {
  absl::MutexLock lock(&mutex_);
  std::vector<DeviceSlots> slots;
  for (const Entry& entry : entries_) slots.push_back({entry.lease.device, entry.lease.kind, 1, entry.drained});
  return slots;
}

void DeviceLedger::SetHolder(const std::string& device, RunId run) {
  absl::MutexLock lock(&mutex_);
  Find(device).holder = run;
}

void DeviceLedger::Return(const std::string& device) {
  absl::MutexLock lock(&mutex_);
  Entry& entry = Find(device);
  entry.taken = false;
  entry.holder.reset();
}

std::vector<v1::Device> DeviceLedger::List() const {
  absl::MutexLock lock(&mutex_);
  std::vector<v1::Device> devices;
  for (const Entry& entry : entries_) {
    v1::Device& device = devices.emplace_back();
    device.set_name(entry.lease.device);
    device.set_kind(entry.lease.kind);
    device.set_drained(entry.drained);
    device.mutable_cores()->Assign(entry.lease.cores.begin(), entry.lease.cores.end());
    if (!entry.holder.has_value()) continue;
    device.set_run_id(entry.holder->ToString());
    device.add_run_ids(device.run_id());
    *device.mutable_lease_time() = ToProto(entry.since);
  }
  return devices;
}

std::vector<int32_t> UsableCores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  std::vector<int32_t> cores;
  if (sched_getaffinity(0, sizeof(set), &set) != 0) return {0};
  for (int core = 0; core < CPU_SETSIZE; ++core) {
    if (CPU_ISSET(core, &set)) cores.push_back(core);
  }
  return cores;
}

std::vector<int32_t> InstalledGpus() {
  std::vector<int32_t> gpus;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/driver/nvidia/gpus", error)) {
    (void)entry;
    gpus.push_back(static_cast<int32_t>(gpus.size()));
  }
  return gpus;
}

}  // namespace skew

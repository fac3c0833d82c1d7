#include "server/jobs/device_ledger.h"

#include <algorithm>
#include <cstdlib>

#include "absl/strings/str_cat.h"
#include "common/proto_time.h"
#include "common/status.h"

namespace skew {
namespace {

// What a GPU has in use for its own sake goes up and down by less than this.
constexpr int64_t kUnclaimedAnyhow = int64_t{64} << 20;

constexpr char kNotBack[] = "memory of an ended run is not back";

}  // namespace

DeviceLedger::DeviceLedger(std::vector<Lease> devices, int max_runs_per_gpu) : max_runs_per_gpu_(max_runs_per_gpu) {
  for (Lease& device : devices) entries_.push_back({std::move(device), {}, false, std::nullopt});
}

int64_t DeviceLedger::UsedBy(const Entry& entry, int64_t pid) {
  if (!entry.reading.has_value() || pid == 0) return 0;
  int64_t used = 0;
  for (const GpuProcess& process : entry.reading->processes) {
    if (process.pid == pid) used += process.memory_bytes;
  }
  return used;
}

int64_t DeviceLedger::Unclaimed(const Entry& entry) {
  if (!Accounts(entry)) return 0;
  int64_t unclaimed = entry.reading->used_bytes;
  for (const GpuProcess& process : entry.reading->processes) unclaimed -= process.memory_bytes;
  return std::max<int64_t>(unclaimed, 0);
}

int64_t DeviceLedger::FreeBytes(const Entry& entry) {
  if (!Accounts(entry)) return 0;
  int64_t free = entry.reading->memory_bytes - entry.reading->used_bytes;
  // What is set aside and not used yet is still to come; of a process that is gone, a reading since then says all.
  for (const Hold& hold : entry.holds) {
    if (hold.first_reading != absl::InfiniteFuture()) continue;
    free -= std::max<int64_t>(hold.lease.memory_bytes - UsedBy(entry, hold.pid), 0);
  }
  return std::max<int64_t>(free, 0);
}

bool DeviceLedger::IsFull(const Entry& entry) const {
  if (static_cast<int>(entry.holds.size()) >= SlotsOf(entry)) return true;
  return std::any_of(entry.holds.begin(), entry.holds.end(), [](const Hold& hold) { return hold.lease.whole_device; });
}

Lease DeviceLedger::AddHold(Entry& entry, int64_t memory_bytes, bool whole_device, absl::Time since) {
  Hold& hold = entry.holds.emplace_back();
  hold.lease = entry.device;
  hold.lease.number = ++last_number_;
  hold.lease.memory_bytes = memory_bytes;
  hold.lease.whole_device = whole_device;
  if (Accounts(entry)) hold.lease.device_memory_bytes = entry.reading->memory_bytes;
  hold.since = since;
  hold.unclaimed_bytes = Unclaimed(entry);
  return hold.lease;
}

std::optional<Lease> DeviceLedger::Take(const std::string& device, int64_t memory_bytes, bool whole_device,
                                        absl::Time now) {
  absl::MutexLock lock(&mutex_);
  for (Entry& entry : entries_) {
    if (entry.device.device != device || entry.drained || OutOfOrder(entry) || IsFull(entry)) continue;
    if (whole_device && !entry.holds.empty()) continue;
    if (Accounts(entry) && memory_bytes > FreeBytes(entry)) continue;
    return AddHold(entry, memory_bytes, whole_device, now);
  }
  return std::nullopt;
}

std::optional<Lease> DeviceLedger::TakeAgain(const std::string& device, int64_t memory_bytes, bool whole_device,
                                             absl::Time since) {
  absl::MutexLock lock(&mutex_);
  for (Entry& entry : entries_) {
    if (entry.device.device != device) continue;
    if (entry.device.gpu < 0 && !entry.holds.empty()) return std::nullopt;
    return AddHold(entry, memory_bytes, whole_device, since);
  }
  return std::nullopt;
}

void DeviceLedger::SetHolder(const Lease& lease, RunId run) {
  absl::MutexLock lock(&mutex_);
  for (Entry& entry : entries_) {
    for (Hold& hold : entry.holds) {
      if (hold.lease.number == lease.number) hold.run = run;
    }
  }
}

void DeviceLedger::SetProcess(const Lease& lease, int64_t pid) {
  absl::MutexLock lock(&mutex_);
  for (Entry& entry : entries_) {
    for (Hold& hold : entry.holds) {
      if (hold.lease.number == lease.number) hold.pid = pid;
    }
  }
}

int64_t DeviceLedger::PeakOf(const Lease& lease) const {
  absl::MutexLock lock(&mutex_);
  for (const Entry& entry : entries_) {
    for (const Hold& hold : entry.holds) {
      if (hold.lease.number == lease.number) return hold.peak_bytes;
    }
  }
  return 0;
}

void DeviceLedger::Return(const Lease& lease) {
  absl::MutexLock lock(&mutex_);
  for (Entry& entry : entries_) {
    const auto hold = std::find_if(entry.holds.begin(), entry.holds.end(),
                                   [&](const Hold& one) { return one.lease.number == lease.number && !one.returned; });
    if (hold == entry.holds.end()) continue;
    // Without a process nothing was used, and without readings nothing is known of its memory.
    if (Accounts(entry) && hold->pid != 0) {
      hold->returned = true;
    } else {
      entry.holds.erase(hold);
    }
    return;
  }
  std::abort();  // a lease that was never taken, or was returned: a programmer's error
}

absl::Status DeviceLedger::SetDrained(const std::string& device, bool drained) {
  absl::MutexLock lock(&mutex_);
  for (Entry& entry : entries_) {
    if (entry.device.device != device) continue;
    entry.drained = drained;
    return absl::OkStatus();
  }
  return absl::NotFoundError(absl::StrCat("there is no device ", device));
}

void DeviceLedger::Update(const absl::StatusOr<std::vector<GpuReading>>& readings, absl::Time now) {
  absl::MutexLock lock(&mutex_);
  for (Entry& entry : entries_) {
    if (entry.device.gpu < 0) continue;
    const auto index = static_cast<size_t>(entry.device.gpu);
    if (readings.ok() && index < readings->size()) {
      entry.reading = (*readings)[index];
      if (!entry.reading->name.empty()) entry.device.kind = entry.reading->name;
    } else {
      // What it had is kept, so that what it holds stays accounted for.
      if (!entry.reading.has_value()) entry.reading.emplace();
      entry.reading->problem =
          readings.ok() ? "the driver does not list it any more" : std::string(readings.status().message());
    }
    Settle(entry, now);
  }
}

// After a reading.
void DeviceLedger::Settle(Entry& entry, absl::Time now) {
  for (Hold& hold : entry.holds) {
    if (hold.returned) {
      hold.first_reading = std::min(hold.first_reading, now);
    } else {
      hold.peak_bytes = std::max(hold.peak_bytes, UsedBy(entry, hold.pid));
      hold.unclaimed_bytes = std::min(hold.unclaimed_bytes, Unclaimed(entry));
    }
  }
  std::erase_if(entry.holds, [&](const Hold& hold) {
    return hold.returned && (IsBack(entry, hold) || now - hold.first_reading >= kPatience);
  });
}

// Of a returned one. The driver may have forgotten the process and not have its memory yet, which nobody claims then.
bool DeviceLedger::IsBack(const Entry& entry, const Hold& hold) {
  if (OutOfOrder(entry)) return false;
  const bool listed = std::any_of(entry.reading->processes.begin(), entry.reading->processes.end(),
                                  [&](const GpuProcess& process) { return process.pid == hold.pid; });
  return !listed && Unclaimed(entry) <= hold.unclaimed_bytes + kUnclaimedAnyhow;
}

bool DeviceLedger::IsSettling() const {
  absl::MutexLock lock(&mutex_);
  return std::any_of(entries_.begin(), entries_.end(), HasReturned);
}

bool DeviceLedger::HasReturned(const Entry& entry) {
  return std::any_of(entry.holds.begin(), entry.holds.end(), [](const Hold& hold) { return hold.returned; });
}

bool DeviceLedger::has_gpus() const {
  absl::MutexLock lock(&mutex_);
  return std::any_of(entries_.begin(), entries_.end(), [](const Entry& one) { return one.device.gpu >= 0; });
}

bool DeviceLedger::HasFree() const {
  absl::MutexLock lock(&mutex_);
  return std::any_of(entries_.begin(), entries_.end(),
                     [this](const Entry& one) { return !one.drained && !OutOfOrder(one) && !IsFull(one); });
}

std::vector<DeviceSlots> DeviceLedger::Slots() const {
  absl::MutexLock lock(&mutex_);
  std::vector<DeviceSlots> devices;
  for (const Entry& entry : entries_) {
    DeviceSlots& device = devices.emplace_back();
    device.name = entry.device.device;
    device.kind = entry.device.kind;
    device.slots = SlotsOf(entry);
    device.drained = entry.drained || OutOfOrder(entry);
    if (Accounts(entry)) device.memory_bytes = entry.reading->memory_bytes;
    device.free_bytes = FreeBytes(entry);
    for (const Hold& hold : entry.holds) {
      if (hold.returned) device.settling += hold.lease.whole_device ? device.slots : 1;
      if (hold.returned) continue;
      device.held.push_back({hold.run.value_or(RunId()), std::max(hold.lease.memory_bytes, UsedBy(entry, hold.pid)),
                             hold.lease.whole_device});
    }
  }
  return devices;
}

void DeviceLedger::DescribeMemory(const Entry& entry, v1::Device& device) {
  if (!entry.reading.has_value()) return;
  device.set_problem(entry.reading->problem);
  if (device.problem().empty() && HasReturned(entry)) device.set_problem(kNotBack);
  device.set_memory_bytes(entry.reading->memory_bytes);
  int64_t leased = 0;
  int64_t ours = 0;
  for (const Hold& hold : entry.holds) {
    leased += hold.lease.memory_bytes;
    ours += UsedBy(entry, hold.pid);
  }
  device.set_leased_bytes(leased);
  device.set_foreign_bytes(std::max<int64_t>(entry.reading->used_bytes - ours, 0));
  for (const GpuProcess& process : entry.reading->processes) {
    const bool is_ours =
        std::any_of(entry.holds.begin(), entry.holds.end(), [&](const Hold& hold) { return hold.pid == process.pid; });
    if (is_ours) continue;
    v1::ForeignProcess& foreign = *device.add_foreign_processes();
    foreign.set_pid(static_cast<int32_t>(process.pid));
    foreign.set_memory_bytes(process.memory_bytes);
  }
}

std::vector<v1::Device> DeviceLedger::List() const {
  absl::MutexLock lock(&mutex_);
  std::vector<v1::Device> devices;
  for (const Entry& entry : entries_) {
    v1::Device& device = devices.emplace_back();
    device.set_name(entry.device.device);
    device.set_kind(entry.device.kind);
    device.set_drained(entry.drained);
    device.mutable_cores()->Assign(entry.device.cores.begin(), entry.device.cores.end());
    DescribeMemory(entry, device);
    for (const Hold& hold : entry.holds) {
      if (!hold.run.has_value() || hold.returned) continue;
      device.add_run_ids(hold.run->ToString());
      if (!device.run_id().empty()) continue;
      device.set_run_id(hold.run->ToString());
      *device.mutable_lease_time() = ToProto(hold.since);
    }
  }
  return devices;
}

}  // namespace skew

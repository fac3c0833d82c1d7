// What the box has, and who holds it.
#ifndef SKEW_SERVER_JOBS_DEVICE_LEDGER_H_
#define SKEW_SERVER_JOBS_DEVICE_LEDGER_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "common/ids.h"
#include "server/jobs/gpu_probe.h"
#include "skew/v1/device.pb.h"

namespace skew {

// A device for one attempt, or a part of one.
struct Lease {
  std::string device;          // "cpu0", "cuda1"
  std::string torch_device;    // "cpu", "cuda:1"
  std::vector<int32_t> cores;  // to pin the worker to
  std::string kind{};          // runs take equally long on devices of one kind
  int gpu = -1;                // the driver's index of a GPU, -1 of other devices
  // Of a lease that was taken.
  int64_t number = 0;               // tells it from all others
  int64_t memory_bytes = 0;         // set aside of a GPU's memory
  int64_t device_memory_bytes = 0;  // all of that; 0: not accounted for
  bool whole_device = false;
};

// A lease that is held, as the scheduler sees it.
struct HeldLease {
  RunId run;
  int64_t memory_bytes = 0;  // set aside, or used where that is more
  bool whole_device = false;
};

// A device as the scheduler sees it.
struct DeviceSlots {
  std::string name;
  std::string kind;
  int slots = 1;             // runs it takes at once
  bool drained = false;      // or out of order
  int64_t memory_bytes = 0;  // 0: not accounted for
  int64_t free_bytes = 0;    // for further leases
  std::vector<HeldLease> held{};
  int settling = 0;  // slots taken by runs that have ended while their memory is not back yet
};

// Memory of GPUs is accounted for by what leases have set aside and what the driver says is used: free is what neither
// has. What a worker's process uses of its own lease counts once; memory of processes that are not this server's is not
// free. A lease of a GPU that was returned stays in the ledger, settling, until a reading taken after that shows that
// its memory is back: no reading from before the end of its process makes anything free. Thread-safe.
class DeviceLedger {
 public:
  // Several runs share a GPU, at most `max_runs_per_gpu`, once its memory is accounted for; until then one has it.
  explicit DeviceLedger(std::vector<Lease> devices, int max_runs_per_gpu = 1);

  // Takes so much of the device. Empty when that is not there: taken, drained, out of order or unknown. Its holder is
  // not known yet.
  std::optional<Lease> Take(const std::string& device, int64_t memory_bytes, bool whole_device, absl::Time now);
  // For an attempt that has so much of it already: also when the device is drained, out of order or too full. Empty
  // when there is no such device, or others have all of it.
  std::optional<Lease> TakeAgain(const std::string& device, int64_t memory_bytes, bool whole_device, absl::Time since);
  void SetHolder(const Lease& lease, RunId run);
  // Which process uses the lease.
  void SetProcess(const Lease& lease, int64_t pid);
  // The most memory that the lease's process was seen to use; 0 when none was.
  int64_t PeakOf(const Lease& lease) const;
  // The lease's process is gone.
  void Return(const Lease& lease);

  // Nothing new is to be started on a drained device. NOT_FOUND.
  absl::Status SetDrained(const std::string& device, bool drained);

  // What the driver says at `now`: the readings are younger than every Return before. GPUs it does not list, or has a
  // problem with, are out of order until the next reading. Memory that is not back after `kPatience` will not come
  // back: the lease ends, and the memory counts as used for as long as the driver says so.
  void Update(const absl::StatusOr<std::vector<GpuReading>>& readings, absl::Time now);
  static constexpr absl::Duration kPatience = absl::Seconds(20);
  // Whether a returned lease awaits its memory.
  bool IsSettling() const;
  bool has_gpus() const;

  // Whether anything could be started now.
  bool HasFree() const;
  std::vector<DeviceSlots> Slots() const;
  std::vector<v1::Device> List() const;

 private:
  struct Hold {
    Lease lease;
    std::optional<RunId> run;
    int64_t pid = 0;
    int64_t peak_bytes = 0;
    absl::Time since;
    // Memory of the GPU that was in use without a process that says so, at the least while this was held.
    int64_t unclaimed_bytes = 0;
    bool returned = false;
    absl::Time first_reading = absl::InfiniteFuture();  // since its return
  };
  struct Entry {
    Lease device;
    std::vector<Hold> holds;
    bool drained = false;
    std::optional<GpuReading> reading;
  };

  Lease AddHold(Entry& entry, int64_t memory_bytes, bool whole_device, absl::Time since)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  static int64_t UsedBy(const Entry& entry, int64_t pid);
  static int64_t Unclaimed(const Entry& entry);
  static void Settle(Entry& entry, absl::Time now);
  static bool HasReturned(const Entry& entry);
  static bool IsBack(const Entry& entry, const Hold& hold);
  static bool Accounts(const Entry& entry) { return entry.reading.has_value() && entry.reading->memory_bytes > 0; }
  static bool OutOfOrder(const Entry& entry) { return entry.reading.has_value() && !entry.reading->problem.empty(); }
  static int64_t FreeBytes(const Entry& entry);
  int SlotsOf(const Entry& entry) const { return Accounts(entry) ? max_runs_per_gpu_ : 1; }
  bool IsFull(const Entry& entry) const;
  static void DescribeMemory(const Entry& entry, v1::Device& device);

  const int max_runs_per_gpu_;
  mutable absl::Mutex mutex_;
  std::vector<Entry> entries_ ABSL_GUARDED_BY(mutex_);
  int64_t last_number_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace skew

#endif  // SKEW_SERVER_JOBS_DEVICE_LEDGER_H_

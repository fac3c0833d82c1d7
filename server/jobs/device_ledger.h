// What the box has, and who holds it.
#ifndef SKEW_SERVER_JOBS_DEVICE_LEDGER_H_
#define SKEW_SERVER_JOBS_DEVICE_LEDGER_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "common/ids.h"
#include "skew/v1/device.pb.h"

namespace skew {

// A device for one attempt.
struct Lease {
  std::string device;          // "cpu0", "cuda1"
  std::string torch_device;    // "cpu", "cuda:1"
  std::vector<int32_t> cores;  // to pin the worker to
  std::string kind;            // runs take equally long on devices of one kind
};

// A device as the scheduler sees it.
struct DeviceSlots {
  std::string name;
  std::string kind;
  int slots = 1;  // runs it takes at once
  bool drained = false;
};

// Thread-safe.
class DeviceLedger {
 public:
  // `spec` is "cpu:SLOTSxCORES", "cpu" (one slot for each of `cores`), "cuda:all" or "cuda:0,2". `cores` are those
  // this process may use; GPU workers share all of them. INVALID_ARGUMENT, with the spec and what would be right.
  static absl::StatusOr<std::vector<Lease>> Parse(absl::string_view spec, const std::vector<int32_t>& cores);

  explicit DeviceLedger(std::vector<Lease> devices);

  // Takes the device; empty when it is taken, drained or unknown. Its holder is not known yet.
  std::optional<Lease> Take(const std::string& device, absl::Time now);
  void SetHolder(const std::string& device, RunId run);
  void Return(const std::string& device);

  // Nothing new is to be started on a drained device. NOT_FOUND.
  absl::Status SetDrained(const std::string& device, bool drained);

  // Whether anything could be started now.
  bool HasFree() const;
  std::vector<DeviceSlots> Slots() const;
  std::vector<v1::Device> List() const;

 private:
  struct Entry {
    Lease lease;
    bool taken = false;
    bool drained = false;
    std::optional<RunId> holder;
    absl::Time since;
  };
  Entry& Find(const std::string& device) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  mutable absl::Mutex mutex_;
  std::vector<Entry> entries_ ABSL_GUARDED_BY(mutex_);
};

// Cores that this process may use, and indices of the NVIDIA GPUs that the kernel's driver lists.
std::vector<int32_t> UsableCores();
std::vector<int32_t> InstalledGpus();

}  // namespace skew

#endif  // SKEW_SERVER_JOBS_DEVICE_LEDGER_H_

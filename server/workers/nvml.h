// NVIDIA's management library, loaded while the daemon runs: nothing of it is needed to build.
#ifndef SKEW_SERVER_WORKERS_NVML_H_
#define SKEW_SERVER_WORKERS_NVML_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "server/jobs/gpu_probe.h"

namespace skew {

// Thread-safe.
class Nvml final : public GpuProbe {
 public:
  // Loads `library`, e.g. "libnvidia-ml.so.1". NOT_FOUND: there is no such library, so no driver. FAILED_PRECONDITION,
  // with its own words: the driver does not come up, or the library lacks a function.
  static absl::StatusOr<std::unique_ptr<Nvml>> Load(const std::string& library);
  ~Nvml() override;

  absl::StatusOr<std::vector<GpuReading>> Read() override;

 private:
  struct Functions;
  explicit Nvml(std::unique_ptr<Functions> functions);
  GpuReading ReadOne(unsigned int index) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  absl::Mutex mutex_;  // one reading at a time
  std::unique_ptr<Functions> nvml_ ABSL_PT_GUARDED_BY(mutex_);
};

}  // namespace skew

#endif  // SKEW_SERVER_WORKERS_NVML_H_

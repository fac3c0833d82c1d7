// What a GPU's driver says of it.
#ifndef SKEW_SERVER_JOBS_GPU_PROBE_H_
#define SKEW_SERVER_JOBS_GPU_PROBE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace skew {

struct GpuProcess {
  int64_t pid = 0;
  int64_t memory_bytes = 0;  // 0 where the driver does not tell
};

// One GPU at one moment.
struct GpuReading {
  std::string name;  // of the product
  int64_t memory_bytes = 0;
  int64_t used_bytes = 0;  // by anybody
  std::vector<GpuProcess> processes;
  std::string problem;  // why the rest cannot be read, in the driver's words; empty when it can
};

class GpuProbe {
 public:
  virtual ~GpuProbe() = default;
  // By the driver's index, in the order of the PCI bus. An error when the driver as a whole does not answer.
  virtual absl::StatusOr<std::vector<GpuReading>> Read() = 0;
};

}  // namespace skew

#endif  // SKEW_SERVER_JOBS_GPU_PROBE_H_

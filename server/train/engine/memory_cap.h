// A worker's part of a GPU that several workers share.
#ifndef SKEW_SERVER_TRAIN_ENGINE_MEMORY_CAP_H_
#define SKEW_SERVER_TRAIN_ENGINE_MEMORY_CAP_H_

#include <cstdint>

#include "absl/status/status.h"
#include "server/train/engine/engine.h"

namespace skew::train {

// From now on LibTorch allocates at most `bytes` of the `device_bytes` that the engine's GPU has; beyond that it
// reports that the device has no memory left. On a CPU, or without a limit (0), does nothing. UNIMPLEMENTED when this
// LibTorch has no such limit.
absl::Status CapMemory(const Engine& engine, int64_t bytes, int64_t device_bytes);

// As CapMemory does on GPU number `index`, by LibTorch's own function.
absl::Status SetMemoryFraction(double fraction, int index);

}  // namespace skew::train

#endif  // SKEW_SERVER_TRAIN_ENGINE_MEMORY_CAP_H_

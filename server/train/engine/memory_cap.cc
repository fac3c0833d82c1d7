#include "server/train/engine/memory_cap.h"

#include <ATen/Context.h>
#include <dlfcn.h>

#include <algorithm>

#include "server/train/torch.h"

namespace skew::train {
namespace {

// c10::cuda::CUDACachingAllocator::setMemoryFraction(double, int), up to LibTorch 1.13. Looked up in the LibTorch in
// use, so that nothing of CUDA is needed to build this. Not tried on a GPU yet.
constexpr char kSetMemoryFraction[] = "_ZN3c104cuda20CUDACachingAllocator17setMemoryFractionEdi";

}  // namespace

absl::Status SetMemoryFraction(double fraction, int index) {
  const auto set = reinterpret_cast<void (*)(double, int)>(dlsym(RTLD_DEFAULT, kSetMemoryFraction));
  if (set == nullptr) return absl::UnimplementedError("this LibTorch cannot limit the memory it takes of a GPU");
  set(fraction, index);
  return absl::OkStatus();
}

absl::Status CapMemory(const Engine& engine, int64_t bytes, int64_t device_bytes) {
  if (!engine.device.is_cuda() || bytes <= 0 || device_bytes <= 0) return absl::OkStatus();
  at::globalContext().lazyInitCUDA();  // makes the allocator that is told
  const double fraction = static_cast<double>(bytes) / static_cast<double>(device_bytes);
  return SetMemoryFraction(std::min(fraction, 1.0), engine.device.index());
}

}  // namespace skew::train

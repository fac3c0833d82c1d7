#include "server/jobs/auto_precision.h"

#include <algorithm>

#include "absl/strings/match.h"

namespace skew {
namespace {

bool ProcessorMultipliesBFloat16() {
#if defined(__x86_64__)
  return __builtin_cpu_supports("avx512bf16") != 0;
#else
  return false;
#endif
}

}  // namespace

v1::Precision AutoPrecisionOn(const std::vector<v1::Device>& devices) {
  const bool only_cpus = std::all_of(devices.begin(), devices.end(),
                                     [](const v1::Device& device) { return absl::StartsWith(device.name(), "cpu"); });
  if (!only_cpus) return v1::AUTO;
  return ProcessorMultipliesBFloat16() ? v1::BF16 : v1::FP32;
}

}  // namespace skew

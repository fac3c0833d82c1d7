#include "server/jobs/auto_precision.h"

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

v1::Precision AutoPrecisionOn(bool has_gpus) {
  if (has_gpus) return v1::AUTO;
  return ProcessorMultipliesBFloat16() ? v1::BF16 : v1::FP32;
}

}  // namespace skew

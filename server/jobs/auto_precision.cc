#include "server/jobs/auto_precision.h"

#include "common/processor.h"

namespace skew {

v1::Precision AutoPrecisionOn(bool has_gpus) {
  if (has_gpus) return v1::AUTO;
  return MultipliesBFloat16Faster() ? v1::BF16 : v1::FP32;
}

}  // namespace skew

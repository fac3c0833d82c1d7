// For processors without AVX-512 instructions in their language.
#include "server/train/engine/kernels.h"

namespace skew::train {

const Kernels* FloatKernels() { return nullptr; }
const Kernels* BFloat16Kernels() { return nullptr; }
AdamKernel VectorAdam() { return nullptr; }

}  // namespace skew::train

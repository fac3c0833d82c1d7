// Operators that LibTorch lacks or has only slowly.
#ifndef SKEW_SERVER_TRAIN_ENGINE_OPS_H_
#define SKEW_SERVER_TRAIN_ENGINE_OPS_H_

#include <cstdint>

#include "server/train/engine/engine.h"
#include "server/train/torch.h"

namespace skew::train {

// Square kernels, the same in both directions.
struct ConvolutionShape {
  int64_t stride = 1;
  int64_t padding = 0;
};

// Transposed convolution without bias, differentiable in both tensors.
//
//   input  [n, in, h, w]
//   weight [in, out, k, k]
//   result [n, out, (h - 1) stride - 2 padding + k, likewise]
//
// kThroughConvolution uses that it is, by definition, the gradient of an ordinary convolution C with the same weight
// (out -> in channels) by its input. So the result is C's input gradient at `input`, the gradient by `input` is C
// itself, and the gradient by `weight` is C's weight gradient with input and output gradient in each other's places.
at::Tensor ConvTranspose2d(const at::Tensor& input, const at::Tensor& weight, ConvolutionShape shape,
                           TransposedConvolution how);

}  // namespace skew::train

#endif  // SKEW_SERVER_TRAIN_ENGINE_OPS_H_

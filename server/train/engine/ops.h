// Operators that LibTorch lacks or has only slowly.
#ifndef SKEW_SERVER_TRAIN_ENGINE_OPS_H_
#define SKEW_SERVER_TRAIN_ENGINE_OPS_H_

#include <cstdint>

#include "server/train/engine/direct_convolution.h"
#include "server/train/engine/engine.h"
#include "server/train/torch.h"

namespace skew::train {

// Convolution without bias, differentiable in both tensors.
//
//   input  [n, in, h, w]
//   weight [out, in, k, k], float32
//   result [n, out, (h + 2 padding - k) / stride + 1, likewise], of the engine's precision
at::Tensor Convolution(const at::Tensor& input, const at::Tensor& weight, ConvolutionShape shape, const Engine& engine);

// Transposed convolution without bias, differentiable in both tensors.
//
//   input  [n, in, h, w]
//   weight [in, out, k, k], float32
//   result [n, out, (h - 1) stride - 2 padding + k, likewise], of the engine's precision
//
// It is, by definition, the gradient of an ordinary convolution C with the same weight (out -> in channels) by its
// input. So the result is C's input gradient at `input`, the gradient by `input` is C itself, and the gradient by
// `weight` is C's weight gradient with input and output gradient in each other's places. Every engine but kBuiltIn
// computes it so. With kDirect, images of one channel are float32 here and above, as images are.
at::Tensor ConvTranspose2d(const at::Tensor& input, const at::Tensor& weight, ConvolutionShape shape,
                           const Engine& engine);

}  // namespace skew::train

#endif  // SKEW_SERVER_TRAIN_ENGINE_OPS_H_

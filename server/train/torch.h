// The one way to LibTorch's headers.
//
// <ATen/core/ivalue.h> has to come first: clang rejects LibTorch 1.13's headers in C++20 otherwise. Operators are
// included one by one from <ATen/ops/...> where they are used; <torch/torch.h> would cost 18 s a unit.
#ifndef SKEW_SERVER_TRAIN_TORCH_H_
#define SKEW_SERVER_TRAIN_TORCH_H_

#include <ATen/core/ivalue.h>
// The line above stays above.
#include <ATen/TensorOperators.h>
#include <ATen/core/Generator.h>
#include <ATen/core/Tensor.h>
#include <ATen/core/grad_mode.h>
#include <c10/core/Device.h>

#endif  // SKEW_SERVER_TRAIN_TORCH_H_

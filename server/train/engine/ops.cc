#include "server/train/engine/ops.h"

#include <ATen/ops/conv_transpose2d.h>
#include <ATen/ops/convolution.h>
#include <ATen/ops/convolution_backward.h>
#include <ATen/ops/empty.h>
#include <torch/csrc/autograd/custom_function.h>

#include <array>

namespace skew::train {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// The ordinary convolution behind a transposed one: from its result's shape to its input's.
class Adjoint {
 public:
  explicit Adjoint(ConvolutionShape shape)
      : stride_{shape.stride, shape.stride}, padding_{shape.padding, shape.padding} {}

  at::Tensor Forward(const at::Tensor& large, const at::Tensor& weight) const {
    return at::convolution(large, weight, {}, stride_, padding_, kDilation, false, kNoOutputPadding, 1);
  }

  // `large` gives the shape only.
  at::Tensor InputGradient(const at::Tensor& small, const at::Tensor& large, const at::Tensor& weight) const {
    return std::get<0>(Backward(small, large, weight, {true, false, false}));
  }

  at::Tensor WeightGradient(const at::Tensor& small, const at::Tensor& large, const at::Tensor& weight) const {
    return std::get<1>(Backward(small, large, weight, {false, true, false}));
  }

 private:
  static constexpr std::array<int64_t, 2> kDilation = {1, 1};
  static constexpr std::array<int64_t, 2> kNoOutputPadding = {0, 0};

  std::tuple<at::Tensor, at::Tensor, at::Tensor> Backward(const at::Tensor& small, const at::Tensor& large,
                                                          const at::Tensor& weight, std::array<bool, 3> mask) const {
    return at::convolution_backward(small, large, weight, at::OptionalIntArrayRef(), stride_, padding_, kDilation,
                                    false, kNoOutputPadding, 1, mask);
  }

  std::array<int64_t, 2> stride_;
  std::array<int64_t, 2> padding_;
};

int64_t ResultSize(int64_t size, int64_t kernel, ConvolutionShape shape) {
  return (size - 1) * shape.stride - 2 * shape.padding + kernel;
}

class ThroughConvolution : public torch::autograd::Function<ThroughConvolution> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& input, const at::Tensor& weight, int64_t stride,
                            int64_t padding) {
    const ConvolutionShape shape{stride, padding};
    context->save_for_backward({input, weight});
    context->saved_data["stride"] = stride;
    context->saved_data["padding"] = padding;
    const at::Tensor result_shape =
        at::empty({input.size(0), weight.size(1), ResultSize(input.size(2), weight.size(2), shape),
                   ResultSize(input.size(3), weight.size(3), shape)},
                  input.options());
    return Adjoint(shape).InputGradient(input, result_shape, weight);
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const variable_list saved = context->get_saved_variables();
    const at::Tensor& input = saved[0];
    const at::Tensor& weight = saved[1];
    const Adjoint adjoint({context->saved_data["stride"].toInt(), context->saved_data["padding"].toInt()});
    variable_list result(4);
    if (input.requires_grad()) result[0] = adjoint.Forward(gradients[0], weight);
    if (weight.requires_grad()) result[1] = adjoint.WeightGradient(input, gradients[0], weight);
    return result;
  }
};

}  // namespace

at::Tensor ConvTranspose2d(const at::Tensor& input, const at::Tensor& weight, ConvolutionShape shape,
                           TransposedConvolution how) {
  if (how == TransposedConvolution::kThroughConvolution) {
    return ThroughConvolution::apply(input, weight, shape.stride, shape.padding);
  }
  const std::array<int64_t, 2> stride = {shape.stride, shape.stride};
  const std::array<int64_t, 2> padding = {shape.padding, shape.padding};
  return at::conv_transpose2d(input, weight, {}, stride, padding);
}

}  // namespace skew::train

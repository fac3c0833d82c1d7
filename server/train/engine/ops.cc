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

int64_t TransposedSize(int64_t size, int64_t kernel, ConvolutionShape shape) {
  return (size - 1) * shape.stride - 2 * shape.padding + kernel;
}

// An ordinary convolution and its gradients, by LibTorch.
class LibTorchConvolution {
 public:
  LibTorchConvolution(const at::Tensor& weight, ConvolutionShape shape)
      : weight_(weight), stride_{shape.stride, shape.stride}, padding_{shape.padding, shape.padding} {}

  at::Tensor Forward(const at::Tensor& large) const {
    return at::convolution(large, weight_, {}, stride_, padding_, kDilation, false, kNoOutputPadding, 1);
  }

  at::Tensor InputGradient(const at::Tensor& small, int64_t height, int64_t width) const {
    const at::Tensor shape = at::empty({small.size(0), weight_.size(1), height, width}, small.options());
    return std::get<0>(Backward(small, shape, {true, false, false}));
  }

  at::Tensor WeightGradient(const at::Tensor& small, const at::Tensor& large) const {
    return std::get<1>(Backward(small, large, {false, true, false}));
  }

 private:
  static constexpr std::array<int64_t, 2> kDilation = {1, 1};
  static constexpr std::array<int64_t, 2> kNoOutputPadding = {0, 0};

  std::tuple<at::Tensor, at::Tensor, at::Tensor> Backward(const at::Tensor& small, const at::Tensor& large,
                                                          std::array<bool, 3> mask) const {
    return at::convolution_backward(small, large, weight_, at::OptionalIntArrayRef(), stride_, padding_, kDilation,
                                    false, kNoOutputPadding, 1, mask);
  }

  at::Tensor weight_;
  std::array<int64_t, 2> stride_;
  std::array<int64_t, 2> padding_;
};

// What the functions below keep between forward and backward.
struct Call {
  at::Tensor input;
  at::Tensor weight;
  ConvolutionShape shape;
  bool bfloat16 = false;

  static void Save(AutogradContext* context, const at::Tensor& input, const at::Tensor& weight, ConvolutionShape shape,
                   bool bfloat16) {
    context->save_for_backward({input, weight});
    context->saved_data["stride"] = shape.stride;
    context->saved_data["padding"] = shape.padding;
    context->saved_data["bfloat16"] = bfloat16;
  }
  static Call Restore(AutogradContext* context) {
    const variable_list saved = context->get_saved_variables();
    return {saved[0],
            saved[1],
            {context->saved_data["stride"].toInt(), context->saved_data["padding"].toInt()},
            context->saved_data["bfloat16"].toBool()};
  }

  const Kernels* kernels() const { return bfloat16 ? BFloat16Kernels() : FloatKernels(); }
  // Between `input` and something smaller.
  DirectConvolution Shrinking() const { return {kernels(), weight, shape, input.size(2), input.size(3)}; }
  // Between something larger and `input`.
  DirectConvolution Growing() const {
    return {kernels(), weight, shape, TransposedSize(input.size(2), weight.size(2), shape),
            TransposedSize(input.size(3), weight.size(3), shape)};
  }
};

class DirectForward : public torch::autograd::Function<DirectForward> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& input, const at::Tensor& weight, int64_t stride,
                            int64_t padding, bool bfloat16) {
    Call::Save(context, input, weight, {stride, padding}, bfloat16);
    return Call{input, weight, {stride, padding}, bfloat16}.Shrinking().Forward(input);
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const Call call = Call::Restore(context);
    const DirectConvolution convolution = call.Shrinking();
    variable_list result(5);
    if (call.input.requires_grad()) result[0] = convolution.InputGradient(gradients[0]);
    if (call.weight.requires_grad()) result[1] = convolution.WeightGradient(gradients[0], call.input);
    return result;
  }
};

class DirectTransposed : public torch::autograd::Function<DirectTransposed> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& input, const at::Tensor& weight, int64_t stride,
                            int64_t padding, bool bfloat16) {
    Call::Save(context, input, weight, {stride, padding}, bfloat16);
    return Call{input, weight, {stride, padding}, bfloat16}.Growing().InputGradient(input);
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const Call call = Call::Restore(context);
    const DirectConvolution convolution = call.Growing();
    variable_list result(5);
    if (call.input.requires_grad()) result[0] = convolution.Forward(gradients[0]);
    if (call.weight.requires_grad()) result[1] = convolution.WeightGradient(call.input, gradients[0]);
    return result;
  }
};

class ThroughConvolution : public torch::autograd::Function<ThroughConvolution> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& input, const at::Tensor& weight, int64_t stride,
                            int64_t padding) {
    const ConvolutionShape shape{stride, padding};
    Call::Save(context, input, weight, shape, false);
    return LibTorchConvolution(weight, shape)
        .InputGradient(input, TransposedSize(input.size(2), weight.size(2), shape),
                       TransposedSize(input.size(3), weight.size(3), shape));
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const Call call = Call::Restore(context);
    const LibTorchConvolution convolution(call.weight, call.shape);
    variable_list result(4);
    if (call.input.requires_grad()) result[0] = convolution.Forward(gradients[0]);
    if (call.weight.requires_grad()) result[1] = convolution.WeightGradient(call.input, gradients[0]);
    return result;
  }
};

bool UseDirect(const at::Tensor& weight, const Engine& engine) {
  const Kernels* const kernels = engine.precision == at::kBFloat16 ? BFloat16Kernels() : FloatKernels();
  return engine.convolutions == Convolutions::kDirect && kernels != nullptr && DirectConvolution::Supports(weight);
}

}  // namespace

at::Tensor Convolution(const at::Tensor& input, const at::Tensor& weight, ConvolutionShape shape,
                       const Engine& engine) {
  if (UseDirect(weight, engine)) {
    return DirectForward::apply(input, weight, shape.stride, shape.padding, engine.precision == at::kBFloat16);
  }
  return LibTorchConvolution(weight.to(engine.precision), shape).Forward(input.to(engine.precision));
}

at::Tensor ConvTranspose2d(const at::Tensor& input, const at::Tensor& weight, ConvolutionShape shape,
                           const Engine& engine) {
  if (UseDirect(weight, engine)) {
    return DirectTransposed::apply(input, weight, shape.stride, shape.padding, engine.precision == at::kBFloat16);
  }
  const at::Tensor x = input.to(engine.precision);
  const at::Tensor w = weight.to(engine.precision);
  if (engine.convolutions != Convolutions::kBuiltIn) {
    return ThroughConvolution::apply(x, w, shape.stride, shape.padding);
  }
  const std::array<int64_t, 2> stride = {shape.stride, shape.stride};
  const std::array<int64_t, 2> padding = {shape.padding, shape.padding};
  // On CPUs LibTorch before 2.1 mistakes transposed convolutions of bfloat16 for ordinary ones.
  if (x.is_cpu())
    return at::conv_transpose2d(x.to(at::kFloat), w.to(at::kFloat), {}, stride, padding).to(engine.precision);
  return at::conv_transpose2d(x, w, {}, stride, padding);
}

}  // namespace skew::train

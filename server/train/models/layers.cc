#include "server/train/models/layers.h"

#include <ATen/ops/addmm.h>
#include <ATen/ops/batch_norm.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/leaky_relu.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/relu.h>
#include <ATen/ops/zeros.h>

#include <cmath>

#include "absl/strings/str_cat.h"

namespace skew::train {
namespace {

at::Tensor Uniform(at::IntArrayRef shape, double bound, const Engine& engine, at::Generator& random) {
  return at::empty(shape).uniform_(-bound, bound, random).to(engine.device);
}

}  // namespace

BatchNorm::BatchNorm(TensorSet& tensors, const std::string& name, int64_t channels, double scale_sd,
                     const Engine& engine, at::Generator& random)
    : fused_(engine.convolutions == Convolutions::kDirect) {
  const at::Tensor scale = at::randn({channels}, random).mul_(scale_sd).add_(1).to(engine.device);
  const auto options = at::TensorOptions().device(engine.device);
  state_.scale = tensors.AddParameter(absl::StrCat(name, ".weight"), scale);
  state_.shift = tensors.AddParameter(absl::StrCat(name, ".bias"), at::zeros({channels}, options));
  state_.mean = tensors.AddBuffer(absl::StrCat(name, ".running_mean"), at::zeros({channels}, options));
  state_.variance = tensors.AddBuffer(absl::StrCat(name, ".running_var"), at::ones({channels}, options));
}

at::Tensor BatchNorm::Forward(const at::Tensor& input, Statistics statistics, double slope, Weights weights) const {
  BatchNormState state = state_;
  if (weights == Weights::kFrozen) {
    state.scale = state.scale.detach();
    state.shift = state.shift.detach();
  }
  if (statistics == Statistics::kBatch) state.mean = state.variance = at::Tensor();
  const bool running = statistics == Statistics::kRunning;
  if (fused_ && CanNormaliseFused(input) && !(running && at::GradMode::is_enabled())) {
    return running ? NormaliseRunning(input, state, slope) : NormaliseBatch(input, state, slope);
  }
  // LibTorch's kernels for CPUs want everything of one kind.
  const at::Tensor x = input.is_cuda() ? input : input.to(at::kFloat);
  at::Tensor y = at::batch_norm(x, state.scale, state.shift, state.mean, state.variance, !running, kBatchNormMomentum,
                                kBatchNormEpsilon, true);
  y = slope == 0 ? at::relu_(y) : slope == 1 ? y : at::leaky_relu_(y, slope);
  return y.to(input.scalar_type());
}

Linear::Linear(TensorSet& tensors, const std::string& name, int64_t inputs, int64_t outputs, const Engine& engine,
               at::Generator& random)
    : precision_(engine.precision) {
  const double bound = 1 / std::sqrt(static_cast<double>(inputs));
  weight_ = tensors.AddParameter(absl::StrCat(name, ".weight"), Uniform({outputs, inputs}, bound, engine, random));
  shift_ = tensors.AddParameter(absl::StrCat(name, ".bias"), Uniform({outputs}, bound, engine, random));
}

at::Tensor Linear::Forward(const at::Tensor& input) const {
  if (precision_ == at::kFloat) return at::addmm(shift_, input, weight_.t());
  return input.to(precision_).matmul(weight_.to(precision_).t()).to(at::kFloat).add_(shift_);
}

at::Tensor NormalParameter(TensorSet& tensors, const std::string& name, at::IntArrayRef shape, double sd,
                           const Engine& engine, at::Generator& random) {
  return tensors.AddParameter(name, at::randn(shape, random).mul_(sd).to(engine.device));
}

at::Tensor NormalKernel(TensorSet& tensors, const std::string& name, at::IntArrayRef shape, double sd,
                        const Engine& engine, at::Generator& random) {
  const at::Tensor drawn = at::randn(shape, random).mul_(sd);
  if (engine.convolutions == Convolutions::kDirect) return tensors.AddParameter(name, TapMajor(drawn));
  // What cuDNN computes fastest with.
  const auto format = engine.device.is_cuda() ? at::MemoryFormat::ChannelsLast : at::MemoryFormat::Contiguous;
  return tensors.AddParameter(name, drawn.to(engine.device).contiguous(format));
}

at::Tensor Noise(at::IntArrayRef shape, const Engine& engine, at::Generator& random) {
  return Upload(at::randn(shape, random), engine.device);
}

}  // namespace skew::train

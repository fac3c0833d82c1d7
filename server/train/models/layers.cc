#include "server/train/models/layers.h"

#include <ATen/ops/addmm.h>
#include <ATen/ops/batch_norm.h>
#include <ATen/ops/convolution.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/zeros.h>

#include <array>
#include <cmath>

#include "absl/strings/str_cat.h"

namespace skew::train {
namespace {

constexpr double kMomentum = 0.1;
constexpr double kEpsilon = 1e-5;

at::Tensor Uniform(at::IntArrayRef shape, double bound, const Engine& engine, at::Generator& random) {
  return at::empty(shape).uniform_(-bound, bound, random).to(engine.device);
}

}  // namespace

BatchNorm::BatchNorm(TensorSet& tensors, const std::string& name, int64_t channels, double scale_sd,
                     const Engine& engine, at::Generator& random) {
  const at::Tensor scale = at::randn({channels}, random).mul_(scale_sd).add_(1).to(engine.device);
  const auto options = at::TensorOptions().device(engine.device);
  scale_ = tensors.AddParameter(absl::StrCat(name, ".weight"), scale);
  shift_ = tensors.AddParameter(absl::StrCat(name, ".bias"), at::zeros({channels}, options));
  mean_ = tensors.AddBuffer(absl::StrCat(name, ".running_mean"), at::zeros({channels}, options));
  variance_ = tensors.AddBuffer(absl::StrCat(name, ".running_var"), at::ones({channels}, options));
}

at::Tensor BatchNorm::Forward(const at::Tensor& input, Statistics statistics, Weights weights) const {
  const bool frozen = weights == Weights::kFrozen;
  const bool tracked = statistics != Statistics::kBatch;
  return at::batch_norm(input, frozen ? scale_.detach() : scale_, frozen ? shift_.detach() : shift_,
                        tracked ? mean_ : at::Tensor(), tracked ? variance_ : at::Tensor(),
                        statistics != Statistics::kRunning, kMomentum, kEpsilon, true);
}

Linear::Linear(TensorSet& tensors, const std::string& name, int64_t inputs, int64_t outputs, const Engine& engine,
               at::Generator& random) {
  const double bound = 1 / std::sqrt(static_cast<double>(inputs));
  weight_ = tensors.AddParameter(absl::StrCat(name, ".weight"), Uniform({outputs, inputs}, bound, engine, random));
  shift_ = tensors.AddParameter(absl::StrCat(name, ".bias"), Uniform({outputs}, bound, engine, random));
}

at::Tensor Linear::Forward(const at::Tensor& input) const { return at::addmm(shift_, input, weight_.t()); }

at::Tensor NormalParameter(TensorSet& tensors, const std::string& name, at::IntArrayRef shape, double sd,
                           const Engine& engine, at::Generator& random) {
  return tensors.AddParameter(name, at::randn(shape, random).mul_(sd).to(engine.device));
}

at::Tensor Noise(at::IntArrayRef shape, const Engine& engine, at::Generator& random) {
  return at::randn(shape, random).to(engine.device, /*non_blocking=*/true);
}

at::Tensor Convolution(const at::Tensor& input, const at::Tensor& weight, ConvolutionShape shape) {
  const std::array<int64_t, 2> stride = {shape.stride, shape.stride};
  const std::array<int64_t, 2> padding = {shape.padding, shape.padding};
  const std::array<int64_t, 2> dilation = {1, 1};
  const std::array<int64_t, 2> output_padding = {0, 0};
  return at::convolution(input, weight, {}, stride, padding, dilation, false, output_padding, 1);
}

}  // namespace skew::train

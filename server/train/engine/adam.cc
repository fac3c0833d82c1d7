#include "server/train/engine/adam.h"

#include <ATen/Parallel.h>
#include <ATen/ops/zeros_like.h>

#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/status.h"
#include "server/train/engine/kernels.h"

namespace skew::train {
namespace {

// Elements one thread takes at least.
constexpr int64_t kGrain = 1 << 15;

AdamCoefficients CoefficientsAt(const Adam::Options& options, int64_t step) {
  const auto t = static_cast<double>(step);
  return {static_cast<float>(options.beta1),
          static_cast<float>(options.beta2),
          static_cast<float>(1 - options.beta1),
          static_cast<float>(1 - options.beta2),
          static_cast<float>(options.epsilon),
          static_cast<float>(options.rate / (1 - std::pow(options.beta1, t))),
          static_cast<float>(1 / std::sqrt(1 - std::pow(options.beta2, t))),
          static_cast<float>(1 - options.rate * options.decay)};
}

void UpdateElements(const AdamCoefficients& c, int64_t count, const float* g, float* p, float* m, float* v) {
#pragma omp simd
  for (int64_t i = 0; i < count; ++i) {
    m[i] = c.beta1 * m[i] + c.rest1 * g[i];
    v[i] = c.beta2 * v[i] + c.rest2 * g[i] * g[i];
    p[i] = c.keep * p[i] - c.rate * m[i] / (std::sqrt(v[i]) * c.scale + c.epsilon);
  }
}

// One pass over memory; LibTorch's operators would make eight.
void UpdateOnCpu(const at::Tensor& parameter, const at::Tensor& gradient, const at::Tensor& first,
                 const at::Tensor& second, const AdamCoefficients& c) {
  auto* const p = static_cast<float*>(parameter.data_ptr());
  const auto* const g = static_cast<const float*>(gradient.data_ptr());
  auto* const m = static_cast<float*>(first.data_ptr());
  auto* const v = static_cast<float*>(second.data_ptr());
  static const AdamKernel update = VectorAdam() != nullptr ? VectorAdam() : UpdateElements;
  at::parallel_for(0, parameter.numel(), kGrain, [&](int64_t begin, int64_t end) {
    update(c, end - begin, g + begin, p + begin, m + begin, v + begin);
  });
}

void UpdateWithOperators(const at::Tensor& parameter, const at::Tensor& gradient, const at::Tensor& first,
                         const at::Tensor& second, const AdamCoefficients& c) {
  first.mul_(c.beta1).add_(gradient, c.rest1);
  second.mul_(c.beta2).addcmul_(gradient, gradient, c.rest2);
  parameter.mul_(c.keep).addcdiv_(first, second.sqrt().mul_(c.scale).add_(c.epsilon), -c.rate);
}

}  // namespace

Adam::Adam(std::vector<at::Tensor> parameters, Options options)
    : parameters_(std::move(parameters)), options_(options) {
  for (size_t i = 0; i < parameters_.size(); ++i) {
    const at::Tensor shape = parameters_[i].detach();
    first_.push_back(moments_.AddBuffer(absl::StrCat("m.", i), at::zeros_like(shape)));
    second_.push_back(moments_.AddBuffer(absl::StrCat("v.", i), at::zeros_like(shape)));
  }
}

void Adam::Step(const std::vector<at::Tensor>& gradients) {
  const at::NoGradGuard no_grad;
  const AdamCoefficients coefficients = CoefficientsAt(options_, ++steps_);
  for (size_t i = 0; i < parameters_.size(); ++i) {
    const at::Tensor& parameter = parameters_[i];
    const bool plain =
        parameter.is_cpu() && parameter.is_non_overlapping_and_dense() && parameter.strides() == gradients[i].strides();
    const auto update = plain ? UpdateOnCpu : UpdateWithOperators;
    update(parameter, gradients[i], first_[i], second_[i], coefficients);
  }
}

void Adam::Save(absl::string_view prefix, TensorMap& state) const {
  moments_.Save(prefix, state);
  state[absl::StrCat(prefix, "steps")] = TensorOfInts({steps_});
}

absl::Status Adam::Load(absl::string_view prefix, const TensorMap& state) {
  SKEW_RETURN_IF_ERROR(moments_.Load(prefix, state));
  SKEW_ASSIGN_OR_RETURN(const std::vector<int64_t> steps, GetInts(state, absl::StrCat(prefix, "steps"), 1));
  steps_ = steps[0];
  return absl::OkStatus();
}

}  // namespace skew::train

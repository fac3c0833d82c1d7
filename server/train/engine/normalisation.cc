#include "server/train/engine/normalisation.h"

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/leaky_relu.h>
#include <ATen/ops/zeros.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "server/train/engine/kernels.h"

namespace skew::train {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// Rows one sum goes over before the sums are added up, in double precision and in their order: the result does not
// depend on the number of threads.
constexpr int64_t kChunkRows = 2048;

const Kernels* KernelsFor(const at::Tensor& input) {
  if (!input.is_cpu()) return nullptr;
  if (input.scalar_type() == at::kFloat) return FloatKernels();
  return input.scalar_type() == at::kBFloat16 ? BFloat16Kernels() : nullptr;
}

const float* Floats(const at::Tensor& tensor) { return static_cast<const float*>(tensor.data_ptr()); }
float* MutableFloats(const at::Tensor& tensor) { return static_cast<float*>(tensor.data_ptr()); }

// The rows of one tensor, in chunks.
class Chunks {
 public:
  explicit Chunks(const at::Tensor& x)
      : channels_(x.size(1)),
        rows_(x.numel() / channels_),
        row_bytes_(channels_ * static_cast<int64_t>(x.element_size())) {}

  int64_t rows() const { return rows_; }
  int64_t channels() const { return channels_; }
  int64_t count() const { return (rows_ + kChunkRows - 1) / kChunkRows; }

  const void* Of(const at::Tensor& tensor, int64_t chunk) const {
    return static_cast<const char*>(tensor.data_ptr()) + chunk * kChunkRows * row_bytes_;
  }
  void* MutableOf(const at::Tensor& tensor, int64_t chunk) const {
    return static_cast<char*>(tensor.data_ptr()) + chunk * kChunkRows * row_bytes_;
  }

  // Calls body(description of the chunk, its number) for all of them.
  template <typename Body>
  void ForEach(const Normalisation& whole, const Body& body) const {
    at::parallel_for(0, count(), 1, [&](int64_t begin, int64_t end) {
      for (int64_t chunk = begin; chunk < end; ++chunk) {
        Normalisation part = whole;
        part.channels = channels_;
        part.rows = std::min(kChunkRows, rows_ - chunk * kChunkRows);
        body(part, chunk);
      }
    });
  }

  // Adds up [count()][channels] sums.
  std::vector<double> Total(const std::vector<float>& parts) const {
    std::vector<double> total(static_cast<size_t>(channels_));
    for (size_t i = 0; i < parts.size(); ++i) total[i % total.size()] += parts[i];
    return total;
  }

 private:
  int64_t channels_;
  int64_t rows_;
  int64_t row_bytes_;
};

// Rows of what forward leaves for backward: [4, channels].
enum SavedRow : int64_t { kScale, kShift, kMean, kDeviation };

Normalisation DescribedBy(const at::Tensor& saved, double slope) {
  Normalisation n;
  const float* const rows = Floats(saved);
  const int64_t channels = saved.size(1);
  n.scale = rows + kScale * channels;
  n.shift = rows + kShift * channels;
  n.mean = rows + kMean * channels;
  n.slope = static_cast<float>(slope);
  return n;
}

// Scale and shift that do what normalisation does. `deviation` is 1 / sqrt(variance + epsilon).
void SetAffine(const BatchNormState& state, const std::vector<double>& mean, const std::vector<double>& variance,
               const at::Tensor& saved) {
  const auto channels = static_cast<int64_t>(mean.size());
  float* const rows = MutableFloats(saved);
  for (int64_t c = 0; c < channels; ++c) {
    const auto i = static_cast<size_t>(c);
    const double deviation = 1 / std::sqrt(variance[i] + kBatchNormEpsilon);
    const double scale = Floats(state.scale)[c] * deviation;
    rows[kScale * channels + c] = static_cast<float>(scale);
    rows[kShift * channels + c] = static_cast<float>(Floats(state.shift)[c] - mean[i] * scale);
    rows[kMean * channels + c] = static_cast<float>(mean[i]);
    rows[kDeviation * channels + c] = static_cast<float>(deviation);
  }
}

void Track(const at::Tensor& running, const std::vector<double>& values, double factor) {
  float* const to = MutableFloats(running);
  for (size_t i = 0; i < values.size(); ++i) {
    to[i] = static_cast<float>((1 - kBatchNormMomentum) * to[i] + kBatchNormMomentum * factor * values[i]);
  }
}

at::Tensor Apply(const Kernels& kernels, const at::Tensor& x, const at::Tensor& saved, double slope) {
  const Chunks chunks(x);
  at::Tensor y = at::empty_like(x);
  chunks.ForEach(DescribedBy(saved, slope), [&](const Normalisation& part, int64_t chunk) {
    kernels.normalise(part, chunks.Of(x, chunk), chunks.MutableOf(y, chunk));
  });
  return y;
}

// Mean and biased variance of every channel.
void BatchStatistics(const Kernels& kernels, const at::Tensor& x, std::vector<double>& mean,
                     std::vector<double>& variance) {
  const Chunks chunks(x);
  const auto rows = static_cast<double>(chunks.rows());
  std::vector<float> sums(static_cast<size_t>(chunks.count() * chunks.channels()));
  chunks.ForEach({}, [&](const Normalisation& part, int64_t chunk) {
    kernels.sums(part, chunks.Of(x, chunk), &sums[static_cast<size_t>(chunk * part.channels)]);
  });
  mean = chunks.Total(sums);
  for (double& one : mean) one /= rows;
  const std::vector<float> center(mean.begin(), mean.end());
  Normalisation centered;
  centered.mean = center.data();
  chunks.ForEach(centered, [&](const Normalisation& part, int64_t chunk) {
    kernels.square_sums(part, chunks.Of(x, chunk), &sums[static_cast<size_t>(chunk * part.channels)]);
  });
  variance = chunks.Total(sums);
  for (double& one : variance) one /= rows;
}

at::Tensor BatchForward(const at::Tensor& x, const BatchNormState& state, double slope, at::Tensor& saved) {
  const Kernels& kernels = *KernelsFor(x);
  std::vector<double> mean;
  std::vector<double> variance;
  BatchStatistics(kernels, x, mean, variance);
  if (state.mean.defined()) {
    const auto rows = static_cast<double>(x.numel() / x.size(1));
    Track(state.mean, mean, 1);
    Track(state.variance, variance, rows / (rows - 1));
  }
  saved = at::empty({4, x.size(1)});
  SetAffine(state, mean, variance, saved);
  return Apply(kernels, x, saved, slope);
}

// Gradients by x, scale and shift. With P rows, g what reaches the normalised values, d = 1 / sqrt(variance + epsilon)
// and s the layer's scale: dx = s d (g - mean of g - (x - m) d^2 mean of (g (x - m))).
variable_list BatchBackward(const at::Tensor& x, const at::Tensor& saved, const at::Tensor& dy, double slope) {
  const Kernels& kernels = *KernelsFor(x);
  const Chunks chunks(x);
  const Normalisation whole = DescribedBy(saved, slope);
  const int64_t channels = chunks.channels();
  std::vector<float> sums(static_cast<size_t>(chunks.count() * channels));
  std::vector<float> products(sums.size());
  chunks.ForEach(whole, [&](const Normalisation& part, int64_t chunk) {
    const auto at = static_cast<size_t>(chunk * channels);
    kernels.gradient_sums(part, chunks.Of(x, chunk), chunks.Of(dy, chunk), &sums[at], &products[at]);
  });
  const std::vector<double> sum = chunks.Total(sums);
  const std::vector<double> product = chunks.Total(products);
  at::Tensor scale_gradient = at::empty({channels});
  at::Tensor shift_gradient = at::empty({channels});
  std::vector<float> offset(sum.size());
  std::vector<float> by_x(sum.size());
  for (size_t c = 0; c < sum.size(); ++c) {
    const double deviation = Floats(saved)[kDeviation * channels + static_cast<int64_t>(c)];
    const double by_row = whole.scale[c] / static_cast<double>(chunks.rows());
    offset[c] = static_cast<float>(by_row * sum[c]);
    by_x[c] = static_cast<float>(by_row * deviation * deviation * product[c]);
    MutableFloats(scale_gradient)[c] = static_cast<float>(product[c] * deviation);
    MutableFloats(shift_gradient)[c] = static_cast<float>(sum[c]);
  }
  at::Tensor dx = at::empty_like(x);
  chunks.ForEach(whole, [&](const Normalisation& part, int64_t chunk) {
    kernels.gradient(part, chunks.Of(x, chunk), chunks.Of(dy, chunk), offset.data(), by_x.data(),
                     chunks.MutableOf(dx, chunk));
  });
  return {dx, scale_gradient, shift_gradient};
}

at::Tensor LikeRows(const at::Tensor& gradient, const at::Tensor& x) {
  const at::Tensor same_kind = gradient.to(x.scalar_type());
  return x.dim() == 4 ? same_kind.contiguous(at::MemoryFormat::ChannelsLast) : same_kind.contiguous();
}

class FusedBatchNorm : public torch::autograd::Function<FusedBatchNorm> {
 public:
  // Scale and shift are those of `state`, named so that gradients reach them.
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, const at::Tensor&, const at::Tensor&,
                            const BatchNormState* state, double slope) {
    at::Tensor saved;
    at::Tensor y = BatchForward(x, *state, slope, saved);
    context->save_for_backward({x, saved});
    context->saved_data["slope"] = slope;
    return y;
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const variable_list saved = context->get_saved_variables();
    variable_list result =
        BatchBackward(saved[0], saved[1], LikeRows(gradients[0], saved[0]), context->saved_data["slope"].toDouble());
    result.resize(5);
    return result;
  }
};

// What DescribedBy makes the identity.
at::Tensor IdentityFor(const at::Tensor& x) {
  at::Tensor saved = at::zeros({4, x.size(1)});
  saved[kScale].fill_(1);
  return saved;
}

class FusedActivation : public torch::autograd::Function<FusedActivation> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, double slope) {
    context->save_for_backward({x});
    context->saved_data["slope"] = slope;
    return Apply(*KernelsFor(x), x, IdentityFor(x), slope);
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const at::Tensor x = context->get_saved_variables()[0];
    const at::Tensor saved = IdentityFor(x);
    const at::Tensor dy = LikeRows(gradients[0], x);
    const Chunks chunks(x);
    const std::vector<float> zeros(static_cast<size_t>(chunks.channels()));
    at::Tensor dx = at::empty_like(x);
    chunks.ForEach(DescribedBy(saved, context->saved_data["slope"].toDouble()),
                   [&](const Normalisation& part, int64_t chunk) {
                     KernelsFor(x)->gradient(part, chunks.Of(x, chunk), chunks.Of(dy, chunk), zeros.data(),
                                             zeros.data(), chunks.MutableOf(dx, chunk));
                   });
    return {dx, {}};
  }
};

std::vector<double> Doubles(const at::Tensor& tensor) { return {Floats(tensor), Floats(tensor) + tensor.numel()}; }

}  // namespace

bool CanNormaliseFused(const at::Tensor& input) {
  const bool rows = input.dim() == 4 ? input.is_contiguous(at::MemoryFormat::ChannelsLast)
                                     : input.dim() == 2 && input.is_contiguous();
  return rows && KernelsFor(input) != nullptr;
}

at::Tensor NormaliseBatch(const at::Tensor& x, const BatchNormState& state, double slope) {
  return FusedBatchNorm::apply(x, state.scale, state.shift, &state, slope);
}

at::Tensor Activate(const at::Tensor& x, double slope) {
  return CanNormaliseFused(x) ? FusedActivation::apply(x, slope) : at::leaky_relu(x, slope);
}

at::Tensor NormaliseRunning(const at::Tensor& x, const BatchNormState& state, double slope) {
  const at::Tensor saved = at::empty({4, x.size(1)});
  SetAffine(state, Doubles(state.mean), Doubles(state.variance), saved);
  return Apply(*KernelsFor(x), x, saved, slope);
}

}  // namespace skew::train

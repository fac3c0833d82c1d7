// Batch normalisation and the activation after it, as one operation.
#ifndef SKEW_SERVER_TRAIN_ENGINE_NORMALISATION_H_
#define SKEW_SERVER_TRAIN_ENGINE_NORMALISATION_H_

#include "server/train/torch.h"

namespace skew::train {

inline constexpr double kBatchNormEpsilon = 1e-5;
inline constexpr double kBatchNormMomentum = 0.1;

// What the layer learns, and the running statistics that follow the batches': each [channels] float32.
struct BatchNormState {
  at::Tensor scale;
  at::Tensor shift;
  // May be undefined while the batch's statistics are used: then they are not tracked.
  at::Tensor mean;
  at::Tensor variance;
};

// Whether the two functions below can work on `input`: on a CPU with the kernels for its kind (float32, bfloat16), its
// channels last in memory.
bool CanNormaliseFused(const at::Tensor& input);

// activation((x - m) / sqrt(v + epsilon) * scale + shift) over the channels of x [n, channels, h, w] or [n, channels],
// where m and v are mean and (biased) variance of the batch, and activation(y) is y above 0 and slope * y below: 0
// makes it ReLU, 1 nothing. Statistics and gradients of scale and shift are float32 whatever x is; the result is of x's
// kind. Differentiable in x, scale and shift.
at::Tensor NormaliseBatch(const at::Tensor& x, const BatchNormState& state, double slope);

// The same with the running statistics; not differentiable.
at::Tensor NormaliseRunning(const at::Tensor& x, const BatchNormState& state, double slope);

// The activation alone; differentiable. On the kernels where CanNormaliseFused, else LibTorch's.
at::Tensor Activate(const at::Tensor& x, double slope);

}  // namespace skew::train

#endif  // SKEW_SERVER_TRAIN_ENGINE_NORMALISATION_H_

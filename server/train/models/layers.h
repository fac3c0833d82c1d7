// The layers that the families share.
#ifndef SKEW_SERVER_TRAIN_MODELS_LAYERS_H_
#define SKEW_SERVER_TRAIN_MODELS_LAYERS_H_

#include <cstdint>
#include <string>

#include "server/train/engine/engine.h"
#include "server/train/engine/normalisation.h"
#include "server/train/engine/ops.h"
#include "server/train/engine/tensor_map.h"
#include "server/train/torch.h"

namespace skew::train {

// Which statistics a batch normalisation uses.
enum class Statistics {
  // The batch's, and the running ones follow them: training.
  kBatchAndTrack,
  // The batch's; the layer is left as it is.
  kBatch,
  // The running ones: images are independent of each other.
  kRunning,
};

// Whether gradients reach a layer's weights.
enum class Weights { kTrained, kFrozen };

// Batch normalisation over the channels of [n, channels, ...] (momentum 0.1, epsilon 1e-5), and the activation after
// it.
class BatchNorm {
 public:
  // Scale drawn from N(1, scale_sd^2), shift 0.
  BatchNorm(TensorSet& tensors, const std::string& name, int64_t channels, double scale_sd, const Engine& engine,
            at::Generator& random);

  // The activation is y above 0 and slope * y below: 0 makes it ReLU, 1 nothing. The result is of the input's kind.
  at::Tensor Forward(const at::Tensor& input, Statistics statistics, double slope,
                     Weights weights = Weights::kTrained) const;

 private:
  bool fused_;
  BatchNormState state_;
};

// Weights [outputs, inputs] and shifts drawn from U(+-1/sqrt(inputs)), which is torch.nn.Linear's start.
class Linear {
 public:
  Linear(TensorSet& tensors, const std::string& name, int64_t inputs, int64_t outputs, const Engine& engine,
         at::Generator& random);

  // [n, inputs] -> float32 [n, outputs]
  at::Tensor Forward(const at::Tensor& input) const;

 private:
  at::ScalarType precision_;
  at::Tensor weight_;
  at::Tensor shift_;
};

// A parameter drawn from N(0, sd^2).
at::Tensor NormalParameter(TensorSet& tensors, const std::string& name, at::IntArrayRef shape, double sd,
                           const Engine& engine, at::Generator& random);

// A convolution's weight, likewise, in the layout that the engine likes best.
at::Tensor NormalKernel(TensorSet& tensors, const std::string& name, at::IntArrayRef shape, double sd,
                        const Engine& engine, at::Generator& random);

// N(0, 1) numbers on the engine's device.
at::Tensor Noise(at::IntArrayRef shape, const Engine& engine, at::Generator& random);

}  // namespace skew::train

#endif  // SKEW_SERVER_TRAIN_MODELS_LAYERS_H_

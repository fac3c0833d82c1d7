// The network of the judge.
#ifndef SKEW_SERVER_TRAIN_EVAL_JUDGE_NETWORK_H_
#define SKEW_SERVER_TRAIN_EVAL_JUDGE_NETWORK_H_

#include <cstdint>
#include <memory>

#include "absl/status/statusor.h"
#include "server/train/engine/engine.h"
#include "server/train/engine/tensor_map.h"
#include "server/train/models/layers.h"
#include "server/train/torch.h"

namespace skew::train {

struct JudgeShape {
  int32_t classes = 0;
  int32_t height = 0;
  int32_t width = 0;
};

// Sized for a CPU core: for 28x28 images 2 million multiplications an image, most of them at 14x14 and 7x7.
//
//   [n, 1, 28, 28]  convolution 5x5, stride 2        -> [n, 16, 14, 14]  normalise, ReLU
//                   convolution 3x3, 2x2 maximum     -> [n, 32, 7, 7]    normalise, ReLU
//                   convolution 3x3, 2x2 maximum     -> [n, 64, 3, 3]    normalise, ReLU
//                   fully connected                  -> [n, 128]         normalise, ReLU: the features
//                   fully connected                  -> [n, classes]
//
// Maxima come before the normalisation, which then has a quarter of the work.
class JudgeNetwork {
 public:
  static constexpr int64_t kFeatures = 128;

  struct Output {
    // [n, classes]
    at::Tensor logits;
    // [n, kFeatures]
    at::Tensor features;
  };

  // Untrained, its weights drawn from `seed`. INVALID_ARGUMENT when there are fewer than 2 classes or when images are
  // smaller than 8x8 or larger than 256x256.
  static absl::StatusOr<std::unique_ptr<JudgeNetwork>> Make(const JudgeShape& shape, at::Device device, uint64_t seed);

  // `images` float32 [n, 1, height, width] on the network's device.
  Output Forward(const at::Tensor& images, Statistics statistics) const;

  TensorSet& tensors() { return tensors_; }
  const TensorSet& tensors() const { return tensors_; }
  const JudgeShape& shape() const { return shape_; }
  at::Device device() const { return engine_.device; }

 private:
  JudgeNetwork(const JudgeShape& shape, const Engine& engine, at::Generator random);

  // Declared before the layers, which add themselves to it.
  TensorSet tensors_;
  JudgeShape shape_;
  Engine engine_;
  at::Tensor halve_;
  BatchNorm norm1_;
  at::Tensor widen_;
  BatchNorm norm2_;
  at::Tensor deepen_;
  BatchNorm norm3_;
  Linear summarise_;
  BatchNorm norm4_;
  Linear decide_;
};

}  // namespace skew::train

#endif  // SKEW_SERVER_TRAIN_EVAL_JUDGE_NETWORK_H_

#include "server/train/eval/judge_network.h"

#include <ATen/ops/max_pool2d.h>

#include <array>
#include <cmath>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace skew::train {
namespace {

constexpr int64_t kChannels1 = 16;
constexpr int64_t kChannels2 = 32;
constexpr int64_t kChannels3 = 64;

constexpr ConvolutionShape kHalve5x5 = {2, 2};
constexpr ConvolutionShape kSame3x3 = {1, 1};

// Normalisation starts as the identity.
constexpr double kScaleSd = 0;

constexpr int32_t kMinSide = 8;
constexpr int32_t kMaxSide = 256;

// He et al. 2015: keeps the variance of what a ReLU has passed.
at::Tensor Kernel(TensorSet& tensors, const std::string& name, int64_t outputs, int64_t inputs, int64_t side,
                  const Engine& engine, at::Generator& random) {
  const double sd = std::sqrt(2.0 / static_cast<double>(inputs * side * side));
  return NormalParameter(tensors, name, {outputs, inputs, side, side}, sd, engine, random);
}

// What is left of one side after the strided convolution and both maxima.
int64_t Shrunk(int64_t side) { return (side + 1) / 2 / 2 / 2; }

at::Tensor Pool(const at::Tensor& input) {
  const std::array<int64_t, 2> window = {2, 2};
  return at::max_pool2d(input, window);
}

}  // namespace

JudgeNetwork::JudgeNetwork(const JudgeShape& shape, const Engine& engine, at::Generator random)
    : shape_(shape),
      engine_(engine),
      halve_(Kernel(tensors_, "halve.weight", kChannels1, 1, 5, engine_, random)),
      norm1_(tensors_, "norm1", kChannels1, kScaleSd, engine_, random),
      widen_(Kernel(tensors_, "widen.weight", kChannels2, kChannels1, 3, engine_, random)),
      norm2_(tensors_, "norm2", kChannels2, kScaleSd, engine_, random),
      deepen_(Kernel(tensors_, "deepen.weight", kChannels3, kChannels2, 3, engine_, random)),
      norm3_(tensors_, "norm3", kChannels3, kScaleSd, engine_, random),
      summarise_(tensors_, "summarise", kChannels3 * Shrunk(shape.height) * Shrunk(shape.width), kFeatures, engine_,
                 random),
      norm4_(tensors_, "norm4", kFeatures, kScaleSd, engine_, random),
      decide_(tensors_, "decide", kFeatures, shape.classes, engine_, random) {}

absl::StatusOr<std::unique_ptr<JudgeNetwork>> JudgeNetwork::Make(const JudgeShape& shape, at::Device device,
                                                                 uint64_t seed) {
  const auto fits = [](int32_t side) { return side >= kMinSide && side <= kMaxSide; };
  if (!fits(shape.height) || !fits(shape.width) || shape.classes < 2) {
    return absl::InvalidArgumentError(absl::StrCat("no classifier for ", shape.classes, " classes of images of ",
                                                   shape.height, "x", shape.width, " pixels: it takes at least 2, and ",
                                                   kMinSide, " to ", kMaxSide, " pixels a side"));
  }
  Engine engine;
  engine.device = device;
  return std::unique_ptr<JudgeNetwork>(new JudgeNetwork(shape, engine, MakeGenerator(seed)));
}

JudgeNetwork::Output JudgeNetwork::Forward(const at::Tensor& images, Statistics statistics) const {
  at::Tensor x = norm1_.Forward(Convolution(images, halve_, kHalve5x5, engine_), statistics, 0);
  x = norm2_.Forward(Pool(Convolution(x, widen_, kSame3x3, engine_)), statistics, 0);
  x = norm3_.Forward(Pool(Convolution(x, deepen_, kSame3x3, engine_)), statistics, 0);
  const at::Tensor features = norm4_.Forward(summarise_.Forward(x.flatten(1)), statistics, 0);
  return {decide_.Forward(features), features};
}

}  // namespace skew::train

#include "server/train/engine/normalisation.h"

#include <ATen/ops/allclose.h>
#include <ATen/ops/batch_norm.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/leaky_relu.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/zeros.h>
#include <torch/csrc/autograd/autograd.h>

#include <vector>

#include "gtest/gtest.h"
#include "server/train/engine/engine.h"
#include "server/train/engine/kernels.h"

namespace skew::train {
namespace {

struct NormCase {
  int64_t n, channels, side;
  double slope;
  // Added to the inputs: a variance far smaller than the mean's square.
  double mean;
};

// More rows than one chunk has; channels that fill no vector; a single chunk.
constexpr NormCase kNormCases[] = {
    {20, 24, 14, 0.0, 0.0}, {3, 5, 4, 0.2, 0.0}, {4, 64, 7, 1.0, 50.0}, {2, 200, 3, 0.2, -3.0}};

// Result, gradients by input, scale and shift, and the running statistics.
std::vector<at::Tensor> NormValuesOf(const NormCase& c, at::ScalarType kind, bool fused) {
  at::Generator random = MakeGenerator(5);
  const at::Tensor x = at::randn({c.n, c.channels, c.side, c.side}, random)
                           .add_(c.mean)
                           .to(kind)
                           .contiguous(at::MemoryFormat::ChannelsLast)
                           .requires_grad_(true);
  const at::Tensor scale = at::randn({c.channels}, random).requires_grad_(true);
  const at::Tensor shift = at::randn({c.channels}, random).requires_grad_(true);
  const at::Tensor mean = at::zeros({c.channels});
  const at::Tensor variance = at::ones({c.channels});
  at::Tensor y;
  if (fused) {
    y = NormaliseBatch(x, {scale, shift, mean, variance}, c.slope);
  } else {
    y = at::leaky_relu(at::batch_norm(x.to(at::kFloat), scale, shift, mean, variance, true, kBatchNormMomentum,
                                      kBatchNormEpsilon, false),
                       c.slope);
  }
  const at::Tensor gradient = at::randn(y.sizes(), random).to(y.scalar_type());
  std::vector<at::Tensor> values = torch::autograd::grad({y}, {x, scale, shift}, {gradient});
  values.insert(values.end(), {y.detach(), mean, variance});
  return values;
}

void ExpectNormAgreement(at::ScalarType kind, double tolerance) {
  for (const NormCase& c : kNormCases) {
    const std::vector<at::Tensor> plain = NormValuesOf(c, kind, false);
    const std::vector<at::Tensor> fused = NormValuesOf(c, kind, true);
    for (size_t i = 0; i < plain.size(); ++i) {
      const double scale = plain[i].to(at::kFloat).abs().max().item<double>();
      const double difference = (plain[i].to(at::kFloat) - fused[i].to(at::kFloat)).abs().max().item<double>();
      EXPECT_LT(difference, tolerance * scale) << c.channels << " channels, value " << i;
    }
  }
}

TEST(NormalisationTest, AgreesWithLibTorchInValuesGradientsAndStatistics) {
  if (FloatKernels() == nullptr) GTEST_SKIP() << "no AVX-512";
  ExpectNormAgreement(at::kFloat, 2e-4);
}

TEST(NormalisationTest, AgreesInBfloat16) {
  if (BFloat16Kernels() == nullptr) GTEST_SKIP() << "no AVX512_BF16";
  ExpectNormAgreement(at::kBFloat16, 2e-2);
}

TEST(NormalisationTest, RunningStatisticsMakeImagesIndependent) {
  if (FloatKernels() == nullptr) GTEST_SKIP() << "no AVX-512";
  at::Generator random = MakeGenerator(5);
  const at::Tensor x = at::randn({6, 24, 5, 5}, random).contiguous(at::MemoryFormat::ChannelsLast);
  const BatchNormState state{at::randn({24}, random), at::randn({24}, random), at::randn({24}, random),
                             at::randn({24}, random).abs_()};
  const at::Tensor y = NormaliseRunning(x, state, 0);
  const at::Tensor expected =
      at::batch_norm(x, state.scale, state.shift, state.mean, state.variance, false, 0.1, kBatchNormEpsilon, false);
  EXPECT_TRUE(at::allclose(y, expected.clamp_min(0), 1e-4, 1e-4));
}

TEST(NormalisationTest, ActivatesLikeLibTorch) {
  for (const at::ScalarType kind : {at::kFloat, at::kBFloat16}) {
    at::Generator random = MakeGenerator(5);
    const at::Tensor input = at::randn({3, 20, 5, 5}, random).to(kind);
    const at::Tensor x = input.contiguous(at::MemoryFormat::ChannelsLast).requires_grad_(true);
    const at::Tensor gradient = at::randn(x.sizes(), random).to(kind);
    const at::Tensor fast = Activate(x, 0.25);
    const at::Tensor plain = at::leaky_relu(x, 0.25);
    EXPECT_TRUE(at::equal(fast, plain));
    EXPECT_TRUE(at::equal(torch::autograd::grad({fast}, {x}, {gradient})[0],
                          torch::autograd::grad({plain}, {x}, {gradient})[0]));
  }
}

TEST(NormalisationTest, TakesOnlyRowsOfChannels) {
  EXPECT_FALSE(CanNormaliseFused(at::zeros({2, 8, 3, 3})));
  EXPECT_FALSE(CanNormaliseFused(at::zeros({2, 8, 3, 3}, at::kDouble).contiguous(at::MemoryFormat::ChannelsLast)));
  if (FloatKernels() == nullptr) GTEST_SKIP() << "no AVX-512";
  EXPECT_TRUE(CanNormaliseFused(at::zeros({2, 8, 3, 3}).contiguous(at::MemoryFormat::ChannelsLast)));
}

}  // namespace
}  // namespace skew::train

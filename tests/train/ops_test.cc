#include "server/train/engine/ops.h"

#include <ATen/Parallel.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/randn.h>
#include <torch/csrc/autograd/autograd.h>

#include <vector>

#include "gtest/gtest.h"

namespace skew::train {
namespace {

struct ConvolutionCase {
  int64_t batch, in, out, size, kernel;
  ConvolutionShape shape;
};

// Layers like the networks' at small widths, with an odd batch and channels that fill no panel; images of one channel;
// shapes that are no doubling; channels that the kernels do not take.
constexpr ConvolutionCase kConvolutionCases[] = {
    {5, 72, 40, 4, 3, {2, 1}}, {4, 40, 16, 7, 4, {2, 1}}, {3, 16, 1, 14, 4, {2, 1}}, {3, 1, 16, 14, 4, {2, 1}},
    {2, 8, 8, 1, 4, {1, 0}},   {1, 16, 8, 5, 3, {1, 1}},  {2, 8, 16, 4, 5, {3, 2}},  {2, 6, 3, 5, 3, {1, 1}},
};

Engine EngineOf(Convolutions how, at::ScalarType precision = at::kFloat) {
  Engine engine;
  engine.convolutions = how;
  engine.precision = precision;
  return engine;
}

// The result of one convolution and, for a given gradient of it, those of input and weight.
std::vector<at::Tensor> ValuesOf(const ConvolutionCase& c, bool transposed, const Engine& engine) {
  at::Generator random = MakeGenerator(5);
  const at::Tensor input = at::randn({c.batch, c.in, c.size, c.size}, random).requires_grad_(true);
  const std::vector<int64_t> shape = transposed ? std::vector<int64_t>{c.in, c.out, c.kernel, c.kernel}
                                                : std::vector<int64_t>{c.out, c.in, c.kernel, c.kernel};
  const at::Tensor weight = at::randn(shape, random).requires_grad_(true);
  const at::Tensor result =
      transposed ? ConvTranspose2d(input, weight, c.shape, engine) : Convolution(input, weight, c.shape, engine);
  const at::Tensor gradient = at::randn(result.sizes(), random).to(result.scalar_type());
  std::vector<at::Tensor> values = torch::autograd::grad({result}, {input, weight}, {gradient});
  values.push_back(result.detach());
  return values;
}

void ExpectAgreement(const Engine& engine, double tolerance) {
  for (const ConvolutionCase& c : kConvolutionCases) {
    for (const bool transposed : {false, true}) {
      if (!transposed && c.size + 2 * c.shape.padding < c.kernel) continue;
      const std::vector<at::Tensor> plain = ValuesOf(c, transposed, EngineOf(Convolutions::kBuiltIn));
      const std::vector<at::Tensor> fast = ValuesOf(c, transposed, engine);
      for (size_t i = 0; i < plain.size(); ++i) {
        ASSERT_EQ(plain[i].sizes(), fast[i].sizes());
        const double difference = (plain[i] - fast[i].to(at::kFloat)).abs().max().item<double>();
        EXPECT_LE(difference, tolerance * plain[i].abs().max().item<double>())
            << c.in << " to " << c.out << " channels, " << c.size << "x" << c.size << ", transposed " << transposed
            << ", tensor " << i;
      }
    }
  }
}

TEST(OpsTest, AllEnginesAgreeInValuesAndGradients) {
  ExpectAgreement(EngineOf(Convolutions::kThroughConvolution), 1e-5);
  ExpectAgreement(EngineOf(Convolutions::kDirect), 1e-5);
}

TEST(OpsTest, Bfloat16AgreesToItsEightBits) {
  ExpectAgreement(EngineOf(Convolutions::kThroughConvolution, at::kBFloat16), 2e-2);
  ExpectAgreement(EngineOf(Convolutions::kDirect, at::kBFloat16), 2e-2);
}

TEST(OpsTest, TheNumberOfThreadsChangesNoBit) {
  const int threads = at::get_num_threads();
  for (const at::ScalarType precision : {at::kFloat, at::kBFloat16}) {
    const Engine engine = EngineOf(Convolutions::kDirect, precision);
    SetThreads(1);
    const std::vector<at::Tensor> one = ValuesOf(kConvolutionCases[0], true, engine);
    SetThreads(3);
    const std::vector<at::Tensor> three = ValuesOf(kConvolutionCases[0], true, engine);
    for (size_t i = 0; i < one.size(); ++i) EXPECT_TRUE(at::equal(one[i], three[i])) << "tensor " << i;
  }
  SetThreads(threads);
}

TEST(OpsTest, GradientsReachOnlyWhatAsksForThem) {
  at::Generator random = MakeGenerator(5);
  const at::Tensor input = at::randn({2, 4, 7, 7}, random);
  const at::Tensor weight = at::randn({4, 2, 4, 4}, random).requires_grad_(true);
  const at::Tensor result = ConvTranspose2d(input, weight, {2, 1}, EngineOf(Convolutions::kThroughConvolution));
  EXPECT_TRUE(torch::autograd::grad({result.sum()}, {weight})[0].defined());
  const at::NoGradGuard no_grad;
  EXPECT_FALSE(ConvTranspose2d(input, weight, {2, 1}, EngineOf(Convolutions::kThroughConvolution)).requires_grad());
}

}  // namespace
}  // namespace skew::train

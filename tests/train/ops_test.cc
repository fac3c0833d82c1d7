#include "server/train/engine/ops.h"

#include <ATen/ops/allclose.h>
#include <ATen/ops/randn.h>
#include <torch/csrc/autograd/autograd.h>

#include <vector>

#include "gtest/gtest.h"

namespace skew::train {
namespace {

struct Case {
  int64_t batch, in, out, size, kernel;
  ConvolutionShape shape;
};

// The three layers of the decoder at a small width, and shapes that are no doubling.
constexpr Case kCases[] = {
    {3, 8, 4, 4, 3, {2, 1}}, {2, 4, 2, 7, 4, {2, 1}}, {2, 4, 1, 14, 4, {2, 1}},
    {2, 3, 5, 1, 4, {1, 0}}, {1, 2, 3, 5, 3, {1, 1}}, {2, 2, 2, 4, 5, {3, 2}},
};

// The result of one transposed convolution and, for a given gradient of it, those of input and weight.
std::vector<at::Tensor> ValuesOf(const Case& c, TransposedConvolution how) {
  at::Generator random = MakeGenerator(5);
  const at::Tensor input = at::randn({c.batch, c.in, c.size, c.size}, random).requires_grad_(true);
  const at::Tensor weight = at::randn({c.in, c.out, c.kernel, c.kernel}, random).requires_grad_(true);
  const at::Tensor result = ConvTranspose2d(input, weight, c.shape, how);
  const at::Tensor gradient = at::randn(result.sizes(), random);
  std::vector<at::Tensor> values = torch::autograd::grad({result}, {input, weight}, {gradient});
  values.push_back(result.detach());
  return values;
}

TEST(OpsTest, BothTransposedConvolutionsAgreeInValuesAndGradients) {
  for (const Case& c : kCases) {
    const std::vector<at::Tensor> plain = ValuesOf(c, TransposedConvolution::kBuiltIn);
    const std::vector<at::Tensor> fast = ValuesOf(c, TransposedConvolution::kThroughConvolution);
    for (size_t i = 0; i < plain.size(); ++i) {
      EXPECT_EQ(plain[i].sizes(), fast[i].sizes());
      EXPECT_TRUE(at::allclose(plain[i], fast[i], 1e-4, 1e-4)) << c.size << "x" << c.size << ", tensor " << i;
    }
  }
}

TEST(OpsTest, GradientsReachOnlyWhatAsksForThem) {
  at::Generator random = MakeGenerator(5);
  const at::Tensor input = at::randn({2, 4, 7, 7}, random);
  const at::Tensor weight = at::randn({4, 2, 4, 4}, random).requires_grad_(true);
  const at::Tensor result = ConvTranspose2d(input, weight, {2, 1}, TransposedConvolution::kThroughConvolution);
  EXPECT_TRUE(torch::autograd::grad({result.sum()}, {weight})[0].defined());
  const at::NoGradGuard no_grad;
  EXPECT_FALSE(ConvTranspose2d(input, weight, {2, 1}, TransposedConvolution::kThroughConvolution).requires_grad());
}

}  // namespace
}  // namespace skew::train

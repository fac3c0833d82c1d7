#include "server/train/engine/adam.h"

#include <ATen/ops/equal.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/tensor.h>

#include <cmath>
#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "gtest/gtest.h"
#include "server/train/engine/engine.h"

namespace skew::train {
namespace {

// The algorithm on one number, in double precision.
struct Reference {
  double rate, beta1, beta2, epsilon, decay;
  double m = 0, v = 0;
  int t = 0;

  double Step(double parameter, double gradient) {
    ++t;
    m = beta1 * m + (1 - beta1) * gradient;
    v = beta2 * v + (1 - beta2) * gradient * gradient;
    const double first = m / (1 - std::pow(beta1, t));
    const double second = v / (1 - std::pow(beta2, t));
    return parameter - rate * decay * parameter - rate * first / (std::sqrt(second) + epsilon);
  }
};

TEST(AdamTest, FollowsTheAlgorithm) {
  for (const double decay : {0.0, 0.1}) {
    const at::Tensor parameter = at::tensor({0.5F, -2.0F, 0.0F});
    Adam adam({parameter}, {0.01, 0.5, 0.999, 1e-8, decay});
    const std::vector<double> gradients = {1e-3, -4.0, 0.25};
    std::vector<double> expected = {0.5, -2.0, 0.0};
    std::vector<Reference> references(3, Reference{0.01, 0.5, 0.999, 1e-8, decay});
    for (int step = 1; step <= 20; ++step) {
      adam.Step({at::tensor({1e-3F, -4.0F, 0.25F}).div(step)});
      for (size_t i = 0; i < 3; ++i) expected[i] = references[i].Step(expected[i], gradients[i] / step);
    }
    for (size_t i = 0; i < 3; ++i) {
      EXPECT_NEAR(parameter[static_cast<int64_t>(i)].item<double>(), expected[i], 1e-5) << "decay " << decay;
    }
  }
}

TEST(AdamTest, BothImplementationsAgree) {
  const at::Tensor plain = at::rand({40, 30}, MakeGenerator(1));
  // Not contiguous, so that LibTorch's operators are used.
  const at::Tensor strided = plain.t().contiguous().t();
  Adam one({plain}, {});
  Adam other({strided}, {});
  for (uint64_t step = 0; step < 10; ++step) {
    const at::Tensor gradient = at::rand({40, 30}, MakeGenerator(2 + step)).sub_(0.5);
    one.Step({gradient});
    other.Step({gradient});
  }
  EXPECT_LT((plain - strided).abs().max().item<double>(), 1e-6);
}

TEST(AdamTest, GoesOnExactlyFromASavedState) {
  const at::Tensor straight = at::rand({100}, MakeGenerator(1));
  Adam adam({straight}, {});
  const at::Tensor gradient = at::rand({100}, MakeGenerator(2));
  adam.Step({gradient});
  const at::Tensor resumed = straight.clone();
  TensorMap state;
  adam.Save("optimizer.", state);
  Adam other({resumed}, {});
  ASSERT_TRUE(other.Load("optimizer.", state).ok());
  adam.Step({gradient});
  other.Step({gradient});
  EXPECT_TRUE(at::equal(straight, resumed));
}

TEST(AdamTest, LoadNamesWhatIsMissing) {
  Adam adam({at::rand({3}, MakeGenerator(1))}, {});
  const absl::Status status = adam.Load("optimizer.", {});
  EXPECT_TRUE(absl::IsDataLoss(status));
  EXPECT_NE(status.message().find("m.0"), absl::string_view::npos);
}

}  // namespace
}  // namespace skew::train

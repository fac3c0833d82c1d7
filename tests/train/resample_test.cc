#include "server/train/models/resample.h"

#include <ATen/ops/arange.h>
#include <ATen/ops/equal.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <memory>

#include "absl/status/status.h"
#include "gtest/gtest.h"

namespace skew::train {
namespace {

// Image i holds the number i everywhere; labels are 0, 1, 2, 0, 1, ...
ModelInputs Inputs(const std::map<int32_t, int32_t>& counts) {
  constexpr int64_t kImages = 90;
  ModelInputs inputs;
  inputs.held_out_images = at::arange(kImages, at::kFloat).view({kImages, 1, 1, 1}).expand({kImages, 1, 2, 2});
  for (int32_t i = 0; i < kImages; ++i) inputs.held_out_labels.push_back(i % 3);
  for (const auto& [label, count] : counts) (*inputs.bias_point.mutable_counts())[label] = count;
  return inputs;
}

v1::ModelSpec Spec() {
  v1::ModelSpec spec;
  spec.mutable_resample();
  return spec;
}

TEST(ResampleTest, ClassesComeInTrainingProportions) {
  const auto model = MakeModel(Spec(), Inputs({{0, 2000}, {1, 250}, {2, 1750}})).value();
  EXPECT_FALSE(model->trains());
  constexpr int64_t kDraws = 20000;
  const at::Tensor images = model->Generate(kDraws, 3);
  ASSERT_EQ(images.sizes().vec(), (std::vector<int64_t>{kDraws, 1, 2, 2}));
  std::map<int, int> drawn;
  for (int64_t i = 0; i < kDraws; ++i) ++drawn[static_cast<int>(images[i][0][0][0].item<float>()) % 3];
  for (const auto& [label, share] : std::map<int, double>{{0, 0.5}, {1, 0.0625}, {2, 0.4375}}) {
    const double sd = std::sqrt(share * (1 - share) / kDraws);
    EXPECT_NEAR(drawn[label] / static_cast<double>(kDraws), share, 4 * sd) << "class " << label;
  }
}

TEST(ResampleTest, EveryImageOfAClassIsDrawn) {
  const auto model = MakeModel(Spec(), Inputs({{1, 5}})).value();
  std::map<int, int> drawn;
  const at::Tensor images = model->Generate(3000, 3);
  for (int64_t i = 0; i < images.size(0); ++i) ++drawn[static_cast<int>(images[i][0][0][0].item<float>())];
  EXPECT_EQ(drawn.size(), 30U);
  for (const auto& [image, times] : drawn) {
    EXPECT_EQ(image % 3, 1);
    EXPECT_NEAR(times, 100, 45) << "image " << image;
  }
}

TEST(ResampleTest, TheSeedDecides) {
  const auto model = MakeModel(Spec(), Inputs({{0, 1}, {2, 1}})).value();
  EXPECT_TRUE(at::equal(model->Generate(50, 3), model->Generate(50, 3)));
  EXPECT_FALSE(at::equal(model->Generate(50, 3), model->Generate(50, 4)));
}

TEST(ResampleTest, RefusesAClassWithoutHeldOutImages) {
  EXPECT_TRUE(absl::IsInvalidArgument(MakeModel(Spec(), Inputs({{0, 1}, {7, 1}})).status()));
}

}  // namespace
}  // namespace skew::train

#include "server/train/models/generative_model.h"

#include <ATen/ops/allclose.h>
#include <ATen/ops/equal.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/train/synthetic.h"

namespace skew::train {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::unique_ptr<GenerativeModel> Make(const v1::ModelSpec& spec, const ModelInputs& inputs) {
  return std::move(MakeModel(spec, inputs)).value();
}

// The metrics of `updates` updates on the same images, row by row.
std::vector<std::vector<float>> Train(GenerativeModel& model, int updates) {
  const at::Tensor images = SyntheticImages(16, 3);
  std::vector<std::vector<float>> rows;
  for (int i = 0; i < updates; ++i) {
    const at::Tensor metrics = model.TrainStep(images).contiguous();
    const auto* const data = static_cast<const float*>(metrics.data_ptr());
    rows.emplace_back(data, data + metrics.numel());
  }
  return rows;
}

void ExpectSameStates(const GenerativeModel& one, const GenerativeModel& other) {
  TensorMap a;
  TensorMap b;
  one.Save(a);
  other.Save(b);
  ASSERT_EQ(a.size(), b.size());
  for (const auto& [name, tensor] : a) EXPECT_TRUE(at::equal(tensor, b.at(name))) << name;
}

class EveryModelTest : public testing::TestWithParam<v1::ModelSpec> {};

TEST_P(EveryModelTest, GeneratesImagesInRange) {
  const auto model = Make(GetParam(), SyntheticInputs(1));
  Train(*model, 2);
  const at::Tensor images = model->Generate(5, 9);
  EXPECT_THAT(images.sizes().vec(), ElementsAre(5, 1, 28, 28));
  EXPECT_EQ(images.scalar_type(), at::kFloat);
  EXPECT_GE(images.min().item<float>(), 0);
  EXPECT_LE(images.max().item<float>(), 1);
  EXPECT_FALSE(images.requires_grad());
}

TEST_P(EveryModelTest, TheSeedDecidesWhatIsGenerated) {
  const auto model = Make(GetParam(), SyntheticInputs(1));
  Train(*model, 2);
  EXPECT_TRUE(at::equal(model->Generate(5, 9), model->Generate(5, 9)));
  EXPECT_FALSE(at::equal(model->Generate(5, 9), model->Generate(5, 10)));
}

TEST_P(EveryModelTest, TheRunsSeedDecidesTheTraining) {
  const auto one = Make(GetParam(), SyntheticInputs(1));
  const auto same = Make(GetParam(), SyntheticInputs(1));
  const auto other = Make(GetParam(), SyntheticInputs(2));
  const auto losses = Train(*one, 3);
  EXPECT_EQ(losses, Train(*same, 3));
  EXPECT_NE(losses, Train(*other, 3));
}

TEST_P(EveryModelTest, LookingAtItDoesNotChangeTheTraining) {
  const auto looked_at = Make(GetParam(), SyntheticInputs(1));
  const auto left_alone = Make(GetParam(), SyntheticInputs(1));
  Train(*looked_at, 2);
  looked_at->Generate(20, 4);
  Train(*left_alone, 2);
  ExpectSameStates(*looked_at, *left_alone);
  EXPECT_EQ(Train(*looked_at, 2), Train(*left_alone, 2));
}

TEST_P(EveryModelTest, ReportsOneNumberPerMetric) {
  const auto model = Make(GetParam(), SyntheticInputs(1));
  EXPECT_EQ(model->TrainStep(SyntheticImages(16, 3)).numel(), static_cast<int64_t>(model->MetricNames().size()));
}

TEST_P(EveryModelTest, LoadRefusesAnotherWidth) {
  TensorMap state;
  Make(GetParam(), SyntheticInputs(1))->Save(state);
  v1::ModelSpec wider = GetParam();
  if (wider.has_dcgan()) wider.mutable_dcgan()->set_width(16);
  if (wider.has_vae()) wider.mutable_vae()->set_width(16);
  if (wider.has_vae_mlp()) wider.mutable_vae_mlp()->set_width(32);
  EXPECT_TRUE(absl::IsDataLoss(Make(wider, SyntheticInputs(1))->Load(state)));
}

INSTANTIATE_TEST_SUITE_P(Families, EveryModelTest,
                         testing::Values(TinyDcgan(), TinyVae(), TinyVaeMlp(), TinyDcgan(v1::BF16), TinyVae(v1::BF16),
                                         TinyVaeMlp(v1::BF16)),
                         [](const testing::TestParamInfo<v1::ModelSpec>& spec) {
                           const bool half = ResolvedPrecision(spec.param, Engine()) == v1::BF16;
                           if (spec.param.has_dcgan()) return half ? "dcgan_bf16" : "dcgan";
                           if (spec.param.has_vae()) return half ? "vae_bf16" : "vae";
                           return half ? "vae_mlp_bf16" : "vae_mlp";
                         });

TEST(ModelsTest, AutoencodersLearn) {
  for (const v1::ModelSpec& spec : {TinyVae(), TinyVaeMlp(), TinyVae(v1::BF16), TinyVaeMlp(v1::BF16)}) {
    const auto model = Make(spec, SyntheticInputs(1));
    const auto losses = Train(*model, 100);
    EXPECT_LT(losses.back()[0], 0.8 * losses.front()[0]) << spec.ShortDebugString();
    EXPECT_NEAR(losses.back()[0], losses.back()[1] + losses.back()[2], 1e-2);
  }
}

TEST(ModelsTest, TheDiscriminatorLearnsFirst) {
  for (const v1::Precision precision : {v1::FP32, v1::BF16}) {
    const auto model = Make(TinyDcgan(precision), SyntheticInputs(1));
    const auto losses = Train(*model, 60);
    EXPECT_NEAR(losses.front()[0], 2 * std::log(2), 0.3) << v1::Precision_Name(precision);
    EXPECT_LT(losses.back()[0], 0.8 * losses.front()[0]) << v1::Precision_Name(precision);
  }
}

v1::ModelSpec SampledInTrainMode(v1::ModelSpec spec) {
  if (spec.has_dcgan()) spec.mutable_dcgan()->set_sampling(v1::TRAIN);
  if (spec.has_vae()) spec.mutable_vae()->set_sampling(v1::TRAIN);
  return spec;
}

TEST(ModelsTest, TrainSamplingMakesTheImagesOfABatchDependOnEachOther) {
  for (const v1::ModelSpec& spec : {TinyDcgan(), TinyVae()}) {
    const auto dependent = Make(SampledInTrainMode(spec), SyntheticInputs(1));
    const auto independent = Make(spec, SyntheticInputs(1));
    Train(*dependent, 3);
    Train(*independent, 3);
    // The first image of a larger draw has the same latent vector only if the numbers are drawn in order, which 16 and
    // 32 numbers a row are.
    const auto first = [](GenerativeModel& model, int64_t count) { return model.Generate(count, 1).narrow(0, 0, 1); };
    EXPECT_TRUE(at::allclose(first(*independent, 16), first(*independent, 32))) << spec.ShortDebugString();
    EXPECT_FALSE(at::allclose(first(*dependent, 16), first(*dependent, 32))) << spec.ShortDebugString();
  }
}

TEST(ModelsTest, LookingAtItInTrainModeDoesNotChangeItEither) {
  for (const v1::ModelSpec& spec : {TinyDcgan(), TinyVae()}) {
    const auto looked_at = Make(SampledInTrainMode(spec), SyntheticInputs(1));
    const auto left_alone = Make(SampledInTrainMode(spec), SyntheticInputs(1));
    Train(*looked_at, 2);
    Train(*left_alone, 2);
    looked_at->Generate(20, 4);
    ExpectSameStates(*looked_at, *left_alone);
  }
}

TEST(ModelsTest, DefaultsAreTheReferenceSettings) {
  v1::ModelSpec spec;
  spec.mutable_dcgan();
  EXPECT_EQ(WithDefaults(spec).dcgan().width(), 64);
  EXPECT_EQ(WithDefaults(spec).dcgan().latent(), 100);
  EXPECT_EQ(WithDefaults(spec).dcgan().generator_learning_rate(), 2e-4);
  EXPECT_EQ(WithDefaults(spec).dcgan().discriminator_learning_rate(), 2e-4);
  EXPECT_EQ(WithDefaults(spec).dcgan().beta1(), 0.5);
  EXPECT_EQ(WithDefaults(spec).dcgan().sampling(), v1::EVAL);
  EXPECT_EQ(WithDefaults(spec).dcgan().precision(), v1::AUTO);
  spec.mutable_vae();
  EXPECT_EQ(WithDefaults(spec).vae().latent(), 16);
  EXPECT_EQ(WithDefaults(spec).vae().learning_rate(), 1e-3);
  spec.mutable_vae_mlp();
  EXPECT_EQ(WithDefaults(spec).vae_mlp().width(), 400);
  EXPECT_EQ(WithDefaults(spec).vae_mlp().latent(), 20);
  EXPECT_EQ(DefaultBatchSize(spec), 128);
}

TEST(ModelsTest, RefusesWhatCannotWork) {
  v1::ModelSpec spec = TinyDcgan();
  spec.mutable_dcgan()->set_width(7);
  const absl::Status width = MakeModel(spec, SyntheticInputs(1)).status();
  EXPECT_TRUE(absl::IsInvalidArgument(width));
  EXPECT_THAT(std::string(width.message()), HasSubstr("dcgan.width: 7"));
  EXPECT_TRUE(absl::IsInvalidArgument(MakeModel(v1::ModelSpec(), SyntheticInputs(1)).status()));
  ModelInputs large = SyntheticInputs(1);
  large.height = 32;
  EXPECT_THAT(std::string(MakeModel(TinyDcgan(), large).status().message()), HasSubstr("32x28"));
}

}  // namespace
}  // namespace skew::train

#include "server/train/eval/image_measures.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/ops/allclose.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/cdist.h>
#include <ATen/ops/full.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <tuple>
#include <vector>

#include "gtest/gtest.h"
#include "server/train/data/image_tensor.h"
#include "server/train/data/random.h"
#include "server/train/eval/image_features.h"

namespace skew::train {
namespace {

constexpr int64_t kFeatures = 6;
constexpr MeasuredNumbers kNumbers = {200, 40, 80};

// Images of class 0 lie around -5, those of class 1 around 5, in every feature.
at::Tensor Cloud(int32_t label, int64_t n, uint64_t seed) {
  at::Generator random = at::detail::createCPUGenerator(seed);
  return at::randn({n, kFeatures}, random) + (label == 0 ? -5 : 5);
}

// As the judge has them: features, and certainty about the class.
Judgement Judged(const at::Tensor& features, int32_t label) {
  at::Tensor probabilities = at::full({features.size(0), 3}, 0.01, at::kFloat);
  probabilities.select(1, label).fill_(0.98);
  return {probabilities, features};
}

RealFeatures Real() {
  RealFeatures real;
  real.in_proportion = at::cat({Cloud(0, 150, 1), Cloud(1, 50, 2)});
  real.balanced = at::cat({Cloud(0, 100, 3), Cloud(1, 100, 4)});
  for (const int32_t label : {0, 1}) {
    const auto seed = static_cast<uint64_t>(label) + 5;
    real.classes[label] = {Cloud(label, 80, seed), Cloud(label, 60, seed + 10), Cloud(label, 60, seed + 20)};
  }
  return real;
}

GeneratedFeatures Empty() { return GeneratedFeatures({0, 1}, 3, 0.5, kNumbers); }

GeneratedFeatures Generated(const at::Tensor& of_0, const at::Tensor& of_1) {
  GeneratedFeatures generated = Empty();
  generated.Add(Judged(of_0, 0));
  generated.Add(Judged(of_1, 1));
  return generated;
}

TEST(GeneratedFeaturesTest, TakesTheFirstOfEachKind) {
  GeneratedFeatures generated = Empty();
  generated.Add(Judged(at::full({150, kFeatures}, 1.0F), 0));
  EXPECT_FALSE(generated.Complete());
  generated.Add(Judged(at::full({100, kFeatures}, 2.0F), 2));  // no class of the job
  EXPECT_FALSE(generated.Complete());
  generated.Add(Judged(at::full({39, kFeatures}, 3.0F), 1));
  EXPECT_FALSE(generated.Complete());
  EXPECT_EQ(generated.OfClass(1).size(0), 39);
  generated.Add(Judged(at::full({2, kFeatures}, 4.0F), 1));
  EXPECT_TRUE(generated.Complete());
  EXPECT_EQ(generated.OfClass(0).size(0), 40);
  EXPECT_EQ(generated.OfClass(1)[39][0].item<float>(), 4);
  EXPECT_EQ(generated.all().size(0), 200);
  EXPECT_EQ(generated.all()[199][0].item<float>(), 2);
}

TEST(GeneratedFeaturesTest, RejectedImagesAreOfNoClass) {
  GeneratedFeatures generated = Empty();
  generated.Add({at::full({50, 3}, 1.0F / 3), at::zeros({50, kFeatures})});
  EXPECT_EQ(generated.all().size(0), 50);
  EXPECT_EQ(generated.OfClass(0).size(0), 0);
}

TEST(ImageMeasuresTest, RealImagesAreAsGoodAsCanBe) {
  const v1::ImageMeasures measures = MeasureImages(Generated(Cloud(0, 150, 31), Cloud(1, 50, 32)), Real());
  EXPECT_EQ(measures.all().images(), 200);
  EXPECT_EQ(measures.all().real_images(), 200);
  EXPECT_LT(measures.all().frechet(), 1);
  EXPECT_GT(measures.all().precision(), 0.8);
  EXPECT_GT(measures.all().recall(), 0.8);
  // Three quarters of class 0 are not one half.
  EXPECT_GT(measures.frechet_balanced(), measures.all().frechet() + 1);
  EXPECT_GT(measures.kernel_distance_balanced(), measures.all().kernel_distance());
  EXPECT_FALSE(measures.all().has_copied());
  ASSERT_EQ(measures.classes_size(), 2);
  for (const auto& [label, one] : measures.classes()) {
    EXPECT_EQ(one.images(), 40);
    EXPECT_EQ(one.real_images(), 80);
    EXPECT_NEAR(one.vendi(), one.real_vendi(), 0.1);
    EXPECT_NEAR(one.copy_distance_ratio(), 1, 0.15);
    EXPECT_EQ(one.copied(), 0);
  }
}

TEST(ImageMeasuresTest, CopiesAndRepetitionsShow) {
  const RealFeatures real = Real();
  const at::Tensor copies = real.classes.at(0).trained.narrow(0, 0, 40) + 0.001;
  // Two images, twenty times each: 2 * 20 * 19 / 2 pairs are the same, of 40 * 39 / 2.
  const at::Tensor twice = Cloud(1, 2, 40).repeat({20, 1});
  const v1::ImageMeasures measures = MeasureImages(Generated(copies, twice), real);
  const v1::SampleMeasures& copied = measures.classes().at(0);
  EXPECT_LT(copied.copy_distance_ratio(), 0.01);
  EXPECT_EQ(copied.copied(), 1);
  EXPECT_EQ(copied.real_copied(), 0);
  const v1::SampleMeasures& repeated = measures.classes().at(1);
  EXPECT_EQ(repeated.near_pairs(), 380);
  EXPECT_NEAR(repeated.support(), 780.0 / 380, 1e-9);
  EXPECT_LT(repeated.vendi(), repeated.real_vendi());
  EXPECT_LT(repeated.coverage(), 0.5);
}

// All close to the middle of their class: like real ones, but not like all of them.
TEST(ImageMeasuresTest, FidelityIsOneThingAndVarietyAnother) {
  const at::Tensor of_0 = (Cloud(0, 150, 31) + 5) * 0.1 - 5;
  const at::Tensor of_1 = (Cloud(1, 50, 32) - 5) * 0.1 + 5;
  const v1::SampleMeasures measures = MeasureImages(Generated(of_0, of_1), Real()).all();
  EXPECT_GT(measures.precision(), 0.9);
  EXPECT_GT(measures.density(), 0.1);
  EXPECT_LT(measures.recall(), 0.1);
  EXPECT_GT(measures.coverage(), 0.02);
  EXPECT_LT(measures.coverage(), 0.7);
}

TEST(ImageMeasuresTest, ScarceClassesAreLeftOut) {
  const v1::ImageMeasures measures = MeasureImages(Generated(Cloud(0, 150, 31), Cloud(1, 39, 32)), Real());
  EXPECT_TRUE(measures.has_all());
  EXPECT_EQ(measures.classes().count(0), 1U);
  EXPECT_EQ(measures.classes().count(1), 0U);
}

TEST(ImageMeasuresTest, WhatIsNoNumberIsNotMeasured) {
  const at::Tensor broken = at::full({50, kFeatures}, NAN);
  EXPECT_EQ(MeasureImages(Generated(broken, Cloud(1, 50, 32)), Real()).ByteSizeLong(), 0U);
  // No angle to a point at the origin.
  const v1::ImageMeasures measures = MeasureImages(Generated(at::zeros({50, kFeatures}), Cloud(1, 50, 32)), Real());
  EXPECT_FALSE(measures.classes().at(0).has_vendi());
  EXPECT_TRUE(measures.classes().at(0).has_frechet());
}

LabelledImages Split(int32_t count, uint64_t seed) {
  Random random(seed);
  LabelledImages split;
  split.images = {count, 8, 8, {}};
  for (int32_t i = 0; i < count; ++i) {
    split.labels.push_back(static_cast<uint8_t>(i % 3));
    for (int32_t pixel = 0; pixel < 64; ++pixel) split.images.pixels.push_back(static_cast<uint8_t>(random.Below(256)));
  }
  return split;
}

// How many of the rows are those of some of these images.
int64_t CountOf(const at::Tensor& rows, const Classifier& judge, const LabelledImages& split,
                const std::vector<int64_t>& indices) {
  const at::Tensor features = judge.Judge(ToTensor(split.images, indices)).features;
  return (std::get<0>(at::cdist(rows, features, 2, /*compute_mode: exact*/ 2).min(1)) < 1e-4).sum().item<int64_t>();
}

std::vector<int64_t> IndicesOf(const LabelledImages& split, uint8_t label) {
  std::vector<int64_t> indices;
  for (size_t i = 0; i < split.labels.size(); ++i) {
    if (split.labels[i] == label) indices.push_back(static_cast<int64_t>(i));
  }
  return indices;
}

TEST(RealFeaturesTest, ProportionsAndNumbers) {
  DatasetContent dataset;
  dataset.train = Split(300, 1);
  dataset.test = Split(60, 2);
  dataset.classes = 3;
  v1::BiasPoint point;
  (*point.mutable_counts())[0] = 30;
  (*point.mutable_counts())[1] = 10;
  const Subset trained = DrawSubset(dataset, point, 9, 0).value();
  const Classifier judge(JudgeNetwork::Make({3, 8, 8}, at::kCPU, 4).value(), "digest");
  const RealFeatures real = JudgeRealImages(dataset, point, trained, judge, kNumbers).value();
  // Class 0 has 100 images, three quarters of 133.
  EXPECT_EQ(real.in_proportion.size(0), 133);
  EXPECT_EQ(CountOf(real.in_proportion, judge, dataset.train, IndicesOf(dataset.train, 0)), 100);
  EXPECT_EQ(CountOf(real.in_proportion, judge, dataset.train, IndicesOf(dataset.train, 1)), 33);
  EXPECT_EQ(real.balanced.size(0), 200);
  EXPECT_EQ(CountOf(real.balanced, judge, dataset.train, IndicesOf(dataset.train, 1)), 100);
  EXPECT_EQ(CountOf(real.classes.at(1).held_out, judge, dataset.test, SplitTest(dataset).held_out), 10);
  EXPECT_EQ(real.classes.at(0).reference.size(0), 80);
  EXPECT_EQ(real.classes.at(0).trained.size(0), 30);
  EXPECT_EQ(real.classes.at(1).trained.size(0), 10);
  EXPECT_EQ(real.classes.at(1).held_out.size(0), 10);
  EXPECT_EQ(real.classes.count(2), 0U);
  // Rows belong to their images.
  const at::Tensor again = judge.Judge(ToTensor(dataset.train.images, trained.indices)).features;
  const auto first_of_0 = std::find(trained.labels.begin(), trained.labels.end(), 0) - trained.labels.begin();
  EXPECT_TRUE(at::allclose(real.classes.at(0).trained[0], again[first_of_0], 1e-5, 1e-6));
}

}  // namespace
}  // namespace skew::train

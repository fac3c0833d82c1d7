#include "server/train/eval/classifier.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <memory>
#include <numeric>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "common/file.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/train/data/image_tensor.h"
#include "server/train/data/random.h"
#include "server/train/data/subset.h"
#include "server/train/eval/shifted_batches.h"

namespace skew::train {
namespace {

using ::testing::ElementsAre;
using ::testing::FloatNear;
using ::testing::HasSubstr;
using ::testing::Pointwise;

constexpr int32_t kSide = 12;
constexpr int32_t kClasses = 3;

// Noise with a bright bar whose place tells the class; image i is of class i % 3.
LabelledImages Bars(int32_t count, uint64_t seed) {
  Random random(seed);
  LabelledImages split;
  split.images = {count, kSide, kSide, {}};
  for (int32_t i = 0; i < count; ++i) {
    const int32_t label = i % kClasses;
    split.labels.push_back(static_cast<uint8_t>(label));
    for (int32_t y = 0; y < kSide; ++y) {
      const uint64_t bar = y / 4 == label ? 180 : 0;
      for (int32_t x = 0; x < kSide; ++x) split.images.pixels.push_back(static_cast<uint8_t>(random.Below(60) + bar));
    }
  }
  return split;
}

DatasetContent BarsDataset() {
  DatasetContent dataset;
  dataset.train = Bars(384, 1);
  dataset.test = Bars(61, 2);
  dataset.classes = kClasses;
  dataset.digest = "bars";
  return dataset;
}

class ClassifierTest : public testing::Test {
 protected:
  ClassifierTest() {
    at::set_num_threads(1);
    training_.dataset = &dataset_;
    training_.spec.set_epochs(4);
  }

  std::unique_ptr<Classifier> Train() {
    absl::StatusOr<std::unique_ptr<Classifier>> classifier = TrainClassifier(training_);
    EXPECT_TRUE(classifier.ok()) << classifier.status();
    return *std::move(classifier);
  }

  // The path of a saved classifier.
  std::string Saved() {
    std::string path = testing::TempDir() + "classifier.pt";
    EXPECT_TRUE(Train()->Save(path).ok());
    return path;
  }

  static void ExpectDataLoss(const std::string& path) {
    const absl::Status status = Classifier::Load(path, at::kCPU).status();
    EXPECT_TRUE(absl::IsDataLoss(status)) << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr(path));
  }

  const DatasetContent dataset_ = BarsDataset();
  ClassifierTraining training_;
};

TEST_F(ClassifierTest, LearnsWhatCanBeLearned) {
  const absl::StatusOr<v1::Classifier> description = Describe(*Train(), dataset_);
  ASSERT_TRUE(description.ok()) << description.status();
  EXPECT_GE(description->test_accuracy(), 0.95);
}

TEST_F(ClassifierTest, SameSpecGivesTheSameWeights) {
  const std::string digest = Train()->Digest();
  EXPECT_EQ(digest.size(), 64);
  EXPECT_EQ(Train()->Digest(), digest);
  training_.spec.set_seed(1);
  EXPECT_NE(Train()->Digest(), digest);
}

TEST_F(ClassifierTest, DigestCoversTheDataset) {
  DatasetContent renamed = dataset_;
  renamed.digest = "other";
  const std::string digest = Train()->Digest();
  training_.dataset = &renamed;
  EXPECT_NE(Train()->Digest(), digest);
}

TEST_F(ClassifierTest, SavedAndLoadedItJudgesTheSame) {
  const std::unique_ptr<Classifier> classifier = Train();
  const std::string path = testing::TempDir() + "round_trip.pt";
  ASSERT_TRUE(classifier->Save(path).ok());
  const absl::StatusOr<std::unique_ptr<Classifier>> loaded = Classifier::Load(path, at::kCPU);
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  EXPECT_EQ((*loaded)->Digest(), classifier->Digest());
  EXPECT_EQ((*loaded)->dataset_digest(), "bars");
  const at::Tensor images = ToTensor(dataset_.test.images);
  EXPECT_TRUE((*loaded)->Judge(images).probabilities.equal(classifier->Judge(images).probabilities));
}

TEST_F(ClassifierTest, JudgementDoesNotDependOnTheBatch) {
  const std::unique_ptr<Classifier> classifier = Train();
  const at::Tensor images = ToTensor(dataset_.test.images);
  const Judgement whole = classifier->Judge(images);
  EXPECT_THAT(whole.probabilities.sizes().vec(), ElementsAre(61, kClasses));
  EXPECT_THAT(whole.features.sizes().vec(), ElementsAre(61, JudgeNetwork::kFeatures));
  EXPECT_TRUE(whole.probabilities.allclose(classifier->Judge(images, 7).probabilities, 1e-4, 1e-5));
  EXPECT_FALSE(whole.probabilities.requires_grad());
  EXPECT_THAT(classifier->Judge(images.narrow(0, 0, 0)).probabilities.sizes().vec(), ElementsAre(0, kClasses));
}

TEST_F(ClassifierTest, DescriptionCountsEveryTestImage) {
  const std::unique_ptr<Classifier> classifier = Train();
  const absl::StatusOr<v1::Classifier> description = Describe(*classifier, dataset_);
  ASSERT_TRUE(description.ok()) << description.status();
  EXPECT_EQ(description->digest(), classifier->Digest());
  EXPECT_EQ(description->dataset_digest(), "bars");
  EXPECT_EQ(description->classes(), kClasses);
  const auto& all = description->test_confusion();
  const auto& half = description->confusion();
  ASSERT_EQ(all.size(), kClasses * kClasses);
  ASSERT_EQ(half.size(), kClasses * kClasses);
  EXPECT_EQ(std::accumulate(all.begin(), all.end(), 0), 61);
  // 21, 20 and 20 test images: 11, 10 and 10 calibrate.
  EXPECT_EQ(std::accumulate(half.begin(), half.end(), 0), 31);
  EXPECT_EQ(all[0] + all[1] + all[2], 21);
  ASSERT_EQ(description->confidences_size(), 31);
  ASSERT_EQ(description->mean_posteriors_size(), kClasses * kClasses);
  const at::Tensor outputs = classifier->Judge(ToTensor(dataset_.test.images)).probabilities;
  at::Tensor sum = at::zeros({kClasses});
  std::vector<float> of_right_zeros;
  for (const int64_t i : SplitTest(dataset_).calibration) {
    if (dataset_.test.labels[static_cast<size_t>(i)] == 0 && outputs[i].argmax().item<int64_t>() == 0) {
      of_right_zeros.push_back(outputs[i].max().item<float>());
    }
    if (dataset_.test.labels[static_cast<size_t>(i)] == 1) sum += outputs[i];
  }
  for (int j = 0; j < kClasses; ++j) {
    EXPECT_NEAR(description->mean_posteriors(kClasses + j), sum[j].item<double>() / 10, 1e-6);
  }
  std::sort(of_right_zeros.begin(), of_right_zeros.end());
  EXPECT_THAT(std::vector<float>(description->confidences().begin(), description->confidences().begin() + half[0]),
              Pointwise(FloatNear(1e-6F), of_right_zeros));
  EXPECT_DOUBLE_EQ(description->test_accuracy(), (all[0] + all[4] + all[8]) / 61.0);
}

TEST_F(ClassifierTest, AnotherImageSizeIsRefused) {
  DatasetContent other = dataset_;
  other.test.images.height = 6;
  other.test.images.width = 24;
  EXPECT_TRUE(absl::IsInvalidArgument(Describe(*Train(), other).status()));
}

TEST_F(ClassifierTest, ProgressEndsWithTheLastUpdate) {
  training_.spec.set_epochs(10);
  std::vector<v1::Progress> progress;
  training_.on_progress = [&](const v1::Progress& p) { return progress.push_back(p), true; };
  Train();
  ASSERT_EQ(progress.size(), 2);
  EXPECT_EQ(progress[0].step(), 20);
  EXPECT_EQ(progress[1].step(), 30);
  EXPECT_EQ(progress[1].total_steps(), 30);
  EXPECT_DOUBLE_EQ(progress[1].epoch(), 10);
  EXPECT_LT(progress[1].metrics().at("loss"), progress[0].metrics().at("loss"));
  EXPECT_GT(progress[1].metrics().at("accuracy"), 0.9);
}

TEST_F(ClassifierTest, StopsWhenAsked) {
  int calls = 0;
  training_.spec.set_epochs(100);
  training_.on_progress = [&](const v1::Progress&) { return ++calls < 2; };
  EXPECT_TRUE(absl::IsCancelled(TrainClassifier(training_).status()));
  EXPECT_EQ(calls, 2);
}

TEST_F(ClassifierTest, EpochsOutOfRangeAreRefused) {
  for (const int32_t epochs : {0, 101}) {
    training_.spec.set_epochs(epochs);
    EXPECT_TRUE(absl::IsInvalidArgument(TrainClassifier(training_).status())) << epochs;
  }
}

TEST_F(ClassifierTest, ImagesTooSmallAreRefused) {
  DatasetContent small = dataset_;
  small.train.images = {384, 4, 4, std::vector<uint8_t>(size_t{384} * 16)};
  training_.dataset = &small;
  EXPECT_TRUE(absl::IsInvalidArgument(TrainClassifier(training_).status()));
}

TEST_F(ClassifierTest, ChangedByteIsDamage) {
  const std::string path = Saved();
  const std::string sound = *ReadFile(path);
  for (const size_t place : {size_t{2}, sound.size() / 2, sound.size() - 1}) {
    std::string bytes = sound;
    bytes[place] = static_cast<char>(bytes[place] ^ 1);
    ASSERT_TRUE(WriteFileAtomically(path, bytes).ok());
    ExpectDataLoss(path);
  }
}

TEST_F(ClassifierTest, TruncatedFileIsDamage) {
  const std::string path = Saved();
  const std::string sound = *ReadFile(path);
  for (const size_t length : {size_t{0}, size_t{18}, size_t{50}, sound.size() / 2, sound.size() - 1}) {
    ASSERT_TRUE(WriteFileAtomically(path, sound.substr(0, length)).ok());
    ExpectDataLoss(path);
  }
}

TEST_F(ClassifierTest, ForeignFileIsDataLossAndMissingFileNotFound) {
  const std::string path = testing::TempDir() + "foreign.pt";
  ASSERT_TRUE(WriteFileAtomically(path, std::string(1000, 'x')).ok());
  ExpectDataLoss(path);
  EXPECT_TRUE(absl::IsNotFound(Classifier::Load(testing::TempDir() + "missing.pt", at::kCPU).status()));
}

// One square image of class 4, all of one grey value.
LabelledImages OneImage(int32_t side, uint8_t grey) {
  LabelledImages split;
  split.images.count = 1;
  split.images.height = side;
  split.images.width = side;
  split.images.pixels.assign(static_cast<size_t>(side) * static_cast<size_t>(side), grey);
  split.labels.push_back(4);
  return split;
}

TEST(ShiftedBatchesTest, MoveImagesWithoutWrappingAround) {
  LabelledImages split = OneImage(5, 0);
  split.images.pixels[12] = 255;
  ShiftedBatches batches(&split, 200, 2, 3);
  const ShiftedBatches::Batch batch = batches.Next();
  EXPECT_EQ(batch.labels.eq(4).sum().item<int64_t>(), 200);
  EXPECT_TRUE(batch.images.flatten(1).sum(1).eq(1).all().item<bool>()) << "up to 2 pixels leave it inside";
  EXPECT_TRUE(batch.images.sum(0).gt(0).all().item<bool>()) << "every offset occurs";
}

TEST(ShiftedBatchesTest, WhatLeavesTheImageIsGone) {
  const LabelledImages split = OneImage(4, 255);
  ShiftedBatches batches(&split, 100, 1, 3);
  const at::Tensor sums = batches.Next().images.flatten(1).sum(1);
  EXPECT_EQ(sums.max().item<float>(), 16);
  EXPECT_EQ(sums.min().item<float>(), 9);
}

}  // namespace
}  // namespace skew::train

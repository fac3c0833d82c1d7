#include "server/train/engine/training_batches.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <vector>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace skew::train {
namespace {

constexpr int64_t kBatch = 8;

// 60 images of class 0, 12 of class 1, 28 of class 2.
std::vector<int32_t> Labels() {
  std::vector<int32_t> labels(100, 0);
  std::fill(labels.begin() + 60, labels.begin() + 72, 1);
  std::fill(labels.begin() + 72, labels.end(), 2);
  return labels;
}

v1::TrainingSpec Training(v1::BatchComposition composition, v1::BatchOrder order = v1::BATCH_ORDER_UNSPECIFIED,
                          int32_t batches = 5) {
  v1::TrainingSpec training;
  training.set_composition(composition);
  if (order != v1::BATCH_ORDER_UNSPECIFIED) {
    training.mutable_first_batches()->set_order(order);
    training.mutable_first_batches()->set_batches(batches);
  }
  return training;
}

using Batches = std::vector<std::vector<int64_t>>;

Batches Draw(TrainingBatches& batches, int count) {
  Batches drawn;
  for (int i = 0; i < count; ++i) drawn.push_back(batches.Next());
  return drawn;
}

Batches Draw(const v1::TrainingSpec& training, int count) {
  TrainingBatches batches(Labels(), kBatch, training, 1000, 11);
  return Draw(batches, count);
}

std::vector<int64_t> SortedImages(const Batches& batches, size_t begin, size_t end) {
  std::vector<int64_t> images;
  for (size_t i = begin; i < end; ++i) images.insert(images.end(), batches[i].begin(), batches[i].end());
  std::sort(images.begin(), images.end());
  return images;
}

std::vector<int32_t> LabelsOf(const Batches& batches, size_t begin, size_t end) {
  std::vector<int32_t> labels;
  for (size_t i = begin; i < end; ++i) {
    for (const int64_t image : batches[i]) labels.push_back(Labels()[static_cast<size_t>(image)]);
  }
  return labels;
}

TEST(TrainingBatchesTest, ByDefaultTheyAreThoseOfAStream) {
  BatchStream stream(100, kBatch, 11);
  for (const std::vector<int64_t>& batch : Draw(v1::TrainingSpec(), 20)) EXPECT_EQ(batch, stream.Next());
}

TEST(TrainingBatchesTest, AQuotaPutsTheClassesInProportionIntoEveryBatch) {
  const std::map<int32_t, double> shares = {{0, 0.60}, {1, 0.12}, {2, 0.28}};
  for (const std::vector<int64_t>& batch : Draw(Training(v1::QUOTA), 50)) {
    std::map<int32_t, int> counts;
    for (const int32_t label : LabelsOf({batch}, 0, 1)) ++counts[label];
    for (const auto& [label, share] : shares) EXPECT_LT(std::abs(counts[label] - share * kBatch), 2) << label;
  }
}

TEST(TrainingBatchesTest, AQuotaShowsEveryImageOnceAnEpoch) {
  const Batches batches = Draw(Training(v1::QUOTA), 25);  // two epochs
  const std::vector<int64_t> images = SortedImages(batches, 0, 25);
  for (size_t i = 0; i < 100; ++i) EXPECT_EQ(std::count(images.begin(), images.end(), static_cast<int64_t>(i)), 2);
}

TEST(TrainingBatchesTest, FirstBatchesAreTheSameImagesInAnotherOrder) {
  const Batches shuffled = Draw(Training(v1::SHUFFLED), 30);
  for (const v1::BatchOrder order : {v1::STRATIFIED, v1::MAJORITY_FIRST, v1::MINORITY_FIRST}) {
    const Batches ordered = Draw(Training(v1::SHUFFLED, order, 16), 30);
    EXPECT_EQ(SortedImages(ordered, 0, 16), SortedImages(shuffled, 0, 16));
    for (size_t i = 16; i < 30; ++i) EXPECT_EQ(ordered[i], shuffled[i]) << i;
  }
}

// Or the rarest would be behind the end, and never trained on.
TEST(TrainingBatchesTest, NoMoreAreReorderedThanTheTrainingHas) {
  const Batches shuffled = Draw(Training(v1::SHUFFLED), 10);
  for (const v1::BatchOrder order : {v1::STRATIFIED, v1::MAJORITY_FIRST, v1::MINORITY_FIRST}) {
    TrainingBatches batches(Labels(), kBatch, Training(v1::SHUFFLED, order, 200), 10, 11);
    EXPECT_EQ(SortedImages(Draw(batches, 10), 0, 10), SortedImages(shuffled, 0, 10));
  }
}

TEST(TrainingBatchesTest, FirstBatchesHaveTheirOrder) {
  const std::vector<int32_t> majority = LabelsOf(Draw(Training(v1::SHUFFLED, v1::MAJORITY_FIRST), 5), 0, 5);
  const std::map<int32_t, int> place = {{0, 0}, {2, 1}, {1, 2}};
  const auto earlier = [&](int32_t a, int32_t b) { return place.at(a) < place.at(b); };
  const auto later = [&](int32_t a, int32_t b) { return place.at(a) > place.at(b); };
  EXPECT_TRUE(std::is_sorted(majority.begin(), majority.end(), earlier));
  EXPECT_NE(majority.front(), majority.back());
  const std::vector<int32_t> minority = LabelsOf(Draw(Training(v1::SHUFFLED, v1::MINORITY_FIRST), 5), 0, 5);
  EXPECT_TRUE(std::is_sorted(minority.begin(), minority.end(), later));
  const std::vector<int32_t> spread = LabelsOf(Draw(Training(v1::SHUFFLED, v1::STRATIFIED), 5), 0, 5);
  EXPECT_FALSE(std::is_sorted(spread.begin(), spread.end(), earlier));
}

TEST(TrainingBatchesTest, GoOnFromAnywhere) {
  for (const v1::TrainingSpec& training :
       {Training(v1::SHUFFLED), Training(v1::QUOTA), Training(v1::QUOTA, v1::MINORITY_FIRST)}) {
    for (const int before : {0, 1, 4, 5, 6, 13}) {
      TrainingBatches batches(Labels(), kBatch, training, 1000, 11);
      Draw(batches, before);
      TrainingBatches resumed(Labels(), kBatch, training, 1000, 11);
      ASSERT_TRUE(resumed.GoTo(before, batches.state()).ok());
      EXPECT_EQ(Draw(resumed, 20), Draw(batches, 20)) << training.ShortDebugString() << " after " << before;
    }
  }
  TrainingBatches batches(Labels(), kBatch, Training(v1::QUOTA), 1000, 11);
  EXPECT_TRUE(absl::IsDataLoss(batches.GoTo(3, {1, 101})));
  EXPECT_TRUE(absl::IsDataLoss(batches.GoTo(-1, {1, 0})));
}

}  // namespace
}  // namespace skew::train

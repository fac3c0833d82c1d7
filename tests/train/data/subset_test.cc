#include "server/train/data/subset.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/train/data/image_tensor.h"
#include "server/train/data/random.h"

namespace skew::train {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// Labels only: 100 training and 31 test images of each of three classes, in turn.
DatasetContent ThreeClasses() {
  DatasetContent dataset;
  dataset.classes = 3;
  dataset.digest = "d";
  for (int i = 0; i < 300; ++i) dataset.train.labels.push_back(static_cast<uint8_t>(i % 3));
  for (int i = 0; i < 93; ++i) dataset.test.labels.push_back(static_cast<uint8_t>(i % 3));
  return dataset;
}

v1::BiasPoint Point(const std::map<int32_t, int32_t>& counts) {
  v1::BiasPoint point;
  for (const auto& [label, count] : counts) (*point.mutable_counts())[label] = count;
  return point;
}

Subset Draw(const std::map<int32_t, int32_t>& counts, uint32_t job_seed = 0, int32_t iteration = 0) {
  absl::StatusOr<Subset> subset = DrawSubset(ThreeClasses(), Point(counts), job_seed, iteration);
  EXPECT_TRUE(subset.ok()) << subset.status();
  return *std::move(subset);
}

std::vector<int64_t> OfClass(const Subset& subset, int32_t label) {
  std::vector<int64_t> indices;
  for (size_t i = 0; i < subset.indices.size(); ++i) {
    if (subset.labels[i] == label) indices.push_back(subset.indices[i]);
  }
  return indices;
}

TEST(RandomTest, SplitMix64HasItsPublishedNumbers) {
  Random random(1234567);
  EXPECT_EQ(random.Next(), 6457827717110365317U);
  EXPECT_EQ(random.Next(), 3203168211198807973U);
  EXPECT_EQ(random.Next(), 9817491932198370423U);
}

TEST(RandomTest, BelowReachesEveryNumberEquallyOften) {
  Random random(1);
  std::vector<int> seen(6);
  for (int i = 0; i < 60'000; ++i) ++seen[random.Below(6)];
  // Five standard deviations of a count around 10,000.
  for (const int count : seen) EXPECT_NEAR(count, 10'000, 460);
}

TEST(RandomTest, PermutationHasEveryNumberOnce) {
  Random random(7);
  std::vector<int64_t> order = Permutation(100, random);
  EXPECT_FALSE(std::is_sorted(order.begin(), order.end()));
  std::sort(order.begin(), order.end());
  for (size_t i = 0; i < order.size(); ++i) EXPECT_EQ(order[i], static_cast<int64_t>(i));
}

TEST(RandomTest, SeedsDifferByPurposeAndByEveryNumber) {
  const std::set<uint64_t> seeds = {DeriveSeed("a", {1, 2}), DeriveSeed("a", {2, 1}), DeriveSeed("b", {1, 2}),
                                    DeriveSeed("a", {12}), DeriveSeed("a", {1, 2, 0})};
  EXPECT_EQ(seeds.size(), 5);
}

TEST(SubsetTest, HasTheCountsAskedForWithoutReplacement) {
  const Subset subset = Draw({{0, 100}, {1, 7}, {2, 0}});
  EXPECT_EQ(subset.indices.size(), 107);
  EXPECT_EQ(OfClass(subset, 0).size(), 100);
  EXPECT_EQ(OfClass(subset, 1).size(), 7);
  EXPECT_TRUE(std::is_sorted(subset.indices.begin(), subset.indices.end()));
  EXPECT_EQ(std::set<int64_t>(subset.indices.begin(), subset.indices.end()).size(), 107);
  for (size_t i = 0; i < subset.indices.size(); ++i) EXPECT_EQ(subset.indices[i] % 3, subset.labels[i]);
}

TEST(SubsetTest, LargerCountsOnlyAddImages) {
  std::vector<int64_t> smaller;
  for (const int32_t count : {1, 10, 50, 100}) {
    const std::vector<int64_t> larger = OfClass(Draw({{0, 20}, {1, count}}), 1);
    EXPECT_TRUE(std::includes(larger.begin(), larger.end(), smaller.begin(), smaller.end())) << count;
    smaller = larger;
  }
}

TEST(SubsetTest, ClassesAreDrawnIndependently) {
  EXPECT_EQ(OfClass(Draw({{0, 20}, {1, 5}}), 0), OfClass(Draw({{0, 20}, {1, 90}, {2, 3}}), 0));
}

TEST(SubsetTest, SeedAndIterationDecideTheDraw) {
  const Subset subset = Draw({{0, 20}, {1, 20}}, 5, 1);
  EXPECT_EQ(subset.indices, Draw({{0, 20}, {1, 20}}, 5, 1).indices);
  EXPECT_NE(subset.indices, Draw({{0, 20}, {1, 20}}, 6, 1).indices);
  EXPECT_NE(subset.indices, Draw({{0, 20}, {1, 20}}, 5, 2).indices);
}

TEST(SubsetTest, DrawAndDigestNeverChange) {
  // Stored manifests name these digests: another value here means that old studies can no longer be reproduced.
  const Subset subset = Draw({{0, 2}, {1, 3}}, 42, 3);
  EXPECT_THAT(subset.indices, ElementsAre(27, 37, 120, 214, 232));
  EXPECT_EQ(subset.digest, "20cf2a6bed50f292bb9f14625dbd9e5d3f6fd3b1102bc906bd40a7eba89a91fb");
}

TEST(SubsetTest, DigestDependsOnTheDataset) {
  DatasetContent other = ThreeClasses();
  other.digest = "e";
  const absl::StatusOr<Subset> subset = DrawSubset(other, Point({{0, 2}, {1, 3}}), 42, 3);
  ASSERT_TRUE(subset.ok());
  EXPECT_EQ(subset->indices, Draw({{0, 2}, {1, 3}}, 42, 3).indices);
  EXPECT_NE(subset->digest, Draw({{0, 2}, {1, 3}}, 42, 3).digest);
}

TEST(SubsetTest, TooManyImagesAreRefusedByName) {
  for (const int32_t label : {1, 9}) {
    const absl::Status status = DrawSubset(ThreeClasses(), Point({{0, 5}, {label, 101}}), 0, 0).status();
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
    const std::string available = label == 1 ? "100" : "0";
    EXPECT_EQ(status.message(), "class " + std::to_string(label) + ": 101 images asked, " + available + " available");
  }
}

TEST(SubsetTest, NegativeCountsAreRefused) {
  EXPECT_TRUE(absl::IsInvalidArgument(DrawSubset(ThreeClasses(), Point({{0, -1}}), 0, 0).status()));
}

TEST(SubsetTest, ManifestListsEveryImage) {
  Subset subset;
  subset.indices = {3, 7};
  subset.labels = {0, 1};
  EXPECT_EQ(ManifestCsv(subset), "index,label\n3,0\n7,1\n");
}

TEST(TestHalvesTest, AreDisjointCompleteAndStratified) {
  const DatasetContent dataset = ThreeClasses();
  const TestHalves halves = SplitTest(dataset);
  std::set<int64_t> all(halves.calibration.begin(), halves.calibration.end());
  all.insert(halves.held_out.begin(), halves.held_out.end());
  EXPECT_EQ(all.size(), 93);
  EXPECT_EQ(halves.calibration.size() + halves.held_out.size(), 93);
  std::map<uint8_t, int> calibration;
  for (const int64_t i : halves.calibration) ++calibration[dataset.test.labels[static_cast<size_t>(i)]];
  for (uint8_t label = 0; label < 3; ++label) EXPECT_EQ(calibration[label], 16);
}

TEST(TestHalvesTest, AreTheSameEveryTime) {
  EXPECT_EQ(SplitTest(ThreeClasses()).calibration, SplitTest(ThreeClasses()).calibration);
}

TEST(ImageTensorTest, TakesTheImagesAskedForInOrder) {
  const IdxImages images{3, 1, 2, {0, 51, 102, 153, 204, 255}};
  const at::Tensor tensor = ToTensor(images, {2, 0, 2});
  EXPECT_THAT(tensor.sizes().vec(), ElementsAre(3, 1, 1, 2));
  const auto* const values = static_cast<const float*>(tensor.data_ptr());
  EXPECT_THAT(std::vector<float>(values, values + 6), ElementsAre(0.8F, 1.0F, 0.0F, 0.2F, 0.8F, 1.0F));
}

}  // namespace
}  // namespace skew::train

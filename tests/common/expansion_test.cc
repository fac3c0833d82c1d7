#include "common/expansion.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <map>
#include <set>

namespace skew {
namespace {

v1::JobSpec Study() {
  v1::JobSpec spec;
  (*spec.mutable_bias()->mutable_fixed())[0] = 20;
  (*spec.mutable_bias()->mutable_fixed())[2] = 20;
  spec.mutable_bias()->mutable_varied()->set_class_(1);
  for (const int32_t count : {5, 10, 20}) spec.mutable_bias()->mutable_varied()->add_counts(count);
  spec.add_models()->mutable_dcgan();
  spec.add_models()->mutable_vae();
  spec.set_iterations(4);
  spec.set_seed(7);
  return spec;
}

TEST(ExpansionTest, EveryCellOnceBeforeAnyCellTwice) {
  const std::vector<v1::Run> runs = Expand(Study());
  ASSERT_EQ(runs.size(), 24u);
  EXPECT_EQ(CountRuns(Study()), 24);
  std::set<std::pair<int32_t, int32_t>> cells;
  for (size_t i = 0; i < 6; ++i) {
    EXPECT_EQ(runs[i].iteration(), 0);
    cells.emplace(runs[i].model_index(), runs[i].bias_point().counts().at(1));
  }
  EXPECT_EQ(cells.size(), 6u);
}

TEST(ExpansionTest, SeedsAreDistinctAndReproducible) {
  std::set<uint32_t> seeds;
  const std::vector<v1::Run> runs = Expand(Study());
  for (const v1::Run& run : runs) seeds.insert(run.seed());
  EXPECT_EQ(seeds.size(), runs.size());
  EXPECT_EQ(Expand(Study())[5].seed(), runs[5].seed());
  v1::JobSpec other = Study();
  other.set_seed(8);
  EXPECT_NE(Expand(other)[5].seed(), runs[5].seed());
}

TEST(ExpansionTest, MoreIterationsLeaveTheFirstRunsAsTheyWere) {
  v1::JobSpec longer = Study();
  longer.set_iterations(5);
  const std::vector<v1::Run> few = Expand(Study());
  const std::vector<v1::Run> many = Expand(longer);
  for (size_t i = 0; i < few.size(); ++i) EXPECT_EQ(few[i].seed(), many[i].seed());
}

TEST(ExpansionTest, AFamilyThatAppearsAgainIsNumbered) {
  v1::JobSpec spec = Study();
  spec.add_models()->mutable_dcgan()->set_width(32);
  EXPECT_THAT(ModelNames(spec), ::testing::ElementsAre("dcgan", "vae", "dcgan#2"));
}

TEST(ExpansionTest, WithoutAVariedClassThereIsOneBiasPoint) {
  v1::JobSpec spec = Study();
  spec.mutable_bias()->clear_varied();
  EXPECT_EQ(BiasPoints(spec.bias()).size(), 1u);
  EXPECT_EQ(CountRuns(spec), 8);
}

TEST(ExpansionTest, MoreRunsThanCanBeCountedAreTheLargestNumber) {
  v1::JobSpec spec = Study();
  spec.mutable_bias()->mutable_varied()->mutable_counts()->Resize(100'000, 1);
  for (int i = 0; i < 100'000; ++i) spec.add_models();
  spec.set_iterations(std::numeric_limits<int32_t>::max());
  EXPECT_EQ(CountRuns(spec), std::numeric_limits<int64_t>::max());
}

using CountMap = std::map<int32_t, int32_t>;

std::vector<CountMap> CountsOf(const v1::BiasSpec& bias) {
  std::vector<CountMap> counts;
  for (const v1::BiasPoint& point : BiasPoints(bias)) counts.emplace_back(point.counts().begin(), point.counts().end());
  return counts;
}

TEST(ExpansionTest, ATotalIsSharedByTheFixedClasses) {
  v1::BiasSpec bias = Study().bias();
  (*bias.mutable_fixed())[2] = 40;
  bias.set_total(60);
  // 55, 50 and 40 images in the proportion 20 to 40: 18.33 + 36.67, 16.67 + 33.33, 13.33 + 26.67
  EXPECT_THAT(CountsOf(bias),
              ::testing::ElementsAre(CountMap{{0, 18}, {1, 5}, {2, 37}}, CountMap{{0, 17}, {1, 10}, {2, 33}},
                                     CountMap{{0, 13}, {1, 20}, {2, 27}}));
}

TEST(ExpansionTest, ProfilesHaveTheirShapes) {
  v1::BiasSpec bias;
  v1::ClassProfile& profile = *bias.mutable_profile();
  for (const int32_t label : {7, 3, 5, 1}) profile.add_classes(label);
  profile.set_images(1000);
  profile.mutable_balanced();
  EXPECT_THAT(CountsOf(bias), ::testing::ElementsAre(CountMap{{7, 1000}, {3, 1000}, {5, 1000}, {1, 1000}}));
  for (const double ratio : {1.0, 10.0}) profile.mutable_step()->add_ratios(ratio);
  EXPECT_THAT(CountsOf(bias), ::testing::ElementsAre(CountMap{{7, 1000}, {3, 1000}, {5, 1000}, {1, 1000}},
                                                     CountMap{{7, 1000}, {3, 1000}, {5, 100}, {1, 100}}));
  profile.mutable_step()->set_minority_classes(1);
  EXPECT_EQ(CountsOf(bias)[1], (CountMap{{7, 1000}, {3, 1000}, {5, 1000}, {1, 100}}));
  profile.mutable_exponential()->add_ratios(8);
  EXPECT_THAT(CountsOf(bias), ::testing::ElementsAre(CountMap{{7, 1000}, {3, 500}, {5, 250}, {1, 125}}));
  v1::JobSpec spec = Study();
  *spec.mutable_bias() = bias;
  EXPECT_EQ(CountRuns(spec), 8);
  EXPECT_EQ(Expand(spec).size(), 8u);
}

TEST(ExpansionTest, ATrainingOfAClassifierIsOneRun) {
  v1::JobSpec spec;
  spec.mutable_classifier()->set_epochs(4);
  EXPECT_EQ(Expand(spec).size(), 1u);
  EXPECT_EQ(Expand(spec)[0].model(), "classifier");
}

}  // namespace
}  // namespace skew

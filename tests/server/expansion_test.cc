#include "server/jobs/expansion.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

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

TEST(ExpansionTest, ATrainingOfAClassifierIsOneRun) {
  v1::JobSpec spec;
  spec.mutable_classifier()->set_epochs(4);
  EXPECT_EQ(Expand(spec).size(), 1u);
  EXPECT_EQ(Expand(spec)[0].model(), "classifier");
}

}  // namespace
}  // namespace skew

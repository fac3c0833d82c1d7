#include "common/results.h"

#include <gtest/gtest.h>

#include <cmath>

namespace skew {
namespace {

v1::Run FinishedRun(int32_t model_index, std::map<int32_t, int32_t> trained, std::map<int32_t, int32_t> generated,
                    int32_t rejected = 0) {
  v1::Run run;
  run.set_model_index(model_index);
  run.set_model(model_index == 0 ? "dcgan" : "vae");
  run.set_state(v1::SUCCEEDED);
  run.mutable_bias_point()->mutable_counts()->insert(trained.begin(), trained.end());
  run.mutable_histogram()->set_final(true);
  run.mutable_histogram()->set_rejected(rejected);
  int32_t images = rejected;
  for (const auto& [label, count] : generated) {
    (*run.mutable_histogram()->mutable_counts())[label] = count;
    images += count;
  }
  run.mutable_histogram()->set_images(images);
  return run;
}

TEST(EstimateTest, HasMeanSdAndStudentInterval) {
  // Student's t at 97.5% with 4 degrees of freedom is 2.776445; sd of 1..5 is sqrt(2.5).
  const v1::Estimate estimate = EstimateOf({1, 2, 3, 4, 5});
  EXPECT_DOUBLE_EQ(estimate.mean(), 3);
  EXPECT_NEAR(estimate.sd(), 1.5811388, 1e-7);
  EXPECT_NEAR(estimate.low(), 3 - 2.776445 * 1.5811388 / std::sqrt(5.0), 1e-5);
  EXPECT_NEAR(estimate.high(), 3 + 2.776445 * 1.5811388 / std::sqrt(5.0), 1e-5);
}

TEST(EstimateTest, OneValueHasNoSpread) {
  const v1::Estimate estimate = EstimateOf({0.25});
  EXPECT_DOUBLE_EQ(estimate.mean(), 0.25);
  EXPECT_FALSE(estimate.has_sd());
  EXPECT_FALSE(estimate.has_low());
}

TEST(ResultsTest, SharesLeaveOutRejectedImages) {
  const std::vector<v1::ResultCell> cells =
      ComputeResults({FinishedRun(0, {{0, 100}, {1, 300}}, {{0, 30}, {1, 50}}, 20)});
  ASSERT_EQ(cells.size(), 1u);
  ASSERT_EQ(cells[0].classes_size(), 2);
  EXPECT_DOUBLE_EQ(cells[0].classes(0).trained_share(), 0.25);
  EXPECT_DOUBLE_EQ(cells[0].classes(0).generated().mean(), 30.0 / 80);
  EXPECT_DOUBLE_EQ(cells[0].classes(0).amplification(), 30.0 / 80 / 0.25);
  EXPECT_DOUBLE_EQ(cells[0].rejected().mean(), 0.2);
}

TEST(ResultsTest, ACellIsABiasPointAndAModelInThisOrder) {
  const std::vector<v1::ResultCell> cells = ComputeResults({
      FinishedRun(1, {{0, 10}, {1, 20}}, {{0, 1}, {1, 1}}),
      FinishedRun(0, {{0, 10}, {1, 20}}, {{0, 1}, {1, 1}}),
      FinishedRun(0, {{0, 10}, {1, 5}}, {{0, 1}, {1, 1}}),
      FinishedRun(0, {{0, 10}, {1, 20}}, {{0, 3}, {1, 1}}),
  });
  ASSERT_EQ(cells.size(), 3u);
  EXPECT_EQ(cells[0].bias_point().counts().at(1), 5);
  EXPECT_EQ(cells[1].model(), "dcgan");
  EXPECT_EQ(cells[1].runs_succeeded(), 2);
  EXPECT_DOUBLE_EQ(cells[1].classes(0).generated().mean(), (0.5 + 0.75) / 2);
  EXPECT_EQ(cells[2].model(), "vae");
}

TEST(ResultsTest, UnfinishedRunsCountOnlyTowardsTheTotal) {
  v1::Run running = FinishedRun(0, {{0, 10}, {1, 10}}, {{0, 1}, {1, 1}});
  running.set_state(v1::RUNNING);
  running.mutable_histogram()->set_final(false);
  const std::vector<v1::ResultCell> cells = ComputeResults({running});
  ASSERT_EQ(cells.size(), 1u);
  EXPECT_EQ(cells[0].runs_total(), 1);
  EXPECT_EQ(cells[0].runs_succeeded(), 0);
  EXPECT_FALSE(cells[0].classes(0).has_generated());
  EXPECT_FALSE(cells[0].classes(0).has_amplification());
}

TEST(ResultsTest, ARunWithoutAnAcceptedImageHasNoShares) {
  const std::vector<v1::ResultCell> cells = ComputeResults({FinishedRun(0, {{0, 10}, {1, 10}}, {{0, 0}, {1, 0}}, 100),
                                                            FinishedRun(0, {{0, 10}, {1, 10}}, {{0, 60}, {1, 40}}, 0)});
  EXPECT_DOUBLE_EQ(cells[0].classes(0).generated().mean(), 0.6);
  EXPECT_DOUBLE_EQ(cells[0].rejected().mean(), 0.5);
}

}  // namespace
}  // namespace skew

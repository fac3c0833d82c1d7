#include "common/run_comparison.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace skew {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using v1::CompareRunsResponse;

v1::ClassHistogram Histogram(int32_t step, bool final, int32_t zeros, int32_t ones) {
  v1::ClassHistogram histogram;
  histogram.set_step(step);
  histogram.set_final(final);
  (*histogram.mutable_counts())[0] = zeros;
  (*histogram.mutable_counts())[1] = ones;
  histogram.set_rejected(50);
  histogram.set_off_support(30);
  histogram.set_images(zeros + ones + 80);
  histogram.set_classifier_digest("judge");
  histogram.add_mean_posterior(0.25);
  return histogram;
}

RunRecord Record(const std::string& id, int32_t zeros = 500, int32_t ones = 420) {
  RunRecord record;
  record.run.set_id(id);
  record.run.set_state(v1::SUCCEEDED);
  record.run.set_manifest_digest("manifest");
  record.run.set_precision(v1::BF16);
  record.histograms = {Histogram(10, false, 400, 520), Histogram(20, true, zeros, ones)};
  for (v1::ClassHistogram& histogram : record.histograms) histogram.set_run_id(id);
  *record.run.mutable_histogram() = record.histograms.back();
  for (const char* name : {"checkpoint.pt", "losses.csv"}) {
    v1::Artifact& artifact = record.artifacts.emplace_back();
    artifact.set_run_id(id);
    artifact.set_name(name);
    artifact.set_digest(std::string("digest of ") + name);
  }
  return record;
}

CompareRunsResponse MustCompare(const RunRecord& run, const RunRecord& other) {
  const absl::StatusOr<CompareRunsResponse> response = CompareRuns(run, other);
  EXPECT_TRUE(response.ok()) << response.status();
  return response.value_or(CompareRunsResponse());
}

TEST(RunComparisonTest, TheSameUnderAnotherNameIsBitEqual) {
  const CompareRunsResponse response = MustCompare(Record("j1.1"), Record("j2.1"));
  EXPECT_EQ(response.verdict(), CompareRunsResponse::BIT_EQUAL);
  EXPECT_TRUE(response.differences().empty());
  EXPECT_EQ(response.chi_square_p(), 1);
  EXPECT_EQ(response.run_id(), "j1.1");
  EXPECT_EQ(response.other_run_id(), "j2.1");
}

TEST(RunComparisonTest, HowLongMeasuringTookIsNoDifference) {
  RunRecord record = Record("j1.1");
  RunRecord other = Record("j2.1");
  record.histograms.back().mutable_image_measures()->set_measuring_seconds(3);
  other.histograms.back().mutable_image_measures()->set_measuring_seconds(4);
  EXPECT_EQ(MustCompare(record, other).verdict(), CompareRunsResponse::BIT_EQUAL);
  other.histograms.back().mutable_image_measures()->set_frechet_balanced(5);
  EXPECT_NE(MustCompare(record, other).verdict(), CompareRunsResponse::BIT_EQUAL);
}

TEST(RunComparisonTest, EverythingThatDiffersIsNamed) {
  RunRecord other = Record("j2.1", 501, 419);
  other.run.set_precision(v1::FP32);
  other.run.set_manifest_digest("another");
  other.histograms[0].set_mean_posterior(0, 0.250001);
  other.artifacts[1].set_digest("another");
  other.artifacts.erase(other.artifacts.begin());
  other.artifacts.emplace_back().set_name("new.png");
  const CompareRunsResponse response = MustCompare(Record("j1.1"), other);
  EXPECT_EQ(response.verdict(), CompareRunsResponse::STATISTICALLY_EQUAL);
  EXPECT_THAT(response.differences(),
              ElementsAre("training images", "precision: BF16 and FP32", "final histogram at step 20",
                          "histogram at step 10", "artifact checkpoint.pt", "artifact losses.csv", "artifact new.png"));
  EXPECT_GT(response.chi_square_p(), 0.9);
}

TEST(RunComparisonTest, DifferentDistributionsAreDrift) {
  const CompareRunsResponse response = MustCompare(Record("j1.1"), Record("j2.1", 400, 520));
  EXPECT_EQ(response.verdict(), CompareRunsResponse::DRIFTED);
  EXPECT_LT(response.chi_square_p(), response.alpha());
  EXPECT_LT(response.g_p(), response.alpha());
  EXPECT_EQ(response.degrees(), 3);
}

TEST(RunComparisonTest, WhatCannotBeComparedIsRefusedWithBothValues) {
  const auto refusal = [](const RunRecord& other) {
    const absl::Status status = CompareRuns(Record("j1.1"), other).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
    return std::string(status.message());
  };
  RunRecord failed = Record("j2.1");
  failed.run.set_state(v1::FAILED);
  EXPECT_THAT(refusal(failed), HasSubstr("run j2.1 is FAILED"));
  RunRecord judge = Record("j2.1");
  judge.run.mutable_histogram()->set_classifier_digest("other");
  EXPECT_THAT(refusal(judge), HasSubstr("judges judge and other"));
  RunRecord classes = Record("j2.1");
  (*classes.run.mutable_histogram()->mutable_counts())[7] = 0;
  EXPECT_THAT(refusal(classes), HasSubstr("classes 0, 1 and 0, 1, 7"));
  EXPECT_THAT(refusal(Record("j2.1", 100, 100)), HasSubstr("images 1000 and 280"));
}

}  // namespace
}  // namespace skew

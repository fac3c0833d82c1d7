#include "common/null_arm.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"

namespace skew {
namespace {

// A cell of two classes, trained at 25% and 75%, with intervals around these, `off` beside them.
void AddCell(const std::string& model, int model_index, double off, v1::GetResultsResponse& results) {
  v1::ResultCell& cell = *results.add_cells();
  cell.set_model(model);
  cell.set_model_index(model_index);
  for (const double trained : {0.25, 0.75}) {
    v1::ClassResult& one = *cell.add_classes();
    one.set_trained_share(trained);
    for (v1::Estimate* estimate : {one.mutable_generated(), one.mutable_corrected(), one.mutable_pacc()}) {
      const double moved = estimate == &one.generated() ? off : 0;
      estimate->set_mean(trained + moved);
      estimate->set_low(trained + moved - 0.01);
      estimate->set_high(trained + moved + 0.01);
    }
  }
}

v1::GetResultsResponse Study(int cells, int cells_off) {
  v1::GetResultsResponse results;
  for (int i = 0; i < cells; ++i) {
    AddCell("dcgan", 0, 0.2, results);
    AddCell("resample", 1, i < cells_off ? 0.02 : 0.005, results);
  }
  return results;
}

TEST(NullArmTest, CountsIntervalsThatContainTheTrainedShare) {
  const v1::GetResultsResponse results = Study(7, 1);
  const std::vector<NullArmCoverage> coverages = NullArmCoverageOf(results);
  ASSERT_EQ(coverages.size(), 1);
  EXPECT_EQ(coverages[0].model, "resample");
  EXPECT_EQ(coverages[0].cells, 7);
  EXPECT_EQ(coverages[0].as_judged.containing, 12);
  EXPECT_EQ(coverages[0].as_judged.intervals, 14);
  EXPECT_EQ(coverages[0].corrected.containing, 14);
  EXPECT_EQ(NullArmText(results),
            "resample: 12 of 14 95% intervals contain the trained share as judged, 14 of 14 corrected, 14 of 14 by "
            "PACC: fewer than 95%, but not too few to be chance.");
}

TEST(NullArmTest, SaysWhenTooFewContainIt) {
  EXPECT_THAT(NullArmText(Study(7, 0)), ::testing::EndsWith(": the instrument reads what it should."));
  EXPECT_THAT(NullArmText(Study(7, 2)), ::testing::EndsWith(": fewer than 95%, but not too few to be chance."));
  EXPECT_THAT(NullArmText(Study(7, 3)),
              ::testing::EndsWith(": fewer than chance explains, so the instrument itself is off."));
}

TEST(NullArmTest, ExpectsLessWhereARuleStoppedEarly) {
  v1::GetResultsResponse results = Study(7, 3);
  results.mutable_saved()->set_runs(1);
  EXPECT_THAT(NullArmText(results), ::testing::EndsWith(": fewer than 90%, but not too few to be chance."));
}

TEST(NullArmTest, EverySuchModelHasASentence) {
  v1::GetResultsResponse results;
  AddCell("resample#2", 4, 0, results);
  AddCell("resample", 1, 0, results);
  for (v1::ResultCell& cell : *results.mutable_cells()) {
    for (v1::ClassResult& one : *cell.mutable_classes()) {
      one.clear_corrected();
      one.clear_pacc();
    }
  }
  EXPECT_EQ(NullArmText(results),
            "resample: 2 of 2 95% intervals contain the trained share as judged: the instrument reads what it should. "
            "resample#2: 2 of 2 95% intervals contain the trained share as judged: the instrument reads what it "
            "should.");
}

TEST(NullArmTest, WithoutIntervalsThereIsNothingToSay) {
  v1::GetResultsResponse results;
  AddCell("vae", 0, 0, results);
  EXPECT_EQ(NullArmText(results), "");
  AddCell("resample", 1, 0, results);
  for (v1::ClassResult& one : *results.mutable_cells(1)->mutable_classes()) {
    for (v1::Estimate* estimate : {one.mutable_generated(), one.mutable_corrected(), one.mutable_pacc()}) {
      estimate->clear_low();  // one run
      estimate->clear_high();
    }
  }
  EXPECT_EQ(NullArmText(results), "");
}

}  // namespace
}  // namespace skew

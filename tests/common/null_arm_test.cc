#include "common/null_arm.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"

namespace skew {
namespace {

using ::testing::EndsWith;

// How far shares are beside the trained ones.
struct Off {
  double as_judged = 0;
  double corrected = 0;
};

// A cell of twenty runs and two classes, trained at 25% and 75%, with intervals of +-1%; those by PACC are where they
// should.
void AddCell(const std::string& model, int model_index, const Off& off, v1::GetResultsResponse& results) {
  v1::ResultCell& cell = *results.add_cells();
  cell.set_runs_counted(20);
  cell.set_model(model);
  cell.set_model_index(model_index);
  for (const double trained : {0.25, 0.75}) {
    v1::ClassResult& one = *cell.add_classes();
    one.set_trained_share(trained);
    for (v1::Estimate* estimate : {one.mutable_generated(), one.mutable_corrected(), one.mutable_pacc()}) {
      const double moved = estimate == &one.generated()   ? off.as_judged
                           : estimate == &one.corrected() ? off.corrected
                                                          : 0;
      estimate->set_mean(trained + moved);
      estimate->set_low(trained + moved - 0.01);
      estimate->set_high(trained + moved + 0.01);
    }
  }
}

v1::GetResultsResponse Study(int cells, int cells_off, const Off& off) {
  v1::GetResultsResponse results;
  for (int i = 0; i < cells; ++i) {
    AddCell("dcgan", 0, {0.2, 0.2}, results);
    AddCell("resample", 1, i < cells_off ? off : Off{0.005, 0.005}, results);
  }
  return results;
}

TEST(NullArmTest, CountsIntervalsThatContainTheTrainedShare) {
  const v1::GetResultsResponse results = Study(7, 1, {.as_judged = 0.02});
  const std::vector<NullArmCoverage> coverages = NullArmCoverageOf(results);
  ASSERT_EQ(coverages.size(), 1);
  EXPECT_EQ(coverages[0].model, "resample");
  EXPECT_EQ(coverages[0].as_judged.containing, 12);
  EXPECT_EQ(coverages[0].as_judged.intervals, 14);
  EXPECT_EQ(coverages[0].corrected.containing, 14);
  EXPECT_EQ(NullArmText(results),
            "resample: 12 of 14 95% intervals contain the trained share as judged, 14 of 14 corrected, 14 of 14 by "
            "PACC: corrected for the judge's errors, the instrument reads what it should.");
}

// Student's t with 6 degrees of freedom is beyond 2.447 times 2 in 0.27% of the cases, 2.447 times 3 in 0.03%: with
// fourteen intervals that is expected in 3.8% and in 0.5% of the studies.
TEST(NullArmTest, SaysWhenOneIsTooFarOff) {
  EXPECT_THAT(NullArmText(Study(7, 0, {})), EndsWith(": the instrument reads what it should."));
  EXPECT_THAT(NullArmText(Study(7, 7, {.corrected = 0.02})),
              EndsWith(": fewer than 95%, but none too far off to be chance."));
  EXPECT_THAT(NullArmText(Study(7, 1, {.corrected = 0.03})),
              EndsWith(": further off than by chance, so the instrument itself is off."));
}

// With two runs three half-widths are nothing: Student's t with one degree of freedom is beyond 12.706 times 3 in 1.7%
// of the cases, of fourteen intervals in 21% of the studies.
TEST(NullArmTest, TwoRunsCannotBeFarOff) {
  v1::GetResultsResponse results = Study(7, 1, {.corrected = 0.03});
  for (v1::ResultCell& cell : *results.mutable_cells()) cell.set_runs_counted(2);
  EXPECT_THAT(NullArmText(results), EndsWith(": fewer than 95%, but none too far off to be chance."));
}

// They have the judge's errors in them, which is what correcting is for.
TEST(NullArmTest, SharesAsJudgedDoNotSayThatTheInstrumentIsOff) {
  v1::GetResultsResponse results = Study(7, 7, {.as_judged = 0.2});
  EXPECT_THAT(NullArmText(results),
              EndsWith("PACC: corrected for the judge's errors, the instrument reads what it should."));
  for (v1::ResultCell& cell : *results.mutable_cells()) {
    for (v1::ClassResult& one : *cell.mutable_classes()) {
      one.clear_corrected();
      one.clear_pacc();
    }
  }
  EXPECT_EQ(NullArmText(results),
            "resample: 0 of 14 95% intervals contain the trained share as judged: the judge's errors are in them, and "
            "nothing is corrected.");
}

TEST(NullArmTest, ExpectsLessWhereARuleStoppedEarly) {
  v1::GetResultsResponse results = Study(7, 2, {.corrected = 0.03});
  results.mutable_saved()->set_runs(1);
  EXPECT_THAT(NullArmText(results), EndsWith(": fewer than 90%, but none too far off to be chance."));
}

TEST(NullArmTest, EverySuchModelHasASentence) {
  v1::GetResultsResponse results;
  AddCell("resample#2", 4, {}, results);
  AddCell("resample", 1, {}, results);
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
  AddCell("vae", 0, {}, results);
  EXPECT_EQ(NullArmText(results), "");
  AddCell("resample", 1, {}, results);
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

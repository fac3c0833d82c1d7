#include <string>
#include <vector>

#include "client/report/figure.h"
#include "tests/client/report_figures.h"
#include "tests/client/testing.h"

namespace skew {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;
using ::testing::StartsWith;

TEST(FormingFigureTest, HistogramsAlongTheWay) {
  const Rows rows = Read(Find(ReportStudy(2), "forming-dcgan").csv);
  ASSERT_THAT(rows, SizeIs(2 * 2 * 2 * 2));  // bias points, iterations, steps, classes
  EXPECT_EQ(rows.front().at("step"), "100");
  EXPECT_EQ(rows.at(1).at("accepted_images"), "50");
  EXPECT_DOUBLE_EQ(Value(rows.at(1).at("share")), 0.05);
  EXPECT_EQ(rows.at(1).at("rejected"), "60");
}

TEST(FormingFigureTest, HistogramsAlongTheWayAreCorrectedAsTheFinalOnesAre) {
  const StudyData study = ReportStudy(2);
  const Rows judged = Read(Find(study, "forming-dcgan").csv);
  const Rows corrected = Read(Find(study, "forming-dcgan-corrected").csv);
  ASSERT_EQ(corrected.size(), judged.size());
  const v1::RunResult& run = study.jobs.front().results.cells(0).runs(0);
  for (const size_t row : {1, 3}) {  // class 1 of the first run half-way and at its end, of the same images
    EXPECT_EQ(corrected.at(row).at("run"), run.run_id());
    EXPECT_EQ(corrected.at(row).at("accepted_images"), "50");
    EXPECT_EQ(Value(corrected.at(row).at("share")), run.classes(1).corrected());
    EXPECT_NE(corrected.at(row).at("share"), judged.at(row).at("share"));
  }
  EXPECT_THAT(Find(study, "forming-dcgan-corrected").title, HasSubstr("(corrected)"));
}

TEST(FormingFigureTest, WhatDoesNotFormIsSaidOnce) {
  StudyData study = ReportStudy(2);
  study.jobs.front().histograms.clear();
  EXPECT_EQ(Find(study, "forming-vae").missing, "no images of vae have been judged yet");
  EXPECT_THAT(Names(study), Not(::testing::Contains("forming-vae-corrected")));
}

TEST(FormingFigureTest, LeavesOutRunsThatFailed) {
  StudyData study = ReportStudy(2);
  study.jobs.front().runs.front().set_state(v1::FAILED);
  EXPECT_THAT(Find(study, "forming-dcgan").csv, Not(HasSubstr("j1.1,")));
}

// Of a GAN at one bias point: at step 100 every run has so many accepted images, a quarter of them of class 1.
StudyData StudyThatBegins(const std::vector<int>& accepted) {
  StudyData study = ReportStudy(static_cast<int>(accepted.size()));
  JobData& job = study.jobs.front();
  for (size_t i = 0; i < accepted.size(); ++i) {
    v1::ClassHistogram& early = job.histograms[job.runs[i].id()].at(100);
    (*early.mutable_counts())[1] = accepted[i] / 4;
    (*early.mutable_counts())[0] = accepted[i] - accepted[i] / 4;
    early.set_rejected(1100 - accepted[i]);
    early.set_off_support(0);
  }
  return study;
}

TEST(FormingFigureTest, SharesOfAFewImagesAreNoPoints) {
  const Figure figure = Find(StudyThatBegins({1, 1, 49, 49, 1000}), "forming-dcgan");
  EXPECT_THAT(Block(figure, "$p0s0"), ElementsAre(StartsWith("200 ")));
  EXPECT_THAT(Block(figure, "$p0s1"), ElementsAre(StartsWith("200 ")));
  EXPECT_THAT(Block(figure, "$p0s2"), ElementsAre(StartsWith("100 80"), StartsWith("200 ")))
      << "what is not counted shows all the same";
  EXPECT_THAT(figure.caption, HasSubstr("50 of these or more; where they are not more than half of the runs"));
}

TEST(FormingFigureTest, APointIsOfTheRunsThatHaveEnoughImages) {
  const Figure figure = Find(StudyThatBegins({0, 1, 100, 200, 400}), "forming-dcgan");
  EXPECT_THAT(Block(figure, "$p0s1"), ElementsAre("100 25 25 25", StartsWith("200 ")));
}

TEST(FormingFigureTest, NoPointOfSeveralRunsIsOfOneAlone) {
  EXPECT_THAT(Block(Find(StudyThatBegins({0, 1000}), "forming-dcgan"), "$p0s1"), ElementsAre(StartsWith("200 ")));
  EXPECT_THAT(Block(Find(StudyThatBegins({1000}), "forming-dcgan"), "$p0s1"), ElementsAre("100 25", StartsWith("200 ")))
      << "one run has no band";
}

TEST(FormingFigureTest, TheTableSaysWhatIsDrawn) {
  const Rows rows = Read(Find(StudyThatBegins({0, 1, 100, 200, 400}), "forming-dcgan").csv);
  std::vector<std::string> drawn;
  std::vector<std::string> accepted;
  for (const auto& row : rows) {
    if (row.at("bias_point") != "0:900 1:100" || row.at("class") != "1" || row.at("step") != "100") continue;
    drawn.push_back(row.at("drawn"));
    accepted.push_back(row.at("accepted_of_all_classes"));
  }
  EXPECT_THAT(drawn, ElementsAre("0", "0", "1", "1", "1"));
  EXPECT_THAT(accepted, ElementsAre("0", "1", "100", "200", "400"));
  for (const auto& row : Read(Find(StudyThatBegins({0, 1, 2, 200, 400}), "forming-dcgan").csv)) {
    if (row.at("bias_point") != "0:900 1:100" || row.at("step") != "100") continue;
    EXPECT_EQ(row.at("drawn"), "0");
  }
}

TEST(FormingFigureTest, NamesAllClassesWhoseTrainedSharesCoincide) {
  StudyData study = ReportStudy(2);
  JobData& job = study.jobs.front();
  for (v1::Run& run : job.runs) {
    int32_t& count = (*run.mutable_bias_point()->mutable_counts())[1];
    if (count == 300) count = 900;
  }
  ComputeAnew(job);
  const Figure figure = Find(study, "forming-dcgan");
  EXPECT_THAT(figure.script,
              AllOf(HasSubstr("set label '0' at graph 1.04"), HasSubstr("set label '1' at graph 1.04"),
                    HasSubstr("set label '0,1' at graph 1.04"), HasSubstr("50 with lines lc rgb '#555555'")));
}

}  // namespace
}  // namespace skew

#include "tests/client/report_figures.h"

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "client/report/csv.h"
#include "client/report/figure.h"
#include "client/report/study_data.h"
#include "tests/client/testing.h"

namespace skew {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

TEST(ReportFiguresTest, EveryModelHasAllOfThem) {
  EXPECT_THAT(Names(ReportStudy(2)),
              ElementsAre("counts-dcgan", "counts-dcgan-corrected", "shares-dcgan", "shares-dcgan-corrected",
                          "measures-dcgan", "forming-dcgan", "forming-dcgan-corrected", "losses-dcgan", "counts-vae",
                          "counts-vae-corrected", "shares-vae", "shares-vae-corrected", "measures-vae", "forming-vae",
                          "forming-vae-corrected", "losses-vae"));
}

TEST(ReportFiguresTest, NamesOfSeveralJobsDiffer) {
  StudyData study = ReportStudy(2);
  study.jobs.push_back(ReportJob("j2", 2));
  std::vector<std::string> names = Names(study);
  EXPECT_EQ(names.front(), "counts-dcgan-j1");
  std::sort(names.begin(), names.end());
  EXPECT_EQ(std::adjacent_find(names.begin(), names.end()), names.end());
}

TEST(ReportFiguresTest, SaysWhatIsMissing) {
  StudyData study = ReportStudy(2);
  JobData& job = study.jobs.front();
  for (v1::Run& run : job.runs) run.set_state(v1::RUNNING);
  job.results.clear_cells();
  for (const v1::ResultCell& cell : ComputeResults(job.runs)) *job.results.add_cells() = cell;
  job.losses.clear();
  EXPECT_THAT(Names(study),
              ElementsAre("counts-dcgan", "shares-dcgan", "measures-dcgan", "forming-dcgan", "losses-dcgan",
                          "counts-vae", "shares-vae", "measures-vae", "forming-vae", "losses-vae"));
  EXPECT_EQ(Find(study, "counts-dcgan").missing, "no run of dcgan has a result yet");
  EXPECT_EQ(Find(study, "measures-vae").missing, "no image of vae was measured");
  EXPECT_EQ(Find(study, "losses-vae").missing, "no run of vae has stored losses");
  EXPECT_EQ(Find(study, "forming-vae").missing, "") << "there are histograms along the way";
}

TEST(ReportFiguresTest, TheNullArmIsNotMissingLosses) {
  StudyData study = ReportStudy(2);
  JobData& job = study.jobs.front();
  job.losses.clear();
  for (v1::ResultCell& cell : *job.results.mutable_cells()) {
    if (cell.model_index() == 0) cell.set_model("resample");
  }
  EXPECT_EQ(Find(study, "losses-resample").missing, "resample is not trained: there are no losses");
  EXPECT_EQ(Find(study, "losses-vae").missing, "no run of vae has stored losses");
}

TEST(ReportFiguresTest, LossesAreMeansOfBlocks) {
  std::string csv = "step,loss_d,loss_g\n";
  for (int step = 1; step <= 250; ++step) absl::StrAppend(&csv, step, ",", step, ",1\n");
  const LossCurves curves = LossCurvesOf(csv);
  EXPECT_THAT(curves.names, ElementsAre("loss_d", "loss_g"));
  ASSERT_THAT(curves.steps, SizeIs(84));  // blocks of three
  EXPECT_EQ(curves.steps.front(), 3);
  EXPECT_EQ(curves.steps.back(), 250);
  EXPECT_DOUBLE_EQ(curves.means[0].front(), 2);
  EXPECT_DOUBLE_EQ(curves.means[0].back(), 250);
  EXPECT_DOUBLE_EQ(curves.means[1].front(), 1);
  EXPECT_THAT(LossCurvesOf("step,loss\n1,x\n").steps, IsEmpty());
  EXPECT_THAT(LossCurvesOf("").steps, IsEmpty());
}

TEST(ReportFiguresTest, FilesHoldEveryNumber) {
  const StudyData study = ReportStudy(2);
  const std::map<std::string, std::string> files = ReportFiles(study, StudyFigures(study));
  for (const char* name : {"claims.csv", "results-j1.csv", "runs-j1.csv", "study-j1.yaml", "counts-dcgan.csv",
                           "shares-vae-corrected.csv", "forming-vae.csv", "losses-dcgan.csv"}) {
    EXPECT_TRUE(files.contains(name)) << name;
  }
  const Rows runs = Read(files.at("runs-j1.csv"));
  ASSERT_THAT(runs, SizeIs(8 * 2));
  EXPECT_EQ(runs[1].at("accepted_images"), "50");
  EXPECT_EQ(Value(runs[1].at("wilson_low")), study.jobs.front().results.cells(0).runs(0).classes(1).wilson().low());
}

}  // namespace
}  // namespace skew

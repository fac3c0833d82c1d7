#include <map>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "client/report/figure.h"
#include "tests/client/report_figures.h"
#include "tests/client/testing.h"

namespace skew {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;

TEST(CountsFigureTest, CountsAreThoseOfTheResults) {
  const StudyData study = ReportStudy(3);
  const Rows rows = Read(Find(study, "counts-vae").csv);
  ASSERT_THAT(rows, SizeIs(4));
  const std::map<std::string, std::string>& row = rows.at(1);  // 0:900 1:100, class 1: 100, 107 and 114 images
  EXPECT_EQ(row.at("bias_point"), "0:900 1:100");
  EXPECT_EQ(row.at("class"), "1");
  EXPECT_EQ(row.at("trained_images"), "100");
  EXPECT_EQ(row.at("images_at_trained_share"), "100");
  EXPECT_DOUBLE_EQ(Value(row.at("generated_mean")), 107);
  EXPECT_DOUBLE_EQ(Value(row.at("generated_sd")), 7);
}

TEST(CountsFigureTest, TheScriptHoldsTheNumbersOfTheTable) {
  const StudyData study = ReportStudy(3);
  const Figure figure = Find(study, "counts-vae");
  EXPECT_THAT(figure.script, HasSubstr(" 107 100 114\n"));  // whisker of class 1: mean, mean - sd, mean + sd
  EXPECT_THAT(figure.script, HasSubstr("set label '107'"));
}

// "[0:1263.6]"
std::string CountsAxis(const Figure& figure) {
  const size_t from = figure.script.find("set yrange ") + 11;
  return figure.script.substr(from, figure.script.find('\n', from) - from);
}

// The DCGAN all but drops class 1, and its runs disagree by more than they have of it.
StudyData StudyWithARareClass() {
  StudyData study = ReportStudy(2);
  JobData& job = study.jobs.front();
  for (v1::Run& run : job.runs) {
    if (run.model() != "dcgan" || run.bias_point().counts().at(1) != 100) continue;
    (*run.mutable_histogram()->mutable_counts())[0] = 1000 - 8 * run.iteration();
    (*run.mutable_histogram()->mutable_counts())[1] = 8 * run.iteration();
  }
  ComputeAnew(job);
  return study;
}

TEST(CountsFigureTest, CountsOfAllModelsAndJobsHaveOneLinearAxis) {
  StudyData study = StudyWithARareClass();
  study.jobs.push_back(ReportJob("j2", 2));
  std::vector<std::string> axes;
  for (const Figure& figure : StudyFigures(study)) {
    if (figure.kind != "counts") continue;
    EXPECT_THAT(figure.script, Not(HasSubstr("logscale"))) << figure.name;
    axes.push_back(CountsAxis(figure));
  }
  EXPECT_THAT(axes, SizeIs(8));
  EXPECT_THAT(axes, ::testing::Each(axes.front()));
  EXPECT_TRUE(absl::StartsWith(axes.front(), "[0:1")) << axes.front();
}

TEST(CountsFigureTest, WhiskersOfCountsStayInsideTheAxis) {
  const StudyData study = StudyWithARareClass();
  const Figure figure = Find(study, "counts-dcgan");
  // 0 and 8 images: 4 ± 5.7; and, of the other class, 996 ± 5.7.
  EXPECT_THAT(figure.script, HasSubstr(" 4 0 9.6568"));
  EXPECT_THAT(figure.caption, HasSubstr("from 0 where that would begin below"));
  double end = 0;
  EXPECT_TRUE(absl::SimpleAtod(CountsAxis(figure).substr(3, CountsAxis(figure).size() - 4), &end));
  EXPECT_GT(end, 996 + 5.7);
  EXPECT_THAT(Find(study, "counts-vae").caption, Not(HasSubstr("from 0 where")));
}

TEST(CountsFigureTest, OneIterationHasNoDeviation) {
  const StudyData study = ReportStudy(1);
  const Figure counts = Find(study, "counts-dcgan");
  EXPECT_THAT(counts.caption, HasSubstr("one iteration"));
  EXPECT_THAT(counts.script, Not(HasSubstr("with vectors")));
  for (const auto& row : Read(counts.csv)) EXPECT_EQ(row.at("generated_sd"), "");
  EXPECT_THAT(Find(study, "shares-dcgan").script, Not(HasSubstr("yerrorbars")));
}

// The number after `before`.
double NumberAfter(const std::string& text, const std::string& before) {
  const size_t from = text.find(before);
  EXPECT_NE(from, std::string::npos) << before;
  return from == std::string::npos ? 0 : std::stod(text.substr(from + before.size()));
}

TEST(CountsFigureTest, KeyBelowTheTitleSaysThatHollowBarsAreNoTrainingCounts) {
  const std::string script = Find(ReportStudy(3), "counts-dcgan").script;
  EXPECT_THAT(script,
              AllOf(HasSubstr("set label 'expected from the training proportions'"),
                    HasSubstr("'generated (mean ± sd)'"), HasSubstr("set ylabel 'generated images of the class'")));
  EXPECT_THAT(Find(ReportStudy(1), "counts-dcgan").script, HasSubstr("set label 'generated' at screen"));
  const double title = NumberAfter(script, "(as judged)' at screen 0.5, screen ");
  const std::string entry = script.substr(script.find("'generated (mean ± sd)' at screen "));
  const double key = NumberAfter(entry, ", screen ");
  EXPECT_GT(title, key);
  EXPECT_GT(key, NumberAfter(script, "set tmargin at screen "));
}

TEST(CountsFigureTest, SaysHowManyOfTheImagesAreCounted) {
  const Figure figure = Find(ReportStudy(3), "counts-vae");
  EXPECT_THAT(figure.script, HasSubstr("set label '1000 of 1100' at first 1, "));
  EXPECT_THAT(figure.script, HasSubstr("set label '100' at first 1, "));  // images of class 1 that it was trained with
  EXPECT_THAT(figure.caption, HasSubstr("no numbers of training images"));
  for (const auto& row : Read(figure.csv)) {
    EXPECT_EQ(row.at("counted_images_mean"), "1000");
    EXPECT_EQ(row.at("judged_images_mean"), "1100");
  }
}

TEST(CountsFigureTest, NumbersThatHaveNoRoomAreLeftOut) {
  const Figure many = Find(StudyOfPoints(12), "counts-dcgan");
  EXPECT_THAT(many.script, AllOf(HasSubstr("set label '91%' at first 1, "), HasSubstr("set label '500' at first ")));
  const Figure most = Find(StudyOfPoints(20), "counts-dcgan");
  EXPECT_THAT(most.script, Not(HasSubstr("set label '500' at first ")));
  EXPECT_THAT(most.caption, Not(HasSubstr("number above")));
}

}  // namespace
}  // namespace skew

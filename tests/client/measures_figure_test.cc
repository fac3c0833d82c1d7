#include <string>

#include "client/report/drawing.h"
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

TEST(MeasuresFigureTest, MeasuresAreThoseOfTheResultsAndTheRuns) {
  const StudyData study = MeasuredStudy(3);
  const Figure figure = Find(study, "measures-vae");
  EXPECT_EQ(figure.missing, "");
  const Rows rows = Read(figure.csv);
  ASSERT_THAT(rows, SizeIs(4 * (1 + 3)));
  EXPECT_EQ(rows[0].at("measure"), "frechet");
  EXPECT_EQ(rows[0].at("bias_point"), "0:900 1:100");
  EXPECT_EQ(rows[0].at("what"), "mean");
  EXPECT_EQ(Value(rows[0].at("value")), 5);
  EXPECT_EQ(Value(rows[0].at("sd")), 1);
  EXPECT_EQ(rows[1].at("what"), "run");
  EXPECT_EQ(rows[1].at("run"), "j1.7");
  EXPECT_EQ(Value(rows[1].at("value")), 4);
  EXPECT_EQ(rows[8].at("measure"), "vendi");
  EXPECT_EQ(rows[8].at("class"), "1");
  // Frechet distances span more than a decade; classes have the colours they have everywhere.
  EXPECT_THAT(figure.script, HasSubstr("set logscale y"));
  EXPECT_THAT(figure.script, HasSubstr("title '1'"));
  EXPECT_THAT(figure.script, HasSubstr(LookOfClass(1).colour));
  EXPECT_THAT(figure.script, HasSubstr("set label 'not measured'"));
  EXPECT_THAT(Find(MeasuredStudy(1), "measures-vae").script, Not(HasSubstr("yerrorbars")));
}

TEST(MeasuresFigureTest, RepeatedImagesOfTheNullArmAreNoYardstick) {
  StudyData study = MeasuredStudy(2);
  for (v1::ResultCell& cell : *study.jobs.front().results.mutable_cells()) {
    if (cell.model_index() == 0) cell.set_model("resample");
  }
  const char* const kRepeats = "draws real images again and again";
  EXPECT_THAT(Find(study, "measures-resample").caption, HasSubstr(kRepeats));
  EXPECT_THAT(Find(study, "measures-vae").caption,
              AllOf(Not(HasSubstr(kRepeats)), HasSubstr("5,000 real images, no two the same, would have nearly 1")));
}

constexpr char kNoMark[] = "No mark of a class: no run had 500 accepted images of it";
constexpr char kHollow[] = "Hollow marks: not all runs had that many";

TEST(MeasuresFigureTest, MarksThatAreNotOfAllRunsAreHollow) {
  StudyData study = MeasuredStudy(3);
  JobData& job = study.jobs.front();
  EXPECT_THAT(Find(study, "measures-dcgan").caption, Not(HasSubstr(kHollow)));
  for (v1::Run& run : job.runs) {
    if (run.iteration() > 0) run.mutable_histogram()->mutable_image_measures()->mutable_classes()->clear();
  }
  ComputeAnew(job);
  const Figure figure = Find(study, "measures-dcgan");
  EXPECT_THAT(figure.caption, HasSubstr(kHollow));
  // The Vendi score of class 1, of one run of three: no mark that is filled, and no interval.
  EXPECT_THAT(Block(figure, "$h2s0"), SizeIs(1));
  EXPECT_THAT(figure.script,
              AllOf(HasSubstr("$h2s0 using 1:2 with points pt 8 "), Not(HasSubstr("$f2s0")), Not(HasSubstr("$i2s0"))));
  EXPECT_THAT(figure.script, HasSubstr("$f0s0")) << "of all images: of all runs";
}

TEST(MeasuresFigureTest, SaysWhyAClassHasNoMark) {
  StudyData study = MeasuredStudy(2);
  JobData& job = study.jobs.front();
  EXPECT_THAT(Find(study, "measures-dcgan").caption, HasSubstr(kNoMark)) << "class 0";
  for (v1::Run& run : job.runs) {
    if (!run.histogram().has_image_measures()) continue;
    (*run.mutable_histogram()->mutable_image_measures()->mutable_classes())[0].set_vendi(2);
  }
  ComputeAnew(job);
  EXPECT_THAT(Find(study, "measures-dcgan").caption, Not(HasSubstr(kNoMark)));
}

TEST(MeasuresFigureTest, ALineDoesNotPassWhereThereIsNoMark) {
  StudyData study = StudyOfPoints(3);
  JobData& job = study.jobs.front();
  for (const size_t run : {0, 2}) {
    job.runs[run].mutable_histogram()->mutable_image_measures()->mutable_all()->set_frechet(4);
  }
  ComputeAnew(job);
  EXPECT_THAT(Block(Find(study, "measures-dcgan"), "$m0s0"), ElementsAre("0 4", "", "2 4"));
}

TEST(MeasuresFigureTest, NamesOfBiasPointsThatStandAslantHaveRoom) {
  const auto room = [](int points) {
    StudyData study = StudyOfPoints(points);
    for (v1::Run& run : study.jobs.front().runs) {
      run.mutable_histogram()->mutable_image_measures()->mutable_all()->set_frechet(4);
    }
    ComputeAnew(study.jobs.front());
    const Figure figure = Find(study, "measures-dcgan");
    const std::string last = figure.script.substr(figure.script.rfind("set bmargin at screen ") + 22);
    return std::stod(last) * figure.height;
  };
  const double name_of_axis = 24;
  EXPECT_NEAR(room(2), 29 + name_of_axis, 1);
  EXPECT_GT(room(7), 0.7 * 4 * kCharacterWidth + kTextSize + name_of_axis);  // "1000" at 45 degrees
}

}  // namespace
}  // namespace skew

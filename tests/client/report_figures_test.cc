#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "client/report/csv.h"
#include "client/report/drawing.h"
#include "client/report/figure.h"
#include "client/report/gnuplot.h"
#include "common/results.h"
#include "tests/client/report_study.h"
#include "tests/client/testing.h"

namespace skew {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

using Rows = std::vector<std::map<std::string, std::string>>;

// CSV without quotes, by heading.
Rows Read(const std::string& csv) {
  const std::vector<std::string> lines = absl::StrSplit(csv, '\n', absl::SkipEmpty());
  const std::vector<std::string> names = absl::StrSplit(lines.at(0), ',');
  Rows rows;
  for (size_t i = 1; i < lines.size(); ++i) {
    const std::vector<std::string> fields = absl::StrSplit(lines[i], ',');
    EXPECT_EQ(fields.size(), names.size()) << lines[i];
    std::map<std::string, std::string>& row = rows.emplace_back();
    for (size_t k = 0; k < names.size(); ++k) row[names[k]] = fields.at(k);
  }
  return rows;
}

double Value(const std::string& text) {
  double value = 0;
  EXPECT_TRUE(absl::SimpleAtod(text, &value)) << text;
  return value;
}

Figure Find(const StudyData& data, const std::string& name) {
  for (Figure& figure : StudyFigures(data)) {
    if (figure.name == name) return figure;
  }
  ADD_FAILURE() << "no figure " << name;
  return {};
}

std::vector<std::string> Names(const StudyData& data) {
  std::vector<std::string> names;
  for (const Figure& figure : StudyFigures(data)) names.push_back(figure.name);
  return names;
}

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

TEST(ReportFiguresTest, CountsAreThoseOfTheResults) {
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

TEST(ReportFiguresTest, SharesAreThoseOfTheResults) {
  const StudyData study = ReportStudy(3);
  const v1::ClassResult& expected = study.jobs.front().results.cells(0).classes(1);
  const v1::RunResult& first_run = study.jobs.front().results.cells(0).runs(0);
  for (const bool corrected : {false, true}) {
    const Rows rows = Read(Find(study, corrected ? "shares-dcgan-corrected" : "shares-dcgan").csv);
    const v1::Estimate& estimate = corrected ? expected.corrected() : expected.generated();
    const auto mean = std::find_if(rows.begin(), rows.end(), [](const std::map<std::string, std::string>& row) {
      return row.at("class") == "1" && row.at("what") == "mean";
    });
    ASSERT_NE(mean, rows.end());
    EXPECT_EQ(Value(mean->at("share")), estimate.mean());
    EXPECT_EQ(Value(mean->at("sd")), estimate.sd());
    EXPECT_EQ(Value(mean->at("low")), estimate.low());
    EXPECT_EQ(Value(mean->at("high")), estimate.high());
    const std::map<std::string, std::string>& run = *(mean + 1);
    EXPECT_EQ(run.at("run"), "j1.1");
    EXPECT_EQ(Value(run.at("share")), corrected ? first_run.classes(1).corrected() : first_run.classes(1).share());
  }
}

TEST(ReportFiguresTest, TheScriptHoldsTheNumbersOfTheTable) {
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
  job.results.clear_cells();
  const std::vector<v1::Classifier> judges(job.results.classifiers().begin(), job.results.classifiers().end());
  for (const v1::ResultCell& cell : ComputeResults(job.runs, judges, true)) *job.results.add_cells() = cell;
  return study;
}

TEST(ReportFiguresTest, CountsOfAllModelsAndJobsHaveOneLinearAxis) {
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

TEST(ReportFiguresTest, WhiskersOfCountsStayInsideTheAxis) {
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

TEST(ReportFiguresTest, OneIterationHasNoDeviation) {
  const StudyData study = ReportStudy(1);
  const Figure counts = Find(study, "counts-dcgan");
  EXPECT_THAT(counts.caption, HasSubstr("one iteration"));
  EXPECT_THAT(counts.script, Not(HasSubstr("with vectors")));
  for (const auto& row : Read(counts.csv)) EXPECT_EQ(row.at("generated_sd"), "");
  EXPECT_THAT(Find(study, "shares-dcgan").script, Not(HasSubstr("yerrorbars")));
}

TEST(ReportFiguresTest, HistogramsAlongTheWay) {
  const Rows rows = Read(Find(ReportStudy(2), "forming-dcgan").csv);
  ASSERT_THAT(rows, SizeIs(2 * 2 * 2 * 2));  // bias points, iterations, steps, classes
  EXPECT_EQ(rows.front().at("step"), "100");
  EXPECT_EQ(rows.at(1).at("accepted_images"), "50");
  EXPECT_DOUBLE_EQ(Value(rows.at(1).at("share")), 0.05);
  EXPECT_EQ(rows.at(1).at("rejected"), "60");
}

TEST(ReportFiguresTest, HistogramsAlongTheWayAreCorrectedAsTheFinalOnesAre) {
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

TEST(ReportFiguresTest, WhatDoesNotFormIsSaidOnce) {
  StudyData study = ReportStudy(2);
  study.jobs.front().histograms.clear();
  EXPECT_EQ(Find(study, "forming-vae").missing, "no images of vae have been judged yet");
  EXPECT_THAT(Names(study), Not(::testing::Contains("forming-vae-corrected")));
}

// Of all images and of class 1, only in the runs at 100 images of class 1.
StudyData MeasuredStudy(int iterations) {
  StudyData study = ReportStudy(iterations);
  JobData& job = study.jobs.front();
  for (v1::Run& run : job.runs) {
    if (run.bias_point().counts().at(1) != 100) continue;
    v1::ImageMeasures& measures = *run.mutable_histogram()->mutable_image_measures();
    measures.mutable_all()->set_frechet(4 + run.iteration());
    measures.set_frechet_balanced(300);
    measures.mutable_all()->set_recall(0.5);
    (*measures.mutable_classes())[1].set_vendi(2);
  }
  job.results.clear_cells();
  const std::vector<v1::Classifier> judges(job.results.classifiers().begin(), job.results.classifiers().end());
  for (const v1::ResultCell& cell : ComputeResults(job.runs, judges, true)) *job.results.add_cells() = cell;
  return study;
}

TEST(ReportFiguresTest, MeasuresAreThoseOfTheResultsAndTheRuns) {
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
  EXPECT_THAT(figure.script, HasSubstr("set label 'class 1' at graph 1.02"));
  EXPECT_THAT(figure.script, HasSubstr(LookOfClass(1).colour));
  EXPECT_THAT(figure.script, HasSubstr("set label 'not measured'"));
  EXPECT_THAT(Find(MeasuredStudy(1), "measures-vae").script, Not(HasSubstr("yerrorbars")));
}

TEST(ReportFiguresTest, RepeatedImagesOfTheNullArmAreNoYardstick) {
  StudyData study = MeasuredStudy(2);
  v1::JobSpec& spec = *study.jobs.front().job.mutable_spec();
  spec.add_models()->mutable_resample();
  spec.add_models()->mutable_vae();
  const char* const kRepeats = "draws real images again and again";
  EXPECT_THAT(Find(study, "measures-dcgan").caption, HasSubstr(kRepeats));
  EXPECT_THAT(Find(study, "measures-vae").caption,
              AllOf(Not(HasSubstr(kRepeats)), HasSubstr("5,000 real images, no two the same, would have nearly 1")));
}

TEST(ReportFiguresTest, LeavesOutRunsThatFailed) {
  StudyData study = ReportStudy(2);
  study.jobs.front().runs.front().set_state(v1::FAILED);
  EXPECT_THAT(Find(study, "forming-dcgan").csv, Not(HasSubstr("j1.1,")));
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
  job.job.mutable_spec()->add_models()->mutable_resample();
  job.job.mutable_spec()->add_models()->mutable_vae();
  EXPECT_EQ(Find(study, "losses-dcgan").missing, "dcgan is not trained: there are no losses");
  EXPECT_EQ(Find(study, "losses-vae").missing, "no run of vae has stored losses");
}

TEST(ReportFiguresTest, TakesALogarithmicAxisForDecades) {
  EXPECT_FALSE(AxisFor(std::vector<double>{5, 50}, 1.5).logarithmic);
  EXPECT_EQ(AxisFor(std::vector<double>{5, 50}, 1.5).low, 0);
  const Axis axis = AxisFor(std::vector<double>{0, 0.5, 50}, 1.5);
  EXPECT_TRUE(axis.logarithmic);
  EXPECT_LT(axis.low, 0.5);
  EXPECT_EQ(axis.Shown(0), axis.low);
  EXPECT_DOUBLE_EQ(axis.Place(axis.low), 0);
  EXPECT_DOUBLE_EQ(axis.Place(axis.high), 1);
}

TEST(ReportFiguresTest, LabelsGiveWayToEachOther) {
  const std::vector<double> places = Spread(std::vector<double>{0.5, 0.1, 0.51, 0.5}, 0.1);
  EXPECT_DOUBLE_EQ(places[1], 0.1);
  std::vector<double> sorted = places;
  std::sort(sorted.begin(), sorted.end());
  for (size_t i = 0; i + 1 < sorted.size(); ++i) EXPECT_GE(sorted[i + 1] - sorted[i], 0.1 - 1e-6);
  EXPECT_GT(places[2], places[0]);
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

TEST(GnuplotTest, QuotesTextSoThatNothingIsExpanded) {
  EXPECT_EQ(GnuplotText("it's `id` @x \"$y\""), "'it''s `id` @x \"$y\"'");
  EXPECT_EQ(GnuplotText("a\nb"), "'a?b'");
}

TEST(GnuplotTest, DrawsEveryFigureInEveryFormat) {
  const StudyData study = MeasuredStudy(3);
  for (const Figure& figure : StudyFigures(study)) {
    const std::map<ImageFormat, std::string> beginnings = {
        {ImageFormat::kSvg, "<?xml"}, {ImageFormat::kPng, "\x89PNG"}, {ImageFormat::kPdf, "%PDF"}};
    for (const auto& [format, beginning] : beginnings) {
      const auto image = RunGnuplot(GnuplotTerminal(format, figure.width, figure.height) + figure.script);
      ASSERT_TRUE(image.ok()) << figure.name << ": " << image.status();
      EXPECT_TRUE(absl::StartsWith(*image, beginning)) << figure.name;
    }
  }
}

TEST(GnuplotTest, NamesThePackageThatIsMissing) {
  const auto image = RunGnuplot("plot x\n", "gnuplot-that-is-not-there");
  EXPECT_TRUE(absl::IsFailedPrecondition(image.status())) << image.status();
  EXPECT_THAT(std::string(image.status().message()), HasSubstr("install the package gnuplot-nox"));
}

TEST(GnuplotTest, SaysWhatIsWrongWithAScript) {
  const auto image = RunGnuplot("set terminal svg\nplot nonsense(\n");
  EXPECT_TRUE(absl::IsInternal(image.status())) << image.status();
  EXPECT_THAT(std::string(image.status().message()), HasSubstr("expression"));
}

TEST(GnuplotTest, PicturesInAPageHaveIdsOfTheirOwn) {
  const std::string svg = InlineSvg(
      "<?xml version=\"1.0\"?>\n<svg \n width=\"30\" height=\"20\"\n viewBox=\"0 0 30 20\"\n xmlns=\"http://x\"\n "
      "xmlns:xlink=\"http://y\"\n>\n<title>Gnuplot</title>\n<g id=\"a\"><circle id='b'/><use xlink:href='#b'/>"
      "<rect width=\"30\" fill = \"url(#c)\"/></g></svg>\n",
      "p-", "A <figure>");
  EXPECT_THAT(svg, HasSubstr("aria-label=\"A &lt;figure&gt;\""));
  EXPECT_THAT(svg,
              HasSubstr("<g id=\"p-a\"><circle id='p-b'/><use href='#p-b'/><rect width=\"30\" fill = \"url(#p-c)\"/>"));
  EXPECT_THAT(svg, Not(HasSubstr("http")));
  EXPECT_THAT(svg, Not(HasSubstr("height=\"20\"")));
  EXPECT_TRUE(absl::StartsWith(svg, "<svg"));
}

}  // namespace
}  // namespace skew

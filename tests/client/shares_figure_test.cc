#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "client/report/figure.h"
#include "tests/client/report_figures.h"
#include "tests/client/testing.h"

namespace skew {
namespace {

using ::testing::HasSubstr;

TEST(SharesFigureTest, SharesAreThoseOfTheResults) {
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

std::vector<std::string> LinesWith(const Figure& figure, const std::string& beginning) {
  std::vector<std::string> lines;
  for (const absl::string_view line : absl::StrSplit(figure.script, '\n')) {
    if (absl::StartsWith(line, beginning)) lines.emplace_back(line);
  }
  return lines;
}

TEST(SharesFigureTest, AClassHasTheSameAxesInAllModelsAndJobs) {
  StudyData study = ReportStudy(2);
  study.jobs.push_back(ReportJob("j2", 5));
  const std::vector<std::string> expected = LinesWith(Find(study, "shares-dcgan-j1"), "set xrange");
  EXPECT_EQ(expected.size(), 2);
  EXPECT_NE(expected.front(), expected.back());
  for (const Figure& figure : StudyFigures(study)) {
    if (figure.kind != "shares") continue;
    EXPECT_EQ(LinesWith(figure, "set xrange"), expected) << figure.name;
    std::vector<std::string> y = LinesWith(figure, "set yrange");
    for (std::string& line : y) line[4] = 'x';
    EXPECT_EQ(y, expected) << figure.name;
    EXPECT_THAT(figure.caption, HasSubstr("Axes differ between classes"));
  }
}

TEST(SharesFigureTest, AShareOfLessThanAnImageStretchesNoAxis) {
  StudyData study = ReportStudy(2);
  ModelOfJob model = ModelsOf(study.jobs.front()).front();
  const double low = ShareAxes({model}).at(1).low;
  study.jobs.front().results.mutable_cells(0)->mutable_runs(0)->mutable_classes(1)->set_corrected(1e-15);
  EXPECT_DOUBLE_EQ(ShareAxes({model}).at(1).low, low);
}

}  // namespace
}  // namespace skew

#include "client/report/small_multiples.h"

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/client/report_figures.h"
#include "tests/client/testing.h"

namespace skew {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr double kGap = std::numeric_limits<double>::quiet_NaN();

SeriesFigure FigureOf(int panels) {
  SeriesFigure figure{"title", "y", "x", 1.5, {}};
  for (int i = 0; i < panels; ++i) {
    SeriesPanel& panel = figure.panels.emplace_back();
    panel.title = absl::StrCat("panel ", i);
    Series series{"a series", LookOfClass(0), {1, 2, 3}, {4, 5, 6}, {3, 4, 5}, {5, 6, 7}};
    panel.series.push_back(series);
  }
  return figure;
}

Figure Drawn(const SeriesFigure& figure) {
  Figure drawn;
  Draw(figure, drawn);
  return drawn;
}

TEST(SmallMultiplesTest, OneKeyStandsWhereThereIsRoom) {
  for (const int panels : {1, 2, 4, 6, 7, 8}) {
    const Figure figure = Drawn(FigureOf(panels));
    const std::string entry = " title 'a series'";
    const size_t first = figure.script.find(entry);
    EXPECT_NE(first, std::string::npos) << panels;
    EXPECT_EQ(figure.script.find(entry, first + 1), std::string::npos) << panels;
    EXPECT_THAT(figure.script, Not(HasSubstr("set label 'a series'")));
    EXPECT_THAT(figure.script, HasSubstr(panels == 7 ? " vertical " : " horizontal ")) << panels;
  }
  EXPECT_LT(Drawn(FigureOf(7)).height, Drawn(FigureOf(8)).height) << "no row of its own in an empty place";
}

TEST(SmallMultiplesTest, SevenPanelsAreLarge) {
  const std::string script = Drawn(FigureOf(7)).script;
  const auto margin = [&](const char* which) {
    return std::stod(script.substr(script.find(absl::StrCat("set ", which, "margin at screen ")) + 23));
  };
  EXPECT_GT((margin("r") - margin("l")) * kDrawingWidth, 180);
  EXPECT_LT(Drawn(FigureOf(7)).height, 580) << "then it has its full width on paper, two to a page";
}

TEST(SmallMultiplesTest, ABandEndsAtAGap) {
  SeriesFigure figure = FigureOf(1);
  Series& series = figure.panels[0].series[0];
  series.x = {1, 2, 3, 4};
  series.mean = {4, 5, kGap, 6};
  series.low = {3, 4, kGap, 5};
  series.high = {5, 6, kGap, 7};
  const Figure drawn = Drawn(figure);
  EXPECT_THAT(Block(drawn, "$p0s0"), ElementsAre("1 4 3 5", "2 5 4 6", "", "4 6 5 7"));
  EXPECT_THAT(Block(drawn, "$p0s0l"), ElementsAre("4 6 5 7")) << "an area has no width at one point";
  EXPECT_THAT(drawn.script, HasSubstr("$p0s0l using 1:2:3:4 with yerrorbars"));
  EXPECT_THAT(Drawn(FigureOf(1)).script, Not(HasSubstr("yerrorbars")));
}

TEST(SmallMultiplesTest, PointsOfNoValuesAreGaps) {
  Series series;
  AddPoints({{1, {}}, {2, {3, 5}}, {3, {4}}}, Band::kRange, series);
  EXPECT_THAT(series.x, ElementsAre(1, 2, 3));
  EXPECT_TRUE(std::isnan(series.mean[0]));
  EXPECT_THAT(std::vector<double>(series.low.begin() + 1, series.low.end()), ElementsAre(3, 4));
  EXPECT_THAT(std::vector<double>(series.high.begin() + 1, series.high.end()), ElementsAre(5, 4));
}

}  // namespace
}  // namespace skew

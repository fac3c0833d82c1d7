#include "client/report/drawing.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <regex>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "client/report/figure.h"
#include "client/report/gnuplot.h"
#include "tests/client/report_figures.h"
#include "tests/client/testing.h"

namespace skew {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(DrawingTest, TakesALogarithmicAxisForDecades) {
  EXPECT_FALSE(AxisFor(std::vector<double>{5, 50}, 1.5).logarithmic);
  EXPECT_EQ(AxisFor(std::vector<double>{5, 50}, 1.5).low, 0);
  const Axis axis = AxisFor(std::vector<double>{0, 0.5, 50}, 1.5);
  EXPECT_TRUE(axis.logarithmic);
  EXPECT_LT(axis.low, 0.5);
  EXPECT_EQ(axis.Shown(0), axis.low);
  EXPECT_DOUBLE_EQ(axis.Place(axis.low), 0);
  EXPECT_DOUBLE_EQ(axis.Place(axis.high), 1);
}

TEST(DrawingTest, LabelsGiveWayToEachOther) {
  const std::vector<double> places = Spread(std::vector<double>{0.5, 0.1, 0.51, 0.5}, 0.1);
  EXPECT_DOUBLE_EQ(places[1], 0.1);
  std::vector<double> sorted = places;
  std::sort(sorted.begin(), sorted.end());
  for (size_t i = 0; i + 1 < sorted.size(); ++i) EXPECT_GE(sorted[i + 1] - sorted[i], 0.1 - 1e-6);
  EXPECT_GT(places[2], places[0]);
}

double Luminance(const std::string& colour) {
  double luminance = 0;
  const double weights[] = {0.2126, 0.7152, 0.0722};
  for (size_t i = 0; i < 3; ++i) {
    const double value = std::stoi(colour.substr(1 + 2 * i, 2), nullptr, 16) / 255.0;
    luminance += weights[i] * (value <= 0.03928 ? value / 12.92 : std::pow((value + 0.055) / 1.055, 2.4));
  }
  return luminance;
}

// To white (WCAG 2).
double Contrast(const std::string& colour) { return 1.05 / (Luminance(colour) + 0.05); }

// What the first group of the expression is in the scripts of all figures.
std::set<std::string> InScripts(const std::string& expression) {
  std::set<std::string> found;
  const std::regex regex(expression);
  for (const Figure& figure : StudyFigures(MeasuredStudy(3))) {
    const std::string& script = figure.script;
    for (std::sregex_iterator it(script.begin(), script.end(), regex); it != std::sregex_iterator(); ++it) {
      found.insert((*it)[1]);
    }
  }
  return found;
}

TEST(DrawingTest, TextIsDarkEnoughToRead) {
  for (int32_t label = 0; label < 10; ++label) EXPECT_GE(Contrast(LookOfClass(label).text), 4.5) << label;
  const std::set<std::string> colours = InScripts("textcolor rgb '(#[0-9A-Fa-f]{6})'");
  EXPECT_TRUE(colours.contains(LookOfClass(1).text));
  for (const std::string& colour : colours) EXPECT_GE(Contrast(colour), 4.5) << colour;
}

TEST(DrawingTest, TextIsLargeEnoughOnPaper) {
  std::set<std::string> sizes = InScripts("font '[^']*,([0-9]+)'");
  EXPECT_TRUE(sizes.contains("15"));
  for (const ImageFormat format : {ImageFormat::kSvg, ImageFormat::kPng}) {
    const std::string terminal = GnuplotTerminal(format, kDrawingWidth, 400);
    sizes.insert(terminal.substr(terminal.find("Sans,") + 5, 2));
  }
  const double points_per_pixel = 180 / 25.4 * 72 / kDrawingWidth;  // 180 mm wide
  for (const std::string& size : sizes) EXPECT_GE(std::stoi(size) * points_per_pixel, 7.5) << size;
}

TEST(DrawingTest, EveryClassLooksDifferent) {
  std::set<std::pair<std::string, int>> looks;
  for (int32_t label = 0; label < 10; ++label) {
    const Look look = LookOfClass(label);
    looks.emplace(look.colour, look.point);
    looks.emplace(look.colour, HollowPoint(look));
  }
  EXPECT_EQ(looks.size(), 20);
}

std::vector<std::string> LabelsOf(const std::vector<Tic>& tics) {
  std::vector<std::string> labels;
  for (const Tic& tic : tics) {
    if (!tic.label.empty()) labels.push_back(tic.label);
  }
  return labels;
}

TEST(DrawingTest, LogarithmicAxesHaveLabelsWithinADecade) {
  const Axis axis{true, 0.1, 70};
  EXPECT_THAT(LabelsOf(LogTics(axis, 600, true)), ElementsAre("0.1", "0.2", "0.5", "1", "2", "5", "10", "20", "50"));
  // No room for 0.2 beside 0.1; what is left without a label is a small tic.
  const std::vector<Tic> narrow = LogTics(axis, 232, true);
  EXPECT_THAT(LabelsOf(narrow), ElementsAre("0.1", "0.5", "1", "2", "5", "10", "20", "50"));
  EXPECT_THAT(TicList(narrow), HasSubstr("('0.1' 0.1, '' 0.2 1, '0.5' 0.5, "));
  EXPECT_THAT(TicList(narrow, /*blank=*/true), HasSubstr("('' 0.1, '' 0.2 1, '' 0.5, "));
  EXPECT_THAT(LabelsOf(LogTics({true, 0.03, 120}, 176, false)), ElementsAre("0.1", "1", "10", "100"));
}

TEST(DrawingTest, LinearAxesHaveThreeLabels) {
  EXPECT_DOUBLE_EQ(TicStepOf({false, 20, 55}), 10);
  for (const Axis& axis : {Axis{false, 20.4, 55.2}, Axis{false, 0, 103}, Axis{false, 48.9, 50.2}, Axis{false, 0, 1}}) {
    const double step = TicStepOf(axis);
    EXPECT_GE(std::floor(axis.high / step) - std::ceil(axis.low / step) + 1, 3) << axis.low;
    EXPECT_LE((axis.high - axis.low) / step, 8) << axis.low;
  }
}

}  // namespace
}  // namespace skew

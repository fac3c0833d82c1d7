#include "client/report/drawing.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "client/render/format.h"
#include "client/report/gnuplot.h"

namespace skew {
namespace {

struct Colour {
  const char* fill;
  const char* text;
};
constexpr std::array<Colour, 8> kColours = {{{"#0072B2", "#0072B2"},
                                             {"#D55E00", "#A84300"},
                                             {"#009E73", "#00714F"},
                                             {"#CC79A7", "#9C3F73"},
                                             {"#E69F00", "#8A5A00"},
                                             {"#56B4E9", "#1F6FA3"},
                                             {"#000000", "#000000"},
                                             {"#8C8C8C", "#666666"}}};
// Circle, triangles, square and so on. Hollow ones are left to say something else (see HollowPoint).
constexpr std::array<int, 10> kPoints = {7, 9, 5, 13, 11, 15, 7, 9, 5, 13};
constexpr std::array<int, 5> kDashes = {1, 2, 4, 5, 3};

constexpr std::array<double, 4> kRound = {1, 2, 2.5, 5};

int TicsOn(const Axis& axis, double step) {
  return static_cast<int>(std::floor(axis.high / step + 1e-9) - std::ceil(axis.low / step - 1e-9)) + 1;
}

// A label on an axis, with its place in pixels.
struct AxisLabel {
  double place = 0;
  double half = 0;  // of its own length

  bool Near(const AxisLabel& other) const { return std::abs(place - other.place) < half + other.half + 5; }
};

AxisLabel LabelAt(const Axis& axis, double value, double pixels, bool across) {
  const double length = across ? kCharacterWidth * static_cast<double>(absl::StrFormat("%g", value).size()) : kTextSize;
  return {pixels * axis.Place(value), length / 2};
}

std::string Screen(double x, double y) { return absl::StrFormat("screen %.4f, screen %.4f", x, y); }

}  // namespace

Look LookOfClass(int32_t label) {
  const auto n = static_cast<size_t>(std::abs(label));
  const Colour& colour = kColours[n % kColours.size()];
  return {colour.fill, colour.text, kPoints[n % kPoints.size()], kDashes[n % kDashes.size()]};
}

std::string Preamble() {
  // Error bars have white dots of the general point size behind them, which would hide runs.
  return absl::StrCat("set encoding utf8\nset border 3 lc rgb '#555555'\nset tics nomirror out scale 0.5", kTextFont,
                      " textcolor rgb '#222222'\nset xtics offset 0,0.35\nset pointsize 0.01\nset grid ytics lt 1 lc "
                      "rgb '#d4d8de' lw 1\nset key off\n");
}

double Axis::Place(double value) const {
  if (!logarithmic) return (value - low) / (high - low);
  return (std::log(value) - std::log(low)) / (std::log(high) - std::log(low));
}

double Axis::Shown(double value) const { return logarithmic ? std::max(value, low) : value; }

Axis AxisFor(absl::Span<const double> values, double decades) {
  double smallest = INFINITY;
  double largest = 0;
  for (const double value : values) {
    if (!std::isfinite(value) || value <= 0) continue;
    smallest = std::min(smallest, value);
    largest = std::max(largest, value);
  }
  if (largest <= 0) return {};
  if (std::log10(largest / smallest) < decades) return {false, 0, 1.08 * largest};
  // A little below the smallest value, so that it differs from what has no place on the axis.
  return {true, smallest / 2, 1.3 * largest};
}

double TicStep(double span, double most) {
  const double power = std::pow(10, std::floor(std::log10(span / most)));
  for (const double factor : kRound) {
    if (span / (factor * power) <= most) return factor * power;
  }
  return 10 * power;
}

double TicStepOf(const Axis& axis) {
  const double power = std::pow(10, std::floor(std::log10(axis.high - axis.low)));
  double step = power / 10;
  for (const double scale : {power / 10, power}) {
    for (const double factor : kRound) {
      if (TicsOn(axis, factor * scale) >= 3) step = factor * scale;
    }
  }
  return step;
}

std::vector<Tic> LogTics(const Axis& axis, double pixels, bool across) {
  std::vector<Tic> tics;
  AxisLabel last{-std::numeric_limits<double>::infinity(), 0};
  const auto first = static_cast<int>(std::floor(std::log10(axis.low)));
  for (int decade = first; std::pow(10, decade) <= axis.high; ++decade) {
    for (const int factor : {1, 2, 5}) {
      const double value = factor * std::pow(10, decade);
      if (value < axis.low * (1 - 1e-9) || value > axis.high) continue;
      const AxisLabel label = LabelAt(axis, value, pixels, across);
      // A decade's beginning comes before what is between.
      const double next = std::pow(10, decade + 1);
      const bool hides = factor > 1 && next <= axis.high && label.Near(LabelAt(axis, next, pixels, across));
      const bool shown = !hides && !label.Near(last);
      tics.push_back({value, shown ? absl::StrFormat("%g", value) : ""});
      if (shown) last = label;
    }
  }
  return tics;
}

std::string TicList(const std::vector<Tic>& tics, bool blank) {
  return absl::StrCat("(",
                      absl::StrJoin(tics, ", ",
                                    [&](std::string* out, const Tic& tic) {
                                      absl::StrAppend(out, "'", blank ? "" : tic.label, "' ", Exact(tic.value),
                                                      tic.label.empty() ? " 1" : "");
                                    }),
                      ")");
}

Panels::Panels(int count, int columns, const PanelSpace& space)
    : space_(space), count_(std::max(count, 1)), columns_(std::min(count_, columns)) {
  rows_ = (count_ + columns_ - 1) / columns_;
}

int Panels::PlotWidth() const { return (width() - space_.left) / columns_ - space_.panel_left - space_.panel_right; }

double Panels::LeftOf(int index) const {
  return space_.left + (index % columns_) * static_cast<double>(width() - space_.left) / columns_ + space_.panel_left;
}

std::string Panels::Place(int index) const {
  const double left = LeftOf(index);
  const double bottom = TopOf(index) + space_.height - space_.panel_bottom;
  return absl::StrFormat(
      "set lmargin at screen %.4f\nset rmargin at screen %.4f\nset tmargin at screen %.4f\nset bmargin at screen "
      "%.4f\n",
      left / width(), (left + PlotWidth()) / width(),
      1 - static_cast<double>(TopOf(index) + space_.panel_top) / height(), 1 - bottom / height());
}

std::string Panels::At(int index, double x, int below) const {
  return Screen((LeftOf(index) + x * PlotWidth()) / width(), 1 - static_cast<double>(TopOf(index) + below) / height());
}

std::string Panels::XLabel(int index, absl::string_view name) const {
  return absl::StrCat("set label ", GnuplotText(name), " at ", At(index, 0.5, space_.height + space_.foot - 13),
                      " center", kTextFont, "\n");
}

std::string Panels::Title(int index, absl::string_view title, absl::string_view colour) const {
  return absl::StrCat("set label ", GnuplotText(title), " at ", At(index, 0.5, 14), " center", kPanelFont,
                      " textcolor rgb '", colour, "'\n");
}

std::vector<double> Spread(absl::Span<const double> positions, double gap) {
  std::vector<size_t> order(positions.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) { return positions[a] < positions[b]; });
  std::vector<double> moved(positions.begin(), positions.end());
  // Pairs that are too close give way to both sides, until none are.
  for (size_t round = 0; round < 50 * order.size(); ++round) {
    bool changed = false;
    for (size_t i = 0; i + 1 < order.size(); ++i) {
      const double lack = gap - (moved[order[i + 1]] - moved[order[i]]);
      if (lack <= 1e-9) continue;
      moved[order[i]] -= lack / 2;
      moved[order[i + 1]] += lack / 2;
      changed = true;
    }
    if (!changed) break;
  }
  return moved;
}

}  // namespace skew

#include "client/report/drawing.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "client/render/format.h"
#include "client/report/gnuplot.h"

namespace skew {
namespace {

constexpr std::array<const char*, 8> kColours = {"#0072B2", "#D55E00", "#009E73", "#CC79A7",
                                                 "#E69F00", "#56B4E9", "#000000", "#8C8C8C"};
constexpr std::array<int, 10> kPoints = {7, 9, 5, 13, 11, 15, 6, 8, 4, 12};
constexpr std::array<int, 5> kDashes = {1, 2, 4, 5, 3};

std::vector<double> ValuesOf(const SeriesFigure& figure) {
  std::vector<double> values;
  for (const SeriesPanel& panel : figure.panels) {
    for (const Series& series : panel.series) {
      values.insert(values.end(), series.mean.begin(), series.mean.end());
      values.insert(values.end(), series.high.begin(), series.high.end());
      if (series.reference.has_value()) values.push_back(*series.reference);
    }
  }
  return values;
}

double LastStep(const SeriesPanel& panel) {
  double last = 0;
  for (const Series& series : panel.series) {
    if (!series.x.empty()) last = std::max(last, series.x.back());
  }
  return last > 0 ? last : 1;
}

std::string Rows(const Series& series, const Axis& axis) {
  std::string rows;
  for (size_t i = 0; i < series.x.size(); ++i) {
    absl::StrAppend(&rows, Exact(series.x[i]), " ", Exact(axis.Shown(series.mean[i])));
    if (!series.low.empty()) {
      absl::StrAppend(&rows, " ", Exact(axis.Shown(series.low[i])), " ", Exact(axis.Shown(series.high[i])));
    }
    rows += "\n";
  }
  return rows;
}

// The ends of the lines, as labels that do not overlap.
std::string EndLabels(const SeriesPanel& panel, const Axis& axis, int plot_height) {
  std::vector<double> ends;
  std::vector<const Series*> labelled;
  for (const Series& series : panel.series) {
    if (series.mean.empty()) continue;
    ends.push_back(axis.Place(axis.Shown(series.mean.back())));
    labelled.push_back(&series);
  }
  const std::vector<double> places = Spread(ends, 17.0 / plot_height);
  std::string script;
  for (size_t i = 0; i < labelled.size(); ++i) {
    absl::StrAppend(&script, "set label ", GnuplotText(labelled[i]->label), " at graph 1.02,", Fixed(places[i], 4),
                    " left font ',12' textcolor rgb '", labelled[i]->look.colour, "'\n");
  }
  return script;
}

// The plot commands of one series, whose data block is `name`.
std::vector<std::string> Plots(const Series& series, const std::string& name, const Axis& axis) {
  const std::string& colour = series.look.colour;
  std::vector<std::string> plots;
  if (series.reference.has_value()) {
    plots.push_back(
        absl::StrCat(Exact(axis.Shown(*series.reference)), " with lines lc rgb '", colour, "' lw 1 dt '.'"));
  }
  if (series.x.empty()) return plots;
  if (!series.low.empty()) {
    plots.push_back(
        absl::StrCat(name, " using 1:3:4 with filledcurves fs transparent solid 0.18 noborder lc rgb '", colour, "'"));
  }
  const std::string line = absl::StrCat(" lc rgb '", colour, "' lw 2 dt ", series.look.dash);
  plots.push_back(series.points
                      ? absl::StrCat(name, " using 1:2 with linespoints", line, " pt ", series.look.point, " ps 0.7")
                      : absl::StrCat(name, " using 1:2 with lines", line));
  return plots;
}

std::string PanelScript(const SeriesPanel& panel, const Axis& axis, int index, int plot_height) {
  std::string script = absl::StrCat("set title ", GnuplotText(panel.title), " font ',13' offset 0,-0.6\n",
                                    "set xrange [0:", Exact(LastStep(panel)), "]\nset xtics ",
                                    Exact(TicStep(LastStep(panel))), "\nunset label\n");
  std::vector<std::string> plots;
  bool any = false;
  for (size_t i = 0; i < panel.series.size(); ++i) {
    const std::string name = absl::StrCat("$p", index, "s", i);
    any = any || !panel.series[i].x.empty();
    if (!panel.series[i].x.empty()) {
      absl::StrAppend(&script, name, " << EOD\n", Rows(panel.series[i], axis), "EOD\n");
    }
    for (std::string& one : Plots(panel.series[i], name, axis)) plots.push_back(std::move(one));
  }
  if (any) {
    script += EndLabels(panel, axis, plot_height);
  } else {
    script += "set label 'nothing yet' at graph 0.5,0.5 center textcolor rgb '#666666'\n";
  }
  if (plots.empty()) plots.emplace_back("NaN");
  absl::StrAppend(&script, "plot ");
  for (size_t i = 0; i < plots.size(); ++i) absl::StrAppend(&script, i == 0 ? "" : ", \\\n  ", plots[i]);
  return absl::StrCat(script, "\n");
}

}  // namespace

Look LookOfClass(int32_t label) {
  const auto n = static_cast<size_t>(std::abs(label));
  return {kColours[n % kColours.size()], kPoints[n % kPoints.size()], kDashes[n % kDashes.size()]};
}

std::string Preamble() {
  return "set encoding utf8\n"
         "set border 3 lc rgb '#555555'\n"
         "set tics nomirror out scale 0.5 font ',12' textcolor rgb '#222222'\n"
         "set grid ytics lt 1 lc rgb '#d4d8de' lw 1\n"
         "set key off\n";
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

double TicStep(double span) {
  const double power = std::pow(10, std::floor(std::log10(span / 4)));
  for (const double factor : {1.0, 2.0, 2.5, 5.0}) {
    if (span / (factor * power) <= 4) return factor * power;
  }
  return 10 * power;
}

Panels::Panels(int count, int columns, int width, int height, int right)
    : columns_(std::min(std::max(count, 1), columns)), width_(width), panel_height_(height), right_(right) {
  rows_ = (std::max(count, 1) + columns_ - 1) / columns_;
}

int Panels::height() const { return rows_ * panel_height_ + kHead; }

std::string Panels::Place(int index) const {
  const double panel_width = static_cast<double>(width_) / columns_;
  const double left = (index % columns_) * panel_width + kLeft;
  const double right = (index % columns_ + 1) * panel_width - right_;
  const int row = index / columns_;
  const double top = kHead + row * panel_height_ + kTop;
  const double bottom = kHead + (row + 1) * panel_height_ - kBottom;
  return absl::StrFormat(
      "set lmargin at screen %.4f\nset rmargin at screen %.4f\nset tmargin at screen %.4f\nset bmargin at screen "
      "%.4f\n",
      left / width_, right / width_, 1 - top / height(), 1 - bottom / height());
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

Drawing DrawSeries(const SeriesFigure& figure) {
  const int count = static_cast<int>(figure.panels.size());
  const int columns = count == 4 ? 2 : 3;
  // Three rows are lower, so that two figures have room on a page.
  const Panels panels(count, columns, 960, count > 2 * columns ? 205 : 250, 100);
  const Axis axis = AxisFor(ValuesOf(figure), figure.decades);
  std::string script =
      absl::StrCat(Preamble(), "set multiplot title ", GnuplotText(figure.title), " font ',15'\n", "set xlabel ",
                   GnuplotText(figure.x_label), " font ',12' offset 0,0.4\nset format x '%.0f'\n",
                   axis.logarithmic ? "set logscale y\nset format y '%g'\n" : "", "set yrange [", Exact(axis.low), ":",
                   Exact(axis.high), "]\n");
  for (int i = 0; i < count; ++i) {
    absl::StrAppend(
        &script, panels.Place(i), "set ylabel ",
        GnuplotText(i % columns == 0 ? absl::StrCat(figure.y_label, axis.logarithmic ? " (log scale)" : "") : ""),
        " font ',12'\n", PanelScript(figure.panels[static_cast<size_t>(i)], axis, i, panels.PlotHeight()));
  }
  return {panels.width(), panels.height(), absl::StrCat(script, "unset multiplot\n")};
}

}  // namespace skew

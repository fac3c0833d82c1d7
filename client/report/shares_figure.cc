// Generated against trained share, a panel for each class.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <iterator>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/render/format.h"
#include "client/render/table.h"
#include "client/report/drawing.h"
#include "client/report/figure.h"
#include "client/report/gnuplot.h"

namespace skew {
namespace {

constexpr double kSmallestShare = 0.01;  // %

// Shares are of 1.
struct SharePoint {
  std::string bias_point;
  double trained = 0;
  v1::Estimate generated;
  std::vector<std::pair<std::string, double>> runs;
};
struct ClassPoints {
  int32_t label = 0;
  std::vector<SharePoint> points;
};

bool Corrected(Shares shares) { return shares == Shares::kCorrected; }

std::vector<ClassPoints> PointsOf(const ModelOfJob& model, Shares shares) {
  std::vector<ClassPoints> classes;
  for (const v1::ResultCell* cell : model.cells) {
    for (int c = 0; c < cell->classes_size(); ++c) {
      if (classes.size() <= static_cast<size_t>(c)) classes.push_back({cell->classes(c).class_(), {}});
      const v1::ClassResult& one = cell->classes(c);
      if (!(Corrected(shares) ? one.has_corrected() : one.has_generated())) continue;
      SharePoint& point = classes[static_cast<size_t>(c)].points.emplace_back();
      point.bias_point = CountsText(cell->bias_point().counts());
      point.trained = one.trained_share();
      point.generated = Corrected(shares) ? one.corrected() : one.generated();
      for (const v1::RunResult& run : cell->runs()) {
        point.runs.emplace_back(run.run_id(), Corrected(shares) ? run.classes(c).corrected() : run.classes(c).share());
      }
    }
  }
  return classes;
}

// Both axes of a panel, in percent: all runs, means and trained shares; intervals as far as they are near.
Axis AxisOf(const ClassPoints& points) {
  std::vector<double> values;
  for (const SharePoint& point : points.points) {
    values.insert(values.end(), {100 * point.trained, 100 * point.generated.mean()});
    for (const auto& [run, share] : point.runs) values.push_back(100 * share);
  }
  // Nothing smaller stretches an axis over decades: that is less than an image of those judged.
  std::vector<double> seen = values;
  std::erase_if(seen, [](double value) { return value < kSmallestShare; });
  const Axis axis = AxisFor(seen, 1.2);
  if (axis.logarithmic || values.empty()) return axis;
  const auto [low, high] = std::minmax_element(values.begin(), values.end());
  double below = *low;
  double above = *high;
  const double near = std::max(0.35 * (*high - *low), 0.15 * *high);
  for (const SharePoint& point : points.points) {
    if (!point.generated.has_low()) continue;
    below = std::min(below, std::max(100 * point.generated.low(), *low - near));
    above = std::max(above, std::min(100 * point.generated.high(), *high + near));
  }
  const double margin = std::max(0.06 * (above - below), 0.2);
  return {false, std::max(0.0, below - margin), std::min(103.0, above + margin)};
}

// A little to the left, so that the mean's interval does not hide the runs.
double Beside(double trained, const Axis& axis) {
  return axis.logarithmic ? trained * std::pow(axis.high / axis.low, -0.025) : trained - 0.025 * (axis.high - axis.low);
}

std::string PanelScript(const ClassPoints& points, const Axis& axis, const Panels& panels, int index) {
  std::string runs;
  std::string means;
  std::string intervals;
  for (const SharePoint& point : points.points) {
    const double x = 100 * point.trained;
    for (const auto& [run, share] : point.runs) {
      absl::StrAppend(&runs, Exact(Beside(x, axis)), " ", Exact(axis.Shown(100 * share)), "\n");
    }
    absl::StrAppend(&means, Exact(x), " ", Exact(axis.Shown(100 * point.generated.mean())), "\n");
    if (!point.generated.has_low()) continue;
    absl::StrAppend(&intervals, Exact(x), " ", Exact(axis.Shown(100 * point.generated.mean())), " ",
                    Exact(axis.Shown(100 * point.generated.low())), " ",
                    Exact(axis.Shown(100 * point.generated.high())), "\n");
  }
  const Look look = LookOfClass(points.label);
  const std::string n = absl::StrCat(points.label);
  std::vector<std::string> plots = {"x with lines lc rgb '#888888' lw 1 dt 2"};
  std::string blocks;
  if (!means.empty()) {
    absl::StrAppend(&blocks, "$runs", n, " << EOD\n", runs, "EOD\n$means", n, " << EOD\n", means, "EOD\n");
    plots.push_back(absl::StrCat("$runs", n, " using 1:2 with points pt 7 ps 0.55 lc rgb '#77222222'"));
  }
  if (!intervals.empty()) {
    absl::StrAppend(&blocks, "$intervals", n, " << EOD\n", intervals, "EOD\n");
    plots.push_back(
        absl::StrCat("$intervals", n, " using 1:2:3:4 with yerrorbars pt -1 lw 1.8 lc rgb '", look.colour, "'"));
  }
  if (!means.empty()) {
    plots.push_back(
        absl::StrCat("$means", n, " using 1:2 with points pt ", look.point, " ps 0.9 lc rgb '", look.colour, "'"));
  }
  const std::string range = absl::StrCat("[", Exact(axis.low), ":", Exact(axis.high), "]\n");
  const std::string step = Exact(TicStepOf(axis));
  return absl::StrCat(blocks, axis.logarithmic ? "set logscale xy\n" : "unset logscale\n", "set xtics ",
                      axis.logarithmic ? TicList(LogTics(axis, panels.PlotWidth(), true)) : step, "\nset ytics ",
                      axis.logarithmic ? TicList(LogTics(axis, panels.PlotHeight(), false)) : step, "\nset xrange ",
                      range, "set yrange ", range, "unset label\n",
                      panels.Title(index, absl::StrCat("class ", points.label), look.text),
                      panels.XLabel(index, axis.logarithmic ? "trained share, % (log scale)" : "trained share, %"),
                      "plot ", absl::StrJoin(plots, ", \\\n  "), "\n");
}

std::string Csv(const ModelOfJob& model, const std::vector<ClassPoints>& classes) {
  Table table({{"", "model"},
               {"", "bias_point"},
               {"", "class"},
               {"", "trained_share"},
               {"", "what"},
               {"", "run"},
               {"", "share"},
               {"", "sd"},
               {"", "low"},
               {"", "high"}});
  for (const ClassPoints& one : classes) {
    for (const SharePoint& point : one.points) {
      const auto row = [&](const std::string& what, const std::string& run, double share) {
        return std::vector<Cell>{model.model, point.bias_point, absl::StrCat(one.label), Exact(point.trained), what,
                                 run,         Exact(share)};
      };
      std::vector<Cell> mean = row("mean", "", point.generated.mean());
      mean.emplace_back(point.generated.has_sd() ? Exact(point.generated.sd()) : "");
      mean.emplace_back(point.generated.has_low() ? Exact(point.generated.low()) : "");
      mean.emplace_back(point.generated.has_high() ? Exact(point.generated.high()) : "");
      table.AddRow(std::move(mean));
      for (const auto& [run, share] : point.runs) {
        std::vector<Cell> cells = row("run", run, share);
        cells.resize(10, "");
        table.AddRow(std::move(cells));
      }
    }
  }
  return table.ToCsv();
}

std::string Caption(const std::vector<ClassPoints>& classes, Shares shares) {
  bool intervals = false;
  for (const ClassPoints& one : classes) {
    for (const SharePoint& point : one.points) intervals = intervals || point.generated.has_low();
  }
  std::string text =
      "Grey dots: one run (seed) each, moved a little to the left. Large marks: mean over the iterations";
  text += intervals ? " with its 95% interval, cut off where it leaves the panel." : "; one iteration has no interval.";
  text +=
      " Dashed: generated as trained. Above it a class gets more than its share. Axes differ between classes, so do not"
      " compare distances from the dashed lines of different classes; those of a class are the same for all models,"
      " as judged and corrected. On logarithmic axes a share of 0 stands on the lower edge.";
  text += Corrected(shares)
              ? " Corrected for the judge's errors on real images; this supposes that it errs on generated"
                " images as on those."
              : " As judged, without correction.";
  return text;
}

}  // namespace

std::map<int32_t, Axis> ShareAxes(const std::vector<ModelOfJob>& models) {
  std::map<int32_t, ClassPoints> all;
  for (const ModelOfJob& model : models) {
    for (const Shares shares : {Shares::kAsJudged, Shares::kCorrected}) {
      for (ClassPoints& one : PointsOf(model, shares)) {
        std::move(one.points.begin(), one.points.end(), std::back_inserter(all[one.label].points));
      }
    }
  }
  std::map<int32_t, Axis> axes;
  for (const auto& [label, points] : all) axes[label] = AxisOf(points);
  return axes;
}

Figure SharesFigure(const ModelOfJob& model, Shares shares, const std::map<int32_t, Axis>& axes) {
  Figure figure;
  figure.kind = "shares";
  figure.shares = shares;
  figure.title = absl::StrCat("Generated against trained share, ", model.model,
                              Corrected(shares) ? " (corrected)" : " (as judged)");
  const std::vector<ClassPoints> classes = PointsOf(model, shares);
  if (std::all_of(classes.begin(), classes.end(), [](const ClassPoints& one) { return one.points.empty(); })) {
    figure.missing = absl::StrCat("no run of ", model.model, " has a result yet");
    return figure;
  }
  const Panels panels(
      static_cast<int>(classes.size()), classes.size() == 4 ? 2 : 3,
      {.left = 22, .height = 340, .panel_top = 32, .panel_bottom = 56, .panel_left = 46, .panel_right = 14});
  figure.width = panels.width();
  figure.height = panels.height();
  figure.caption = Caption(classes, shares);
  figure.csv = Csv(model, classes);
  figure.script = absl::StrCat(Preamble(), "set multiplot title ", GnuplotText(figure.title), kTitleFont,
                               "\nset grid xtics\nset format '%g'\n");
  for (size_t i = 0; i < classes.size(); ++i) {
    const int index = static_cast<int>(i);
    absl::StrAppend(&figure.script, panels.Place(index), "set ylabel ",
                    GnuplotText(index % panels.columns() == 0 ? "generated share, %" : ""), kTextFont, "\n",
                    PanelScript(classes[i], axes.at(classes[i].label), panels, index));
  }
  figure.script += "unset multiplot\n";
  return figure;
}

}  // namespace skew

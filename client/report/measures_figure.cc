// How real and how varied the generated images are, over the bias points: a panel for each kind of measure.
#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/render/cells.h"
#include "client/render/format.h"
#include "client/render/table.h"
#include "client/report/drawing.h"
#include "client/report/figure.h"
#include "client/report/gnuplot.h"
#include "client/report/measure_panels.h"

namespace skew {
namespace {

constexpr int kColumns = 3;
constexpr int kPlotHeight = 160;  // pixels

Axis AxisOf(const MeasurePanel& panel) {
  std::vector<double> values;
  for (const MeasureSeries& series : panel.series) {
    for (const MeasuredPoint& point : series.points) {
      values.push_back(point.estimate.mean());
      for (const auto& [run, value] : point.runs) values.push_back(value);
    }
  }
  return AxisFor(values, 1.5);
}

// Series stand side by side at every bias point, the runs of each a little to its left.
constexpr double kRoom = 0.62;
double PlaceOf(const MeasuredPoint& point, size_t series, size_t count) {
  return static_cast<double>(point.position) +
         kRoom * ((static_cast<double>(series) + 0.5) / static_cast<double>(count) - 0.5);
}
double PlaceOfRuns(const MeasuredPoint& point, size_t series, size_t count) {
  return PlaceOf(point, series, count) - 0.36 * kRoom / static_cast<double>(std::max<size_t>(count, 3));
}

// The data of one series.
struct SeriesRows {
  std::string line;  // an empty line where a bias point has no mark
  std::string runs;
  std::string intervals;
  std::string filled;
  std::string hollow;
};

SeriesRows RowsOf(const MeasurePanel& panel, size_t index, const Axis& axis) {
  SeriesRows rows;
  const size_t count = panel.series.size();
  size_t next = 0;  // bias point
  for (const MeasuredPoint& point : panel.series[index].points) {
    for (const auto& [run, value] : point.runs) {
      absl::StrAppend(&rows.runs, Exact(PlaceOfRuns(point, index, count)), " ", Exact(axis.Shown(value)), "\n");
    }
    const std::string mean =
        absl::StrCat(Exact(PlaceOf(point, index, count)), " ", Exact(axis.Shown(point.estimate.mean())));
    absl::StrAppend(&rows.line, rows.line.empty() || point.position == next ? "" : "\n", mean, "\n");
    next = point.position + 1;
    absl::StrAppend(point.of_all_runs ? &rows.filled : &rows.hollow, mean, "\n");
    if (!point.estimate.has_low()) continue;
    absl::StrAppend(&rows.intervals, mean, " ", Exact(axis.Shown(point.estimate.low())), " ",
                    Exact(axis.Shown(point.estimate.high())), "\n");
  }
  return rows;
}

// Appends the blocks of one series and the commands that plot them.
void AddSeries(const MeasurePanel& panel, size_t index, const Axis& axis, const std::string& id, std::string& blocks,
               std::vector<std::string>& plots) {
  const Look& look = panel.series[index].look;
  const SeriesRows rows = RowsOf(panel, index, axis);
  const std::string colour = absl::StrCat(" lc rgb '", look.colour, "'");
  const auto add = [&](const char* name, const std::string& block, const std::vector<std::string>& commands) {
    if (block.empty()) return;
    absl::StrAppend(&blocks, "$", name, id, " << EOD\n", block, "EOD\n");
    for (const std::string& command : commands) plots.push_back(absl::StrCat("$", name, id, " using ", command));
  };
  const std::string line = absl::StrCat(" lw 1.2 dt ", look.dash, colour);
  add("m", rows.line, {absl::StrCat("1:2 with lines", line)});
  add("r", rows.runs, {"1:2 with points pt 7 ps 0.4 lc rgb '#77222222'"});
  add("i", rows.intervals, {absl::StrCat("1:2:3:4 with yerrorbars pt -1 lw 1.4", colour)});
  add("f", rows.filled, {absl::StrCat("1:2 with points pt ", look.point, " ps 0.75", colour)});
  add("h", rows.hollow,
      {absl::StrCat("1:2 with points pt ", look.point, " ps 0.75 lc rgb '#ffffff'"),
       absl::StrCat("1:2 with points pt ", HollowPoint(look), " ps 0.75 lw 1.4", colour)});
  plots.push_back(absl::StrCat("keyentry with linespoints pt ", look.point, " ps 0.75", line, " title ",
                               GnuplotText(panel.series[index].name)));
}

// How many names stand in a row of a panel's key.
int KeyColumns(const MeasurePanel& panel, double width) {
  size_t longest = 1;
  for (const MeasureSeries& series : panel.series) longest = std::max(longest, series.name.size());
  return std::max(1, static_cast<int>(width / (45 + kCharacterWidth * static_cast<double>(longest))));
}

int KeyRows(const std::vector<MeasurePanel>& panels, double width) {
  int most = 1;
  for (const MeasurePanel& panel : panels) {
    const int columns = KeyColumns(panel, width);
    most = std::max(most, (static_cast<int>(panel.series.size()) + columns - 1) / columns);
  }
  return most;
}

constexpr int kKeyTop = 26;  // pixels
constexpr int kKeyRow = 19;

std::string PanelText(const MeasurePanel& panel, int index, const Panels& places, const std::string& x_label) {
  const Axis axis = AxisOf(panel);
  std::string script;
  std::vector<std::string> plots;
  for (size_t i = 0; i < panel.series.size(); ++i) {
    AddSeries(panel, i, axis, absl::StrCat(index, "s", i), script, plots);
  }
  absl::StrAppend(&script, "unset label\n", places.Title(index, panel.title),
                  places.Lowest(index) ? places.XLabel(index, x_label) : "", "set key at ",
                  places.At(index, 0.5, kKeyTop), " center top maxcols ", KeyColumns(panel, places.PlotWidth()), "\n");
  if (plots.empty()) {
    absl::StrAppend(&script, "set label 'not measured' at graph 0.5,0.5 center textcolor rgb '", kSoftText, "'\n");
    plots.emplace_back("NaN");
  }
  return absl::StrCat(
      script, axis.logarithmic ? "set logscale y\n" : "unset logscale\n", "set yrange [", Exact(axis.low), ":",
      Exact(axis.high), "]\nset ytics ",
      axis.logarithmic ? TicList(LogTics(axis, places.PlotHeight(), false)) : Exact(TicStep(axis.high, 5)), "\nplot ",
      absl::StrJoin(plots, ", \\\n  "), "\n");
}

// Names of bias points along an axis of so many pixels, aslant or upright where they would run into each other.
struct PointTics {
  std::string script;
  int height = 0;  // pixels
};
PointTics TicsOf(const BiasPointNames& names, double width) {
  std::vector<std::string> tics;
  size_t longest = 0;
  for (size_t i = 0; i < names.names.size(); ++i) {
    tics.push_back(absl::StrCat(GnuplotText(names.names[i]), " ", i));
    longest = std::max(longest, names.names[i].size());
  }
  const double length = kCharacterWidth * static_cast<double>(longest);
  const bool level = length + 6 < width / static_cast<double>(tics.size());
  const bool aslant = longest <= 10;  // longer ones would leave the drawing at its left
  const char* const rotated = level ? "" : aslant ? " rotate by 45 right" : " rotate by 90 right";
  const double height = level ? kTextSize : aslant ? 0.71 * (length + kTextSize) : length;
  return {absl::StrCat("set xtics (", absl::StrJoin(tics, ", "), ")", rotated,
                       "\nset xrange [-0.5:", Exact(static_cast<double>(tics.size()) - 0.5), "]\n"),
          static_cast<int>(height) + 14};
}

std::string Csv(const ModelOfJob& model, const std::vector<MeasurePanel>& panels) {
  Table table({{"", "model"},
               {"", "bias_point"},
               {"", "class"},
               {"", "measure"},
               {"", "what"},
               {"", "run"},
               {"", "value"},
               {"", "sd"},
               {"", "low"},
               {"", "high"}});
  for (const MeasurePanel& panel : panels) {
    for (const MeasureSeries& series : panel.series) {
      for (const MeasuredPoint& point : series.points) {
        const std::string counts = CountsText(model.cells[point.position]->bias_point().counts());
        const std::string label = series.label.has_value() ? absl::StrCat(*series.label) : "";
        const v1::Estimate& estimate = point.estimate;
        table.AddRow({model.model, counts, label, series.measure, "mean", "", Exact(estimate.mean()),
                      ExactIf(estimate.has_sd(), estimate.sd()), ExactIf(estimate.has_low(), estimate.low()),
                      ExactIf(estimate.has_high(), estimate.high())});
        for (const auto& [run, value] : point.runs) {
          table.AddRow({model.model, counts, label, series.measure, "run", run, Exact(value), "", "", ""});
        }
      }
    }
  }
  return table.ToCsv();
}

constexpr char kCaption[] =
    "Grey dots: one run (seed) each. Marks: mean over the iterations with its 95% interval, where there are at least"
    " two, cut off where it leaves the panel. The keys of panels within classes name the classes. Frechet distance: 0 "
    "is best; of all images from real ones in the training"
    " proportions (as trained) and with all classes equally frequent (balanced), within classes from real ones of the"
    " class. Precision, density: how far generated images lie among real ones; recall, coverage: how many real ones"
    " they reach; 5,000 real images, no two the same, would have nearly 1 of all four. Vendi score: effective number of"
    " different images; real: that of as many images of the training split, no two the same. Axes are logarithmic where"
    " values span decades.";
// Below the figure of the null arm.
constexpr char kRepeats[] =
    " This model draws real images again and again from the held-out half of the test split: many of those measured are"
    " the same, which keeps its recall, coverage and Vendi score below those of as many different real images, and its"
    " Frechet distance above.";

// Why a class has no mark, or one that is not of all runs (see ImageMeasures.classes in run.proto).
constexpr char kNoMark[] = " No mark of a class: no run had 500 accepted images of it.";
constexpr char kHollow[] = " Hollow marks: not all runs had that many; where only one had, there is no interval.";

std::string Caption(const ModelOfJob& model, const std::vector<MeasurePanel>& panels) {
  std::set<std::pair<size_t, int32_t>> marked;  // bias point, class
  bool hollow = false;
  for (const MeasurePanel& panel : panels) {
    for (const MeasureSeries& series : panel.series) {
      for (const MeasuredPoint& point : series.points) {
        hollow = hollow || !point.of_all_runs;
        if (series.label.has_value()) marked.emplace(point.position, *series.label);
      }
    }
  }
  bool no_mark = false;
  for (size_t i = 0; i < model.cells.size(); ++i) {
    if (model.cells[i]->image_measures().empty()) continue;
    for (const v1::ClassResult& one : model.cells[i]->classes()) {
      no_mark = no_mark || !marked.contains({i, one.class_()});
    }
  }
  return absl::StrCat(kCaption, no_mark ? kNoMark : "", hollow ? kHollow : "", Trains(model) ? "" : kRepeats);
}

}  // namespace

Figure MeasuresFigure(const ModelOfJob& model) {
  Figure figure;
  figure.kind = "measures";
  figure.title = absl::StrCat("How real and how varied the images are, ", model.model);
  const std::vector<MeasurePanel> panels = MeasurePanelsOf(model);
  if (std::all_of(panels.begin(), panels.end(), [](const MeasurePanel& panel) { return panel.series.empty(); })) {
    figure.missing = absl::StrCat("no image of ", model.model, " was measured");
    return figure;
  }
  const BiasPointNames names = NamesOf(model.cells);
  PanelSpace space{.foot = 24, .panel_left = 52, .panel_right = 16};
  const int width = kDrawingWidth / kColumns - space.panel_left - space.panel_right;
  const PointTics tics = TicsOf(names, width);
  space.panel_top = kKeyTop + kKeyRow * KeyRows(panels, width) + 8;
  space.panel_bottom = tics.height;
  space.height = space.panel_top + kPlotHeight + space.panel_bottom;
  const Panels places(static_cast<int>(panels.size()), kColumns, space);
  figure.width = places.width();
  figure.height = places.height();
  figure.caption = Caption(model, panels);
  figure.csv = Csv(model, panels);
  const std::string x_label =
      names.axis == "bias point" ? "bias point (class:count)" : absl::StrCat("training images of ", names.axis);
  figure.script = absl::StrCat(Preamble(), "set multiplot title ", GnuplotText(figure.title), kTitleFont,
                               "\nset format y '%g'\nset key on noautotitle horizontal reverse Left samplen 1.6",
                               kTextFont, "\n", tics.script);
  for (size_t i = 0; i < panels.size(); ++i) {
    const int index = static_cast<int>(i);
    absl::StrAppend(&figure.script, places.Place(index), PanelText(panels[i], index, places, x_label));
  }
  figure.script += "unset multiplot\n";
  return figure;
}

}  // namespace skew

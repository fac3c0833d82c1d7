// How real and how varied the generated images are, over the bias points: a panel for each kind of measure.
#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
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
#include "common/image_measure_results.h"

namespace skew {
namespace {

// A measure at one bias point.
struct MeasuredPoint {
  size_t position = 0;  // of the bias point
  v1::Estimate estimate;
  std::vector<std::pair<std::string, double>> runs;
};
struct MeasureSeries {
  std::string measure;
  std::optional<int32_t> label;  // absent: of all images
  std::string name;              // at the end of its line
  Look look;
  std::vector<MeasuredPoint> points;
};
struct MeasurePanel {
  std::string title;
  std::vector<MeasureSeries> series;
};

// Measures that are not of classes have no class's colour.
const Look kFirstLook = {"#222222", 7, 1};
const Look kSecondLook = {"#707070", 6, 2};

// What stands beside each other in a panel: one or two measures of all images, or one of every class.
struct PanelPlan {
  const char* title;
  bool of_classes;
  std::vector<std::pair<const char*, const char*>> measures;  // and their names
};
const std::vector<PanelPlan>& PanelPlans() {
  static const auto* const kPlans = new std::vector<PanelPlan>{
      {"Frechet distance, all images", false, {{"frechet", "as trained"}, {"frechet_balanced", "balanced"}}},
      {"Frechet distance within classes", true, {{"frechet", ""}}},
      {"Vendi score within classes", true, {{"vendi", ""}}},
      {"precision and recall", false, {{"precision", "precision"}, {"recall", "recall"}}},
      {"density and coverage", false, {{"density", "density"}, {"coverage", "coverage"}}},
      {"Vendi score, all images", false, {{"vendi", "generated"}, {"real_vendi", "real"}}}};
  return *kPlans;
}

const v1::MeasureResult* MeasureIn(const v1::ResultCell& cell, const std::string& measure,
                                   std::optional<int32_t> label) {
  for (const v1::MeasureResult& one : cell.image_measures()) {
    if (one.measure() == measure && one.has_class_() == label.has_value() && one.class_() == label.value_or(0)) {
      return &one;
    }
  }
  return nullptr;
}

// The value of every run of the cell that has it: what one run comes to is its own mean.
std::vector<std::pair<std::string, double>> RunValues(const ModelOfJob& model, const v1::ResultCell& cell,
                                                      const MeasureSeries& series) {
  std::vector<std::pair<std::string, double>> values;
  for (const v1::RunResult& result : cell.runs()) {
    const auto run = std::find_if(model.job->runs.begin(), model.job->runs.end(),
                                  [&](const v1::Run& one) { return one.id() == result.run_id(); });
    if (run == model.job->runs.end()) continue;
    v1::ResultCell alone;
    for (v1::MeasureResult& one : MeasureResultsOf({&*run})) *alone.add_image_measures() = std::move(one);
    const v1::MeasureResult* measured = MeasureIn(alone, series.measure, series.label);
    if (measured != nullptr) values.emplace_back(run->id(), measured->estimate().mean());
  }
  return values;
}

void AddPoints(const ModelOfJob& model, MeasureSeries& series) {
  for (size_t i = 0; i < model.cells.size(); ++i) {
    const v1::MeasureResult* measured = MeasureIn(*model.cells[i], series.measure, series.label);
    if (measured == nullptr) continue;
    series.points.push_back({i, measured->estimate(), RunValues(model, *model.cells[i], series)});
  }
}

MeasurePanel PanelOf(const ModelOfJob& model, const PanelPlan& plan) {
  MeasurePanel panel{plan.title, {}};
  if (plan.of_classes) {
    for (const v1::ClassResult& one : model.cells.front()->classes()) {
      panel.series.push_back(
          {plan.measures[0].first, one.class_(), absl::StrCat("class ", one.class_()), LookOfClass(one.class_()), {}});
    }
  } else {
    for (const auto& [measure, name] : plan.measures) {
      panel.series.push_back({measure, std::nullopt, name, panel.series.empty() ? kFirstLook : kSecondLook, {}});
    }
  }
  for (MeasureSeries& series : panel.series) AddPoints(model, series);
  std::erase_if(panel.series, [](const MeasureSeries& series) { return series.points.empty(); });
  return panel;
}

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

// Appends the data of one series and the commands that plot it.
void AddSeries(const MeasurePanel& panel, size_t index, const Axis& axis, const std::string& id, std::string& blocks,
               std::vector<std::string>& plots) {
  const MeasureSeries& series = panel.series[index];
  std::string runs;
  std::string means;
  std::string intervals;
  for (const MeasuredPoint& point : series.points) {
    for (const auto& [run, value] : point.runs) {
      absl::StrAppend(&runs, Exact(PlaceOfRuns(point, index, panel.series.size())), " ", Exact(axis.Shown(value)),
                      "\n");
    }
    const std::string mean =
        absl::StrCat(Exact(PlaceOf(point, index, panel.series.size())), " ", Exact(axis.Shown(point.estimate.mean())));
    absl::StrAppend(&means, mean, "\n");
    if (!point.estimate.has_low()) continue;
    absl::StrAppend(&intervals, mean, " ", Exact(axis.Shown(point.estimate.low())), " ",
                    Exact(axis.Shown(point.estimate.high())), "\n");
  }
  const std::string colour = absl::StrCat("lc rgb '", series.look.colour, "'");
  absl::StrAppend(&blocks, "$m", id, " << EOD\n", means, "EOD\n");
  plots.push_back(absl::StrCat("$m", id, " using 1:2 with lines lw 1.2 dt ", series.look.dash, " ", colour));
  if (!runs.empty()) {
    absl::StrAppend(&blocks, "$r", id, " << EOD\n", runs, "EOD\n");
    plots.push_back(absl::StrCat("$r", id, " using 1:2 with points pt 7 ps 0.4 lc rgb '#77222222'"));
  }
  if (!intervals.empty()) {
    absl::StrAppend(&blocks, "$i", id, " << EOD\n", intervals, "EOD\n");
    plots.push_back(absl::StrCat("$i", id, " using 1:2:3:4 with yerrorbars pt -1 lw 1.4 ", colour));
  }
  plots.push_back(absl::StrCat("$m", id, " using 1:2 with points pt ", series.look.point, " ps 0.9 ", colour));
}

std::string EndNames(const MeasurePanel& panel, const Axis& axis, int plot_height) {
  std::vector<double> ends;
  for (const MeasureSeries& series : panel.series) {
    ends.push_back(axis.Place(axis.Shown(series.points.back().estimate.mean())));
  }
  const std::vector<double> places = Spread(ends, 17.0 / plot_height);
  std::string script;
  for (size_t i = 0; i < places.size(); ++i) {
    absl::StrAppend(&script, "set label ", GnuplotText(panel.series[i].name), " at graph 1.02,", Fixed(places[i], 4),
                    " left font ',12' textcolor rgb '", panel.series[i].look.colour, "'\n");
  }
  return script;
}

std::string PanelText(const MeasurePanel& panel, size_t index, int plot_height) {
  const Axis axis = AxisOf(panel);
  std::string blocks;
  std::vector<std::string> plots;
  for (size_t i = 0; i < panel.series.size(); ++i) {
    AddSeries(panel, i, axis, absl::StrCat(index, "s", i), blocks, plots);
  }
  std::string script = absl::StrCat("set title ", GnuplotText(panel.title), " font ',13' offset 0,-0.6\nunset label\n");
  if (plots.empty()) {
    script += "set label 'not measured' at graph 0.5,0.5 center textcolor rgb '#666666'\n";
    plots.emplace_back("NaN");
  }
  return absl::StrCat(blocks, script, EndNames(panel, axis, plot_height),
                      axis.logarithmic ? "set logscale y\n" : "unset logscale\n", "set yrange [", Exact(axis.low), ":",
                      Exact(axis.high), "]\nplot ", absl::StrJoin(plots, ", \\\n  "), "\n");
}

// Names of bias points, upright where they would run into each other.
std::string Tics(const BiasPointNames& names, double width) {
  std::vector<std::string> tics;
  size_t longest = 0;
  for (size_t i = 0; i < names.names.size(); ++i) {
    tics.push_back(absl::StrCat(GnuplotText(names.names[i]), " ", i));
    longest = std::max(longest, names.names[i].size());
  }
  const bool upright = 7.5 * static_cast<double>(longest) > width / static_cast<double>(tics.size());
  return absl::StrCat("set xtics (", absl::StrJoin(tics, ", "), ")", upright ? " rotate by 45 right" : "",
                      "\nset xrange [-0.5:", Exact(static_cast<double>(tics.size()) - 0.5), "]\n");
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
    " two, cut off where it leaves the panel. Frechet distance: 0 is best; of all images from real ones in the training"
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

}  // namespace

Figure MeasuresFigure(const ModelOfJob& model) {
  Figure figure;
  figure.kind = "measures";
  figure.title = absl::StrCat("How real and how varied the images are, ", model.model);
  std::vector<MeasurePanel> panels;
  for (const PanelPlan& plan : PanelPlans()) panels.push_back(PanelOf(model, plan));
  if (std::all_of(panels.begin(), panels.end(), [](const MeasurePanel& panel) { return panel.series.empty(); })) {
    figure.missing = absl::StrCat("no image of ", model.model, " was measured");
    return figure;
  }
  const Panels places(static_cast<int>(panels.size()), 3, 960, 270, 84);
  const BiasPointNames names = NamesOf(model.cells);
  figure.width = places.width();
  figure.height = places.height();
  figure.caption = absl::StrCat(kCaption, Trains(model) ? "" : kRepeats);
  figure.csv = Csv(model, panels);
  figure.script =
      absl::StrCat(Preamble(), "set multiplot title ", GnuplotText(figure.title), " font ',15'\nset format y '%g'\n",
                   Tics(names, static_cast<double>(places.width()) / 3 - 150), "set xlabel ",
                   GnuplotText(names.axis == "bias point" ? "bias point (class:count)"
                                                          : absl::StrCat("training images of ", names.axis)),
                   " font ',12' offset 0,0.4\n");
  for (size_t i = 0; i < panels.size(); ++i) {
    absl::StrAppend(&figure.script, places.Place(static_cast<int>(i)), PanelText(panels[i], i, places.PlotHeight()));
  }
  figure.script += "unset multiplot\n";
  return figure;
}

}  // namespace skew

// The figure of the study: bars of generated class counts at every bias point.
#include <algorithm>
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
#include "common/results.h"

namespace skew {
namespace {

constexpr int kCountsWidth = 960;
constexpr int kCountsHeight = 430;
constexpr double kClusterWidth = 0.86;    // of the distance between bias points
constexpr double kRoomForNumbers = 1.18;  // what the axis is longer than the highest bar

struct ClassBar {
  double x = 0;  // middle of the class's place, in bias points
  int32_t label = 0;
  double trained = 0;  // what the trained proportions give for as many images
  v1::Estimate generated;
};

int64_t AcceptedIn(const v1::RunResult& run) {
  int64_t accepted = 0;
  for (const v1::RunClassResult& each : run.classes()) accepted += each.images();
  return accepted;
}

// Images of a class in a run, as judged or corrected.
double ImagesOf(const v1::RunResult& run, int c, Shares shares) {
  const v1::RunClassResult& one = run.classes(c);
  return shares == Shares::kAsJudged ? one.images() : one.corrected() * static_cast<double>(AcceptedIn(run));
}

std::vector<ClassBar> BarsOf(const v1::ResultCell& cell, int position, Shares shares) {
  std::vector<ClassBar> bars;
  const int classes = cell.classes_size();
  int64_t accepted = 0;
  for (const v1::RunResult& run : cell.runs()) accepted += AcceptedIn(run);
  for (int c = 0; c < classes && !cell.runs().empty(); ++c) {
    if (shares == Shares::kCorrected && !cell.classes(c).has_corrected()) continue;
    std::vector<double> images;
    for (const v1::RunResult& run : cell.runs()) images.push_back(ImagesOf(run, c, shares));
    ClassBar& bar = bars.emplace_back();
    bar.x = position - kClusterWidth / 2 + kClusterWidth * (c + 0.5) / classes;
    bar.label = cell.classes(c).class_();
    bar.trained = cell.classes(c).trained_share() * static_cast<double>(accepted) / cell.runs_size();
    bar.generated = EstimateOf(images);
  }
  return bars;
}

// Upper end of the generated bar with its whisker.
double Top(const ClassBar& bar) { return bar.generated.mean() + bar.generated.sd(); }

std::string BarRow(double from, double to, double height) {
  return absl::StrCat(Exact((from + to) / 2), " ", Exact(height), " ", Exact(from), " ", Exact(to), " 0 ",
                      Exact(height), "\n");
}

// The bars of one class, and their whiskers, as blocks and plot commands.
struct ClassBars {
  std::string trained;
  std::string generated;
  std::string whiskers;
};

void AddBar(const ClassBar& bar, double width, ClassBars& bars) {
  const double left = bar.x - 0.46 * width;
  const double middle = bar.x - 0.02 * width;
  const double right = bar.x + 0.42 * width;
  bars.trained += BarRow(left, middle, bar.trained);
  bars.generated += BarRow(middle, right, bar.generated.mean());
  if (!bar.generated.has_sd()) return;
  const double mean = bar.generated.mean();
  absl::StrAppend(&bars.whiskers, Exact((middle + right) / 2), " ", Exact(mean), " ",
                  Exact(std::max(0.0, mean - bar.generated.sd())), " ", Exact(Top(bar)), "\n");
}

std::string ValueLabel(const ClassBar& bar, double width, bool upright) {
  const std::string text = Fixed(bar.generated.mean(), bar.generated.mean() < 10 ? 1 : 0);
  return absl::StrCat("set label ", GnuplotText(text), " at first ", Exact(bar.x + 0.24 * width), ", first ",
                      Exact(Top(bar)), upright ? " left rotate by 90 offset 0,0.4" : " center offset 0,0.6",
                      " font ',11'\n");
}

std::string AxisLabels(const std::vector<const v1::ResultCell*>& cells, const BiasPointNames& names) {
  std::string script;
  for (size_t i = 0; i < cells.size(); ++i) {
    const int classes = cells[i]->classes_size();
    const double x = static_cast<double>(i + 1);
    for (int c = 0; c < classes; ++c) {
      const int32_t label = cells[i]->classes(c).class_();
      absl::StrAppend(&script, "set label '", label, "' at first ",
                      Exact(x - kClusterWidth / 2 + kClusterWidth * (c + 0.5) / classes),
                      ", graph 0 center offset 0,-0.8 font ',12' textcolor rgb '", LookOfClass(label).colour, "'\n");
    }
    absl::StrAppend(&script, "set label ", GnuplotText(names.names[i]), " at first ", Exact(x),
                    ", graph 0 center offset 0,-2 font ',13'\n");
    if (cells[i]->runs().empty()) {
      absl::StrAppend(&script, "set label 'no result yet' at first ", Exact(x),
                      ", graph 0.03 left rotate by 90 textcolor rgb '#666666'\n");
    }
  }
  return script;
}

std::string XLabel(const BiasPointNames& names) {
  const std::string what =
      names.axis == "bias point" ? "training images (class:count)" : absl::StrCat("training images of ", names.axis);
  return names.fixed.empty() ? what : absl::StrCat(what, "  (", names.fixed, ")");
}

std::string Csv(const ModelOfJob& model, const std::vector<std::vector<ClassBar>>& points) {
  Table table({{"", "model"},
               {"", "bias_point"},
               {"", "class"},
               {"", "trained_images"},
               {"", "trained_share"},
               {"", "images_at_trained_share"},
               {"", "generated_mean"},
               {"", "generated_sd"},
               {"", "runs"}});
  for (size_t i = 0; i < points.size(); ++i) {
    const v1::ResultCell& cell = *model.cells[i];
    for (const ClassBar& bar : points[i]) {
      const auto one = std::find_if(cell.classes().begin(), cell.classes().end(),
                                    [&](const v1::ClassResult& each) { return each.class_() == bar.label; });
      table.AddRow({model.model, CountsText(cell.bias_point().counts()), absl::StrCat(bar.label),
                    absl::StrCat(one->trained_images()), Exact(one->trained_share()), Exact(bar.trained),
                    Exact(bar.generated.mean()), bar.generated.has_sd() ? Exact(bar.generated.sd()) : "",
                    absl::StrCat(cell.runs_size())});
    }
  }
  return table.ToCsv();
}

std::string Caption(bool any_sd, bool any_below_zero, Shares shares) {
  std::string text = "Solid: images judged to be of the class, mean over the iterations (number above)";
  absl::StrAppend(
      &text, any_sd ? " ± one standard deviation (whisker" : "; with one iteration there is no deviation.",
      any_below_zero ? ", from 0 where that would begin below)."
      : any_sd       ? ")."
                     : "",
      " Hollow: what the trained proportions give for the same number of accepted images. Coloured digits are"
      " the classes, the counts below them those of the training set.");
  text += " All figures of class counts here have this axis.";
  if (shares == Shares::kCorrected) text += " Corrected for the judge's errors on real images.";
  return text;
}

std::string BarScript(const ModelOfJob& model, const std::vector<std::vector<ClassBar>>& points) {
  const BiasPointNames names = NamesOf(model.cells);
  const double width = kClusterWidth / std::max(1, model.cells.front()->classes_size());
  const bool upright = width / static_cast<double>(points.size()) * (kCountsWidth - 100) < 44;
  std::map<int32_t, ClassBars> bars;
  std::string script = AxisLabels(model.cells, names);
  for (const std::vector<ClassBar>& point : points) {
    for (const ClassBar& bar : point) {
      AddBar(bar, width, bars[bar.label]);
      script += ValueLabel(bar, width, upright);
    }
  }
  std::vector<std::string> plots;
  for (const auto& [label, one] : bars) {
    const std::string colour = LookOfClass(label).colour;
    absl::StrAppend(&script, "$t", label, " << EOD\n", one.trained, "EOD\n$g", label, " << EOD\n", one.generated,
                    "EOD\n");
    plots.push_back(absl::StrCat("$t", label, " using 1:2:3:4:5:6 with boxxyerror lc rgb '", colour,
                                 "' lw 1.2 fs transparent solid 0.12 border lc rgb '", colour, "' notitle"));
    plots.push_back(absl::StrCat("$g", label, " using 1:2:3:4:5:6 with boxxyerror fs solid 0.9 noborder lc rgb '",
                                 colour, "' notitle"));
    if (one.whiskers.empty()) continue;
    absl::StrAppend(&script, "$w", label, " << EOD\n", one.whiskers, "EOD\n");
    plots.push_back(absl::StrCat("$w", label, " using 1:3:(0):($4-$3) with vectors heads size graph 0.005,90 nofilled",
                                 " lc rgb '#222222' lw 1.3 notitle"));
  }
  plots.emplace_back(
      "keyentry with boxes lc rgb '#555555' fs transparent solid 0.12 border lc rgb '#555555' title 'trained "
      "proportions'");
  plots.emplace_back("keyentry with boxes fs solid 0.9 lc rgb '#555555' title 'generated'");
  return absl::StrCat(script, "plot ", absl::StrJoin(plots, ", \\\n  "), "\n");
}

}  // namespace

double MostImages(const ModelOfJob& model, Shares shares) {
  double most = 0;
  for (const v1::ResultCell* cell : model.cells) {
    for (const ClassBar& bar : BarsOf(*cell, 0, shares)) most = std::max({most, bar.trained, Top(bar)});
  }
  return most;
}

Figure CountsFigure(const ModelOfJob& model, Shares shares, double most_images) {
  Figure figure;
  figure.kind = "counts";
  figure.shares = shares;
  figure.title = absl::StrCat("Generated class counts, ", model.model,
                              shares == Shares::kCorrected ? " (corrected)" : " (as judged)");
  std::vector<std::vector<ClassBar>> points;
  bool any = false;
  bool any_sd = false;
  bool any_below_zero = false;
  for (const v1::ResultCell* cell : model.cells) {
    points.push_back(BarsOf(*cell, static_cast<int>(points.size()) + 1, shares));
    for (const ClassBar& bar : points.back()) {
      any = true;
      any_sd = any_sd || bar.generated.has_sd();
      any_below_zero = any_below_zero || bar.generated.mean() < bar.generated.sd();
    }
  }
  if (!any) {
    figure.missing = absl::StrCat("no run of ", model.model, " has a result yet");
    return figure;
  }
  figure.width = kCountsWidth;
  figure.height = kCountsHeight;
  figure.caption = Caption(any_sd, any_below_zero, shares);
  figure.csv = Csv(model, points);
  figure.script = absl::StrCat(
      Preamble(), "set title ", GnuplotText(figure.title), " font ',15' offset 0,0.3\n",
      "set key outside above right horizontal reverse Left font ',12' samplen 1.5\n",
      "set yrange [0:", Exact(kRoomForNumbers * most_images),
      "]\nset format y '%.0f'\nset xrange [0.45:", Exact(static_cast<double>(points.size()) + 0.55),
      "]\nunset xtics\nset bmargin 5\nset lmargin 9\n", "set ylabel 'images of the class' font ',13'\n", "set xlabel ",
      GnuplotText(XLabel(NamesOf(model.cells))), " font ',13' offset 0,-2.4\n", BarScript(model, points));
  return figure;
}

}  // namespace skew

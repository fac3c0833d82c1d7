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

// Pixels: the drawing, and in it the plotting area and the rows of text around it.
constexpr int kCountsHeight = 480;
constexpr int kTitleRow = 20;
constexpr int kKeyLine = 50;
constexpr int kPlotTop = 70;
constexpr int kPlotBottom = 370;
constexpr int kClassRow = 386;
constexpr int kTrainedRow = 408;
constexpr int kCountedRow = 430;
constexpr int kPlotLeft = 88;
constexpr int kPlotRight = 948;

constexpr double kClusterWidth = 0.86;   // of the distance between bias points
constexpr double kRoomForNumbers = 1.2;  // what the axis is longer than the highest bar

struct ClassBar {
  double x = 0;  // middle of the class's place, in bias points
  int32_t label = 0;
  double trained = 0;  // what the training proportions give for as many images
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

// Mean over the runs of a cell: how many images were judged, and how many of them are of the job's classes.
struct CountedImages {
  double images = 0;
  double accepted = 0;
};

CountedImages CountedIn(const ModelOfJob& model, const v1::ResultCell& cell) {
  CountedImages counted;
  for (const v1::RunResult& result : cell.runs()) {
    const auto run = std::find_if(model.job->runs.begin(), model.job->runs.end(),
                                  [&](const v1::Run& one) { return one.id() == result.run_id(); });
    if (run != model.job->runs.end()) counted.images += run->histogram().images();
    counted.accepted += static_cast<double>(AcceptedIn(result));
  }
  if (cell.runs().empty()) return counted;
  return {counted.images / cell.runs_size(), counted.accepted / cell.runs_size()};
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

// How the numbers above the bars of one figure stand.
enum class Numbers { kLevel, kUpright, kNone };

// `slot`: pixels for a class at a bias point, of which a bar has less than half.
Numbers NumbersFor(double slot) {
  if (slot < 1.85 * kTextSize) return Numbers::kNone;  // they would stand in the next bar
  return slot < 5 * kCharacterWidth ? Numbers::kUpright : Numbers::kLevel;
}

double Slot(const ModelOfJob& model) {
  const int classes = std::max(1, model.cells.front()->classes_size());
  return (kPlotRight - kPlotLeft) * kClusterWidth / classes / (static_cast<double>(model.cells.size()) + 0.1);
}

std::string ValueLabel(const ClassBar& bar, double width, Numbers numbers) {
  if (numbers == Numbers::kNone) return "";
  const std::string text = Fixed(bar.generated.mean(), bar.generated.mean() < 10 ? 1 : 0);
  return absl::StrCat(
      "set label ", GnuplotText(text), " at first ", Exact(bar.x + 0.26 * width), ", first ", Exact(Top(bar)),
      numbers == Numbers::kUpright ? " left rotate by 90 offset 0,0.4" : " center offset 0,0.6", kTextFont, "\n");
}

// `x`: a coordinate for gnuplot; `row`: pixels from the top.
std::string RowLabel(const std::string& text, const std::string& x, int row, const std::string& options) {
  return absl::StrCat("set label ", GnuplotText(text), " at ", x, ", screen ",
                      Fixed(1 - static_cast<double>(row) / kCountsHeight, 4), " ", options, kTextFont, "\n");
}

// "8967 of 10000", or "90%" where there is no room for that.
std::string CountedText(const CountedImages& counted, size_t points) {
  if (counted.images <= 0) return "";
  std::string text = absl::StrCat(Fixed(counted.accepted, 0), " of ", Fixed(counted.images, 0));
  const double room = static_cast<double>(kPlotRight - kPlotLeft) / (static_cast<double>(points) + 0.1);
  if (kCharacterWidth * static_cast<double>(text.size()) < room) return text;
  return absl::StrCat(Fixed(100 * counted.accepted / counted.images, 0), "%");
}

// A table below the axis, with a column for each bias point.
std::string AxisLabels(const ModelOfJob& model, const BiasPointNames& names) {
  const std::string heading = absl::StrCat("screen ", Fixed((kPlotLeft - 4.0) / kDrawingWidth, 4));
  std::string script;
  for (const auto& [text, row] :
       {std::pair("class", kClassRow), std::pair("trained", kTrainedRow), std::pair("counted", kCountedRow)}) {
    script += RowLabel(text, heading, row, absl::StrCat("right textcolor rgb '", kSoftText, "'"));
  }
  for (size_t i = 0; i < model.cells.size(); ++i) {
    const v1::ResultCell& cell = *model.cells[i];
    const int classes = cell.classes_size();
    const double x = static_cast<double>(i + 1);
    for (int c = 0; c < classes; ++c) {
      const double middle = x - kClusterWidth / 2 + kClusterWidth * (c + 0.5) / classes;
      const int32_t label = cell.classes(c).class_();
      script += RowLabel(absl::StrCat(label), absl::StrCat("first ", Exact(middle)), kClassRow,
                         absl::StrCat("center textcolor rgb '", LookOfClass(label).text, "'"));
    }
    script += RowLabel(names.names[i], absl::StrCat("first ", Exact(x)), kTrainedRow, "center");
    script += RowLabel(CountedText(CountedIn(model, cell), model.cells.size()), absl::StrCat("first ", Exact(x)),
                       kCountedRow, "center");
    if (cell.runs().empty()) {
      absl::StrAppend(&script, "set label 'no result yet' at first ", Exact(x),
                      ", graph 0.03 left rotate by 90 textcolor rgb '", kSoftText, "'\n");
    }
  }
  return script;
}

std::string XLabel(const BiasPointNames& names) {
  const std::string what = names.axis == "bias point" ? "trained: images of the training set (class:count)"
                                                      : absl::StrCat("trained: images of ", names.axis);
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
               {"", "runs"},
               {"", "counted_images_mean"},
               {"", "judged_images_mean"}});
  for (size_t i = 0; i < points.size(); ++i) {
    const v1::ResultCell& cell = *model.cells[i];
    const CountedImages counted = CountedIn(model, cell);
    for (const ClassBar& bar : points[i]) {
      const auto one = std::find_if(cell.classes().begin(), cell.classes().end(),
                                    [&](const v1::ClassResult& each) { return each.class_() == bar.label; });
      table.AddRow({model.model, CountsText(cell.bias_point().counts()), absl::StrCat(bar.label),
                    absl::StrCat(one->trained_images()), Exact(one->trained_share()), Exact(bar.trained),
                    Exact(bar.generated.mean()), bar.generated.has_sd() ? Exact(bar.generated.sd()) : "",
                    absl::StrCat(cell.runs_size()), Exact(counted.accepted), Exact(counted.images)});
    }
  }
  return table.ToCsv();
}

std::string Caption(bool numbers, bool any_sd, bool any_below_zero, Shares shares) {
  std::string text = absl::StrCat("Solid: images judged to be of the class, mean over the iterations",
                                  numbers ? " (number above)" : "");
  absl::StrAppend(
      &text, any_sd ? " ± one standard deviation (whisker" : "; with one iteration there is no deviation.",
      any_below_zero ? ", from 0 where that would begin below)."
      : any_sd       ? ")."
                     : "",
      " Hollow: as many of the counted images as the training proportions give, no numbers of training images; those"
      " are in the row \"trained\". Counted: generated images that are accepted as one of the classes, mean; the others"
      " are rejected or of other classes.");
  text += " All figures of class counts here have this axis.";
  if (shares == Shares::kCorrected) text += " Corrected for the judge's errors on real images.";
  return text;
}

std::string BarScript(const ModelOfJob& model, const std::vector<std::vector<ClassBar>>& points) {
  const BiasPointNames names = NamesOf(model.cells);
  const double width = kClusterWidth / std::max(1, model.cells.front()->classes_size());
  const Numbers numbers = NumbersFor(Slot(model));
  std::map<int32_t, ClassBars> bars;
  std::string script = AxisLabels(model, names);
  for (const std::vector<ClassBar>& point : points) {
    for (const ClassBar& bar : point) {
      AddBar(bar, width, bars[bar.label]);
      script += ValueLabel(bar, width, numbers);
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
  return absl::StrCat(script, "plot ", absl::StrJoin(plots, ", \\\n  "), "\n");
}

// Below the title. As labels and boxes: gnuplot's own key stands in another place in SVG, and in two rows.
std::string KeyScript(bool any_sd) {
  constexpr int kBoxWidth = 26;
  constexpr int kBoxHeight = 12;
  constexpr int kSpace = 8;
  const std::vector<std::pair<std::string, std::string>> entries = {
      {"expected from the training proportions", "fs transparent solid 0.12 border lc rgb '#555555'"},
      {any_sd ? "generated (mean ± sd)" : "generated", "fs solid 0.9 noborder"}};
  const auto length = [](const std::string& text) { return kCharacterWidth * static_cast<double>(text.size()); };
  double x = kDrawingWidth / 2.0 - kBoxWidth - 3 * kSpace - (length(entries[0].first) + length(entries[1].first)) / 2;
  std::string script;
  for (const auto& [text, fill] : entries) {
    const std::string y = Fixed(1 - static_cast<double>(kKeyLine) / kCountsHeight, 4);
    absl::StrAppend(&script, "set object rectangle center screen ", Fixed((x + kBoxWidth / 2.0) / kDrawingWidth, 4),
                    ", ", y, " size screen ", Fixed(static_cast<double>(kBoxWidth) / kDrawingWidth, 4), ", ",
                    Fixed(static_cast<double>(kBoxHeight) / kCountsHeight, 4), " fc rgb '#555555' ", fill, "\n");
    x += kBoxWidth + kSpace;
    script += RowLabel(text, absl::StrCat("screen ", Fixed(x / kDrawingWidth, 4)), kKeyLine, "left");
    x += length(text) + 4 * kSpace;
  }
  return script;
}

std::string Margins() {
  return absl::StrCat("set lmargin at screen ", Fixed(static_cast<double>(kPlotLeft) / kDrawingWidth, 4),
                      "\nset rmargin at screen ", Fixed(static_cast<double>(kPlotRight) / kDrawingWidth, 4),
                      "\nset tmargin at screen ", Fixed(1 - static_cast<double>(kPlotTop) / kCountsHeight, 4),
                      "\nset bmargin at screen ", Fixed(1 - static_cast<double>(kPlotBottom) / kCountsHeight, 4), "\n");
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
  figure.width = kDrawingWidth;
  figure.height = kCountsHeight;
  figure.caption = Caption(NumbersFor(Slot(model)) != Numbers::kNone, any_sd, any_below_zero, shares);
  figure.csv = Csv(model, points);
  figure.script = absl::StrCat(
      Preamble(), Margins(), "set label ", GnuplotText(figure.title), " at screen 0.5, screen ",
      Fixed(1 - static_cast<double>(kTitleRow) / kCountsHeight, 4), " center", kTitleFont, "\n", KeyScript(any_sd),
      "set yrange [0:", Exact(kRoomForNumbers * most_images),
      "]\nset format y '%.0f'\nset xrange [0.45:", Exact(static_cast<double>(points.size()) + 0.55),
      "]\nunset xtics\nset ylabel 'generated images of the class'", kTextFont, "\n",
      RowLabel(XLabel(NamesOf(model.cells)), "graph 0.5", kCountedRow + 26, "center"), BarScript(model, points));
  return figure;
}

}  // namespace skew

#include "client/report/small_multiples.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/render/format.h"
#include "client/report/gnuplot.h"
#include "common/results.h"

namespace skew {
namespace {

constexpr char kSharedReference[] = "#555555";
constexpr double kSameLine = 2.5;  // pixels: nearer ones are seen as one
constexpr int kHead = 36;          // pixels, of the title
constexpr int kPanelBottom = 40;   // pixels
constexpr int kKeyRow = 26;        // pixels
constexpr int kKeyRows = 8;        // in an empty place

// Pixels. One row may be higher.
int PlotHeightIn(int rows) { return rows > 1 ? 176 : 220; }

int ColumnsFor(int count) {
  if (count == 4) return 2;
  return count <= 6 || count == 9 ? 3 : 4;
}

std::vector<double> ValuesOf(const SeriesFigure& figure) {
  std::vector<double> values;
  for (const SeriesPanel& panel : figure.panels) {
    for (const Series& series : panel.series) {
      values.insert(values.end(), series.mean.begin(), series.mean.end());
      values.insert(values.end(), series.high.begin(), series.high.end());
      if (series.reference.has_value()) values.push_back(series.reference->value);
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

std::string Row(const Series& series, size_t i, const Axis& axis) {
  std::string row = absl::StrCat(Exact(series.x[i]), " ", Exact(axis.Shown(series.mean[i])));
  if (!series.low.empty()) {
    absl::StrAppend(&row, " ", Exact(axis.Shown(series.low[i])), " ", Exact(axis.Shown(series.high[i])));
  }
  return absl::StrCat(row, "\n");
}

// An empty line is gnuplot's gap.
std::string Rows(const Series& series, const Axis& axis) {
  std::string rows;
  for (size_t i = 0; i < series.x.size(); ++i) {
    if (std::isfinite(series.mean[i])) {
      rows += Row(series, i, axis);
    } else if (!rows.empty() && !rows.ends_with("\n\n")) {
      rows += "\n";
    }
  }
  return rows;
}

// Points between gaps: an area has no width there.
std::string LonelyRows(const Series& series, const Axis& axis) {
  std::string rows;
  const auto gap = [&](size_t i) { return i >= series.mean.size() || !std::isfinite(series.mean[i]); };
  for (size_t i = 0; i < series.low.size(); ++i) {
    if (!gap(i) && gap(i - 1) && gap(i + 1)) rows += Row(series, i, axis);  // before the first one: a gap as well
  }
  return rows;
}

std::string LineOf(const Look& look, bool points) {
  const std::string line = absl::StrCat(" lc rgb '", look.colour, "' lw 2 dt ", look.dash);
  return points ? absl::StrCat("with linespoints", line, " pt ", look.point, " ps 0.6")
                : absl::StrCat("with lines", line);
}

// Appends the blocks of one series, called `name` and so on, and what plots them.
void AddSeries(const Series& series, const std::string& name, const Axis& axis, std::string& blocks,
               std::vector<std::string>& plots) {
  const std::string rows = Rows(series, axis);
  if (rows.empty()) return;
  absl::StrAppend(&blocks, name, " << EOD\n", rows, "EOD\n");
  if (!series.low.empty()) {
    plots.push_back(absl::StrCat(name, " using 1:3:4 with filledcurves fs transparent solid 0.18 noborder lc rgb '",
                                 series.look.colour, "'"));
  }
  if (const std::string lonely = LonelyRows(series, axis); !lonely.empty()) {
    absl::StrAppend(&blocks, name, "l << EOD\n", lonely, "EOD\n");
    plots.push_back(
        absl::StrCat(name, "l using 1:2:3:4 with yerrorbars pt -1 lw 1.2 lc rgb '", series.look.colour, "'"));
  }
  plots.push_back(absl::StrCat(name, " using 1:2 ", LineOf(series.look, series.points)));
}

// References that are seen as one line, from below.
std::vector<std::vector<const Series*>> LinesOf(const SeriesPanel& panel, const Axis& axis, int plot_height) {
  std::vector<const Series*> sorted;
  for (const Series& series : panel.series) {
    if (series.reference.has_value()) sorted.push_back(&series);
  }
  const auto place = [&](const Series* one) { return axis.Place(axis.Shown(one->reference->value)); };
  std::stable_sort(sorted.begin(), sorted.end(), [&](const Series* a, const Series* b) { return place(a) < place(b); });
  std::vector<std::vector<const Series*>> lines;
  for (const Series* one : sorted) {
    if (lines.empty() || (place(one) - place(lines.back().back())) * plot_height > kSameLine) lines.emplace_back();
    lines.back().push_back(one);
  }
  return lines;
}

// "0,2" or "0,2-9", of classes.
std::string ClassesText(const std::vector<const Series*>& line) {
  std::vector<int32_t> labels;
  labels.reserve(line.size());
  for (const Series* one : line) labels.push_back(one->reference->label);
  std::sort(labels.begin(), labels.end());
  std::vector<std::string> parts;
  for (size_t i = 0; i < labels.size();) {
    size_t last = i;
    while (last + 1 < labels.size() && labels[last + 1] == labels[last] + 1) ++last;
    if (last < i + 2) last = i;
    parts.push_back(last == i ? absl::StrCat(labels[i]) : absl::StrCat(labels[i], "-", labels[last]));
    i = last + 1;
  }
  return absl::StrJoin(parts, ",");
}

void AddReferences(const SeriesPanel& panel, const Axis& axis, int plot_height, std::string& labels,
                   std::vector<std::string>& plots) {
  const std::vector<std::vector<const Series*>> lines = LinesOf(panel, axis, plot_height);
  std::vector<double> ends;
  ends.reserve(lines.size());
  for (const auto& line : lines) ends.push_back(axis.Place(axis.Shown(line.front()->reference->value)));
  const std::vector<double> places = Spread(ends, (kTextSize + 1.0) / plot_height);
  for (size_t i = 0; i < lines.size(); ++i) {
    const bool shared = lines[i].size() > 1;
    const Look& look = lines[i].front()->look;
    for (const Series* one : lines[i]) {
      plots.push_back(absl::StrCat(Exact(axis.Shown(one->reference->value)), " with lines lc rgb '",
                                   shared ? kSharedReference : look.colour, "' lw 1.2 dt '.'"));
    }
    absl::StrAppend(&labels, "set label '", ClassesText(lines[i]), "' at graph 1.04,", Fixed(places[i], 4), " left",
                    kTextFont, " textcolor rgb '", shared ? kSharedReference : look.text, "'\n");
  }
}

std::string PanelScript(const SeriesPanel& panel, const Axis& axis, const Panels& panels, int index,
                        const std::string& x_label) {
  std::string script = absl::StrCat(
      "unset label\n", panels.Title(index, panel.title), panels.Lowest(index) ? panels.XLabel(index, x_label) : "",
      "set xrange [0:", Exact(LastStep(panel)), "]\nset xtics ", Exact(TicStep(LastStep(panel), 3)), "\n");
  std::vector<std::string> plots;
  AddReferences(panel, axis, panels.PlotHeight(), script, plots);
  const size_t references = plots.size();
  for (size_t i = 0; i < panel.series.size(); ++i) {
    AddSeries(panel.series[i], absl::StrCat("$p", index, "s", i), axis, script, plots);
  }
  if (plots.size() == references) {
    absl::StrAppend(&script, "set label 'nothing yet' at graph 0.5,0.5 center textcolor rgb '", kSoftText, "'\n");
  }
  if (plots.empty()) plots.emplace_back("NaN");
  return absl::StrCat(script, "plot ", absl::StrJoin(plots, ", \\\n  "), "\n");
}

struct KeyEntry {
  std::string title;
  std::string look;
};
struct Key {
  std::vector<KeyEntry> entries;
  bool references = false;
  bool in_empty_place = false;
  // Below the title, that is, not in an empty place.
  int columns = 1;
  int rows = 0;
};

Key KeyOf(const SeriesFigure& figure) {
  Key key;
  std::vector<KeyEntry>& entries = key.entries;
  for (const SeriesPanel& panel : figure.panels) {
    for (const Series& series : panel.series) {
      key.references = key.references || series.reference.has_value();
      const auto same = [&](const KeyEntry& one) { return one.title == series.label; };
      if (std::any_of(entries.begin(), entries.end(), same)) continue;
      entries.push_back({series.label, LineOf(series.look, series.points)});
    }
  }
  if (key.references) {
    entries.push_back({"trained share", absl::StrCat("with lines lc rgb '", kSharedReference, "' lw 1.2 dt '.'")});
  }
  const int count = static_cast<int>(figure.panels.size());
  key.in_empty_place = count > ColumnsFor(count) && count % ColumnsFor(count) != 0;
  if (key.in_empty_place) return key;
  size_t longest = 1;
  for (const KeyEntry& one : entries) longest = std::max(longest, one.title.size());
  key.columns = std::max(1, static_cast<int>(900 / (70 + kCharacterWidth * static_cast<double>(longest))));
  key.rows = (static_cast<int>(entries.size()) + key.columns - 1) / key.columns;
  return key;
}

// A plot of nothing else.
std::string KeyScript(const Key& key, const Panels& panels, int count) {
  std::vector<std::string> plots = {"NaN notitle"};
  for (const KeyEntry& one : key.entries) {
    plots.push_back(absl::StrCat("keyentry ", one.look, " title ", GnuplotText(one.title)));
  }
  const std::string where = key.in_empty_place
                                ? absl::StrCat("vertical maxrows ", kKeyRows, " at ",
                                               panels.At(count, 0.5, PanelSpace().panel_top + panels.PlotHeight() / 2))
                                : absl::StrCat("horizontal maxcols ", key.columns, " at screen 0.5, screen ",
                                               Fixed(1 - (kHead + kKeyRow * key.rows / 2.0) / panels.height(), 4));
  return absl::StrCat(
      // Gnuplot breaks rows at the plot's width.
      key.in_empty_place ? panels.Place(count) : "set lmargin at screen 0\nset rmargin at screen 1\n",
      "unset label\nunset border\nunset tics\nunset ylabel\nunset logscale\nset xrange [0:1]\nset yrange "
      "[0:1]\nset key on center center Left reverse samplen 2.5 spacing 1.15",
      kTextFont, " ", where, "\nplot ", absl::StrJoin(plots, ", \\\n  "), "\n");
}

// Pixels at the left of the panels, for the names of the tics and the axis.
int LeftOf(const std::vector<Tic>& tics) {
  size_t longest = 4;
  for (const Tic& tic : tics) longest = std::max(longest, tic.label.size());
  return 40 + static_cast<int>(kCharacterWidth * static_cast<double>(longest));
}

// Pixels at the right of a panel, for the classes of its references.
int RightOf(const SeriesFigure& drawn, const Axis& axis, int plot_height) {
  size_t longest = 0;
  for (const SeriesPanel& panel : drawn.panels) {
    for (const auto& line : LinesOf(panel, axis, plot_height)) longest = std::max(longest, ClassesText(line).size());
  }
  return std::max(26, 12 + static_cast<int>(kCharacterWidth * static_cast<double>(longest)));
}

PanelSpace SpaceOf(const Key& key, int rows, int left, int right) {
  return {.head = kHead + kKeyRow * key.rows,
          .left = left,
          .foot = 24,
          .height = PlotHeightIn(rows) + PanelSpace().panel_top + kPanelBottom,
          .panel_bottom = kPanelBottom,
          .panel_left = 6,
          .panel_right = right};
}

// What panels at the left have, and the others have not.
std::string LeftAxis(const SeriesFigure& drawn, const Panels& panels, int index, const Axis& axis,
                     const std::vector<Tic>& tics) {
  const bool first = index % panels.columns() == 0;
  const std::string y_label = first ? absl::StrCat(drawn.y_label, axis.logarithmic ? " (log scale)" : "") : "";
  return absl::StrCat("set ylabel ", GnuplotText(y_label), kTextFont, "\nset format y '", first ? "%g" : "", "'\n",
                      axis.logarithmic ? absl::StrCat("set ytics ", TicList(tics, !first), "\n") : "");
}

}  // namespace

void AddPoints(absl::Span<const PointValues> points, Band band, Series& series) {
  bool several = false;
  for (const PointValues& point : points) {
    series.x.push_back(point.step);
    if (point.values.empty()) {
      for (auto* part : {&series.mean, &series.low, &series.high}) {
        part->push_back(std::numeric_limits<double>::quiet_NaN());
      }
      continue;
    }
    several = several || point.values.size() > 1;
    const v1::Estimate estimate = EstimateOf(point.values);
    const auto [low, high] = std::minmax_element(point.values.begin(), point.values.end());
    series.mean.push_back(estimate.mean());
    series.low.push_back(band == Band::kDeviation ? estimate.mean() - estimate.sd() : *low);
    series.high.push_back(band == Band::kDeviation ? estimate.mean() + estimate.sd() : *high);
  }
  if (several) return;
  series.low.clear();
  series.high.clear();
}

void Draw(const SeriesFigure& drawn, Figure& figure) {
  const int count = static_cast<int>(drawn.panels.size());
  const int columns = ColumnsFor(count);
  const int rows = (count + columns - 1) / columns;
  const Key key = KeyOf(drawn);
  const Axis axis = AxisFor(ValuesOf(drawn), drawn.decades);
  const std::vector<Tic> tics = axis.logarithmic ? LogTics(axis, PlotHeightIn(rows), false) : std::vector<Tic>();
  const Panels panels(count, columns, SpaceOf(key, rows, LeftOf(tics), RightOf(drawn, axis, PlotHeightIn(rows))));
  figure.width = panels.width();
  figure.height = panels.height();
  figure.script = absl::StrCat(Preamble(), "set multiplot title ", GnuplotText(drawn.title), kTitleFont,
                               "\nset format x '%.0f'\n", axis.logarithmic ? "set logscale y\n" : "", "set yrange [",
                               Exact(axis.low), ":", Exact(axis.high), "]\n");
  for (int i = 0; i < count; ++i) {
    absl::StrAppend(&figure.script, panels.Place(i), LeftAxis(drawn, panels, i, axis, tics),
                    PanelScript(drawn.panels[static_cast<size_t>(i)], axis, panels, i, drawn.x_label));
  }
  absl::StrAppend(&figure.script, KeyScript(key, panels, count), "unset multiplot\n");
}

}  // namespace skew

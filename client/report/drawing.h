// What the figures have in common: colours, panels, axes.
#ifndef SKEW_CLIENT_REPORT_DRAWING_H_
#define SKEW_CLIENT_REPORT_DRAWING_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/types/span.h"

namespace skew {

// Colours of Okabe and Ito, which colour-blind eyes tell apart; shapes differ as well.
struct Look {
  std::string colour;  // "#0072B2"
  int point = 0;       // gnuplot's point type
  int dash = 1;        // gnuplot's dash type
};
Look LookOfClass(int32_t label);

// The beginning of every figure's script.
std::string Preamble();

// An axis that holds the values (and, being logarithmic, the smallest positive one).
struct Axis {
  bool logarithmic = false;
  double low = 0;
  double high = 1;

  // Where a value is on it, 0 to 1 (outside: beyond).
  double Place(double value) const;
  // The value, or, where it has no place on a logarithmic axis, the axis' beginning.
  double Shown(double value) const;
};

// From 0, or logarithmic when the positive values span more than `decades`. No values: 0 to 1.
Axis AxisFor(absl::Span<const double> values, double decades);

// A round distance between tics: at most four of it in `span`.
double TicStep(double span);

// Panels side by side, in rows.
class Panels {
 public:
  // `columns` at most; `height` of one panel, and `right` pixels for labels at its right.
  Panels(int count, int columns, int width, int height, int right);

  int width() const { return width_; }
  int height() const;
  // Margins of a panel, by its index.
  std::string Place(int index) const;
  // Height of a panel's plotting area.
  int PlotHeight() const { return panel_height_ - kTop - kBottom; }

 private:
  static constexpr int kHead = 34;
  static constexpr int kTop = 30;
  static constexpr int kBottom = 60;
  static constexpr int kLeft = 70;

  int rows_;
  int columns_;
  int width_;
  int panel_height_;
  int right_;
};

// Positions (0 to 1) moved as little as needed to be `gap` apart, in the same order.
std::vector<double> Spread(absl::Span<const double> positions, double gap);

// A line over training steps.
struct Series {
  std::string label;
  Look look;
  std::vector<double> x;
  std::vector<double> mean;
  // A band around it, parallel to x, or empty.
  std::vector<double> low = {};
  std::vector<double> high = {};
  // Dotted from side to side, if there is one.
  std::optional<double> reference = std::nullopt;
  bool points = false;
};
struct SeriesPanel {
  std::string title;
  std::vector<Series> series;
};
struct SeriesFigure {
  std::string title;
  std::string y_label;
  std::string x_label;
  // Span of values from which on the y axis is logarithmic.
  double decades = 1.5;
  std::vector<SeriesPanel> panels;
};

// The script and its size. Lines are labelled at their ends.
struct Drawing {
  int width = 0;
  int height = 0;
  std::string script;
};
Drawing DrawSeries(const SeriesFigure& figure);

}  // namespace skew

#endif  // SKEW_CLIENT_REPORT_DRAWING_H_

// What the figures have in common: colours, panels, axes.
#ifndef SKEW_CLIENT_REPORT_DRAWING_H_
#define SKEW_CLIENT_REPORT_DRAWING_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace skew {

// Pixels. Printed 180 mm wide, a pixel is 0.53 points: the smallest text has 8.
inline constexpr int kDrawingWidth = 960;
inline constexpr int kTextSize = 15;
inline constexpr double kCharacterWidth = 9.2;  // in that size, about
// Options of what is written in it, in the titles of panels and of figures.
inline constexpr char kTextFont[] = " font ',15'";
inline constexpr char kPanelFont[] = " font ',16'";
inline constexpr char kTitleFont[] = " font ',18'";

// Text that is not of a class and less than the rest, on white.
inline constexpr char kSoftText[] = "#666666";

// Colours of Okabe and Ito, which colour-blind eyes tell apart; shapes differ as well.
struct Look {
  std::string colour;  // of lines, marks and areas: "#0072B2"
  std::string text;    // its twin for text, dark enough to be read on white: a contrast of 4.5 to 1 at least
  int point = 0;       // gnuplot's point type: a filled one
  int dash = 1;        // gnuplot's dash type
};
Look LookOfClass(int32_t label);

// The point type of the same shape that is not filled.
inline int HollowPoint(const Look& look) { return look.point - 1; }

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

// A round distance between tics: at most `most` of it in `span`.
double TicStep(double span, double most = 4);

// The largest round distance between tics that has three of them on a linear axis.
double TicStepOf(const Axis& axis);

// Tics of a logarithmic axis that is `pixels` long: 1, 2 and 5 of every decade, without labels where these would run
// into each other. `across`: of an x axis, where they stand side by side.
struct Tic {
  double value = 0;
  std::string label;
};
std::vector<Tic> LogTics(const Axis& axis, double pixels, bool across);
// As gnuplot's list. Tics without a label are small ones and have no line across the panel. `blank`: no label is shown,
// but lines are as if they were.
std::string TicList(const std::vector<Tic>& tics, bool blank = false);

// Room in a drawing of panels, in pixels.
struct PanelSpace {
  // Round all of them: above (for the title), at the left and below.
  int head = 36;
  int left = 0;
  int foot = 0;
  // Of one with its margins, and these.
  int height = 0;
  int panel_top = 30;
  int panel_bottom = 30;
  int panel_left = 0;
  int panel_right = 0;
};

// Panels side by side, in rows.
class Panels {
 public:
  // `columns` at most.
  Panels(int count, int columns, const PanelSpace& space);

  int width() const { return kDrawingWidth; }
  int height() const { return space_.head + rows_ * space_.height + space_.foot; }
  int columns() const { return columns_; }
  // Margins of a panel, by its index. The place after the last panel may be empty.
  std::string Place(int index) const;
  // Its title, as a label.
  std::string Title(int index, absl::string_view title, absl::string_view colour = "#000000") const;
  // The name of its x axis, as a label: below the panel, at the end of the room there is. Gnuplot's own stands in SVG
  // where there is none.
  std::string XLabel(int index, absl::string_view name) const;
  // A position for gnuplot, above the plotting area or on it: `x` (0 to 1) of its width, and pixels from the panel's
  // top.
  std::string At(int index, double x, int below) const;
  // Whether there is no panel below.
  bool Lowest(int index) const { return index + columns_ >= count_; }
  // Of a plotting area.
  int PlotWidth() const;
  int PlotHeight() const { return space_.height - space_.panel_top - space_.panel_bottom; }

 private:
  double LeftOf(int index) const;
  int TopOf(int index) const { return space_.head + index / columns_ * space_.height; }

  PanelSpace space_;
  int count_;
  int columns_;
  int rows_;
};

// Positions (0 to 1) moved as little as needed to be `gap` apart, in the same order.
std::vector<double> Spread(absl::Span<const double> positions, double gap);

}  // namespace skew

#endif  // SKEW_CLIENT_REPORT_DRAWING_H_

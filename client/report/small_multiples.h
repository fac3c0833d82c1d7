// Lines over the training, a panel for each bias point: all with one y axis and one key.
#ifndef SKEW_CLIENT_REPORT_SMALL_MULTIPLES_H_
#define SKEW_CLIENT_REPORT_SMALL_MULTIPLES_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/types/span.h"
#include "client/report/drawing.h"
#include "client/report/figure.h"

namespace skew {

// A dotted line from side to side, with its class at the right. Where those of several classes coincide, they are one
// grey line with the classes of all.
struct Reference {
  double value = 0;
  int32_t label = 0;
};

// A line over training steps. Not a number: a gap in it.
struct Series {
  std::string label;
  Look look;
  std::vector<double> x = {};
  std::vector<double> mean = {};
  // A band around it, parallel to x, or empty.
  std::vector<double> low = {};
  std::vector<double> high = {};
  std::optional<Reference> reference = std::nullopt;
  bool points = false;
};

enum class Band { kDeviation, kRange };
// The mean of the values, with one standard deviation or all of them around it. No values: a gap. The series loses its
// band when no point of it has more than one value.
struct PointValues {
  int32_t step = 0;
  std::vector<double> values;
};
void AddPoints(absl::Span<const PointValues> points, Band band, Series& series);

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

// Sets the script and its size. Series with the same label are one entry of the key, which stands in the place that the
// panels leave empty, or else below the title.
void Draw(const SeriesFigure& drawn, Figure& figure);

}  // namespace skew

#endif  // SKEW_CLIENT_REPORT_SMALL_MULTIPLES_H_

// What the figure of image measures shows, before it is drawn.
#ifndef SKEW_CLIENT_REPORT_MEASURE_PANELS_H_
#define SKEW_CLIENT_REPORT_MEASURE_PANELS_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "client/report/drawing.h"
#include "client/report/figure.h"

namespace skew {

// A measure at one bias point.
struct MeasuredPoint {
  size_t position = 0;  // of the bias point
  v1::Estimate estimate;
  std::vector<std::pair<std::string, double>> runs;
  bool of_all_runs = true;  // of those that succeeded
};
struct MeasureSeries {
  std::string measure;
  std::optional<int32_t> label;  // absent: of all images
  std::string name;              // in the key of its panel
  Look look;
  std::vector<MeasuredPoint> points;
};
struct MeasurePanel {
  std::string title;
  std::vector<MeasureSeries> series;
};

// One or two measures of all images, or one of every class, side by side. Series are of what some run has; a panel may
// have none.
std::vector<MeasurePanel> MeasurePanelsOf(const ModelOfJob& model);

}  // namespace skew

#endif  // SKEW_CLIENT_REPORT_MEASURE_PANELS_H_

#include "common/results.h"

#include <boost/math/distributions/students_t.hpp>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>
#include <tuple>
#include <utility>

namespace skew {
namespace {

using Point = std::map<int32_t, int32_t>;

Point PointOf(const v1::Run& run) { return {run.bias_point().counts().begin(), run.bias_point().counts().end()}; }

int64_t OnSupport(const v1::ClassHistogram& histogram) {
  int64_t sum = 0;
  for (const auto& [label, count] : histogram.counts()) sum += count;
  return sum;
}

bool HasResult(const v1::Run& run) {
  return run.state() == v1::SUCCEEDED && run.histogram().final() && run.histogram().images() > 0;
}

// The finished histograms of one cell.
struct Cell {
  const v1::Run* any = nullptr;
  int32_t total = 0;
  std::vector<const v1::ClassHistogram*> histograms;
};

v1::ClassResult ClassResultOf(int32_t label, const Point& point, const Cell& cell) {
  int64_t trained = 0;
  for (const auto& [other, count] : point) trained += count;
  v1::ClassResult result;
  result.set_class_(label);
  result.set_trained_images(point.at(label));
  result.set_trained_share(static_cast<double>(point.at(label)) / static_cast<double>(trained));
  std::vector<double> shares;
  for (const v1::ClassHistogram* histogram : cell.histograms) {
    if (OnSupport(*histogram) > 0) shares.push_back(GeneratedShare(*histogram, label));
  }
  if (shares.empty()) return result;
  *result.mutable_generated() = EstimateOf(shares);
  result.set_amplification(result.generated().mean() / result.trained_share());
  return result;
}

template <typename Count>
v1::Estimate ShareOfImages(const Cell& cell, Count count) {
  std::vector<double> shares;
  for (const v1::ClassHistogram* histogram : cell.histograms) {
    shares.push_back(static_cast<double>(count(*histogram)) / static_cast<double>(histogram->images()));
  }
  return EstimateOf(shares);
}

v1::ResultCell ResultCellOf(const Point& point, const Cell& cell) {
  v1::ResultCell result;
  result.set_model_index(cell.any->model_index());
  result.set_model(cell.any->model());
  *result.mutable_bias_point() = cell.any->bias_point();
  result.set_runs_total(cell.total);
  result.set_runs_succeeded(static_cast<int32_t>(cell.histograms.size()));
  for (const auto& [label, count] : point) *result.add_classes() = ClassResultOf(label, point, cell);
  if (!cell.histograms.empty()) {
    *result.mutable_rejected() = ShareOfImages(cell, [](const v1::ClassHistogram& one) { return one.rejected(); });
    *result.mutable_off_support() =
        ShareOfImages(cell, [](const v1::ClassHistogram& one) { return one.off_support(); });
  }
  return result;
}

}  // namespace

v1::Estimate EstimateOf(absl::Span<const double> values) {
  const auto n = static_cast<double>(values.size());
  v1::Estimate estimate;
  const double mean = std::accumulate(values.begin(), values.end(), 0.0) / n;
  estimate.set_mean(mean);
  if (values.size() < 2) return estimate;
  double squares = 0;
  for (const double value : values) squares += (value - mean) * (value - mean);
  const double sd = std::sqrt(squares / (n - 1));
  const double t = boost::math::quantile(boost::math::students_t(n - 1), 0.975);
  estimate.set_sd(sd);
  estimate.set_low(mean - t * sd / std::sqrt(n));
  estimate.set_high(mean + t * sd / std::sqrt(n));
  return estimate;
}

double GeneratedShare(const v1::ClassHistogram& histogram, int32_t label) {
  const int64_t sum = OnSupport(histogram);
  const auto found = histogram.counts().find(label);
  if (sum == 0) return std::numeric_limits<double>::quiet_NaN();
  return found == histogram.counts().end() ? 0.0 : static_cast<double>(found->second) / static_cast<double>(sum);
}

std::vector<v1::ResultCell> ComputeResults(absl::Span<const v1::Run> runs) {
  std::map<std::pair<Point, int32_t>, Cell> cells;
  for (const v1::Run& run : runs) {
    Cell& cell = cells[{PointOf(run), run.model_index()}];
    cell.any = &run;
    ++cell.total;
    if (HasResult(run)) cell.histograms.push_back(&run.histogram());
  }
  std::vector<v1::ResultCell> results;
  results.reserve(cells.size());
  for (const auto& [key, cell] : cells) results.push_back(ResultCellOf(key.first, cell));
  return results;
}

}  // namespace skew

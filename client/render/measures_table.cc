#include "client/render/measures_table.h"

#include <algorithm>
#include <cstddef>
#include <map>

#include "absl/strings/str_cat.h"
#include "client/render/cells.h"
#include "client/render/format.h"
#include "client/render/results_table.h"

namespace skew {
namespace {

constexpr int32_t kAllImages = -1;

std::string TextOf(const v1::Estimate* estimate, int decimals) {
  return estimate == nullptr ? "-" : Fixed(estimate->mean(), decimals);
}

}  // namespace

const std::vector<MeasureColumn>& MeasureColumns() {
  static const auto* const kColumns = new std::vector<MeasureColumn>{
      {"frechet", "Frechet", 2},    {"kernel_distance", "kernel", 4}, {"precision", "prec.", 3},
      {"recall", "recall", 3},      {"density", "dens.", 3},          {"coverage", "cov.", 3},
      {"vendi", "Vendi", 2},        {"real_vendi", "real", 2},        {"copy_distance_ratio", "copies", 2},
      {"support_low", "support", 0}};
  return *kColumns;
}

std::vector<MeasureRow> MeasureRowsOf(const v1::ResultCell& cell) {
  std::map<int32_t, MeasureRow> rows;
  for (const v1::MeasureResult& measure : cell.image_measures()) {
    MeasureRow& row = rows[measure.has_class_() ? measure.class_() : kAllImages];
    row.images = measure.has_class_() ? absl::StrCat(measure.class_()) : "all";
    row.measures.resize(MeasureColumns().size());
    for (size_t i = 0; i < MeasureColumns().size(); ++i) {
      if (MeasureColumns()[i].measure == measure.measure()) row.measures[i] = &measure.estimate();
    }
  }
  std::vector<MeasureRow> result;
  result.reserve(rows.size());
  for (auto& [label, row] : rows) result.push_back(std::move(row));
  return result;
}

Table MeasuresTable(const v1::GetResultsResponse& results) {
  std::vector<Column> columns = {{"model"}, {"bias point"}, {"images", "", true}};
  for (const MeasureColumn& column : MeasureColumns()) columns.push_back({column.title, "", true});
  Table table(std::move(columns));
  const std::vector<std::string> points = ShortBiasPoints(results);
  for (int i = 0; i < results.cells_size(); ++i) {
    bool first = true;
    for (const MeasureRow& row : MeasureRowsOf(results.cells(i))) {
      std::vector<Cell> cells = {first ? ShortModel(results.cells(i)) : "", first ? points[static_cast<size_t>(i)] : "",
                                 row.images};
      for (size_t k = 0; k < row.measures.size(); ++k) {
        cells.emplace_back(TextOf(row.measures[k], MeasureColumns()[k].decimals));
      }
      table.AddRow(std::move(cells));
      first = false;
    }
  }
  return table;
}

std::string MeasuringText(const v1::GetResultsResponse& results) {
  double seconds = 0;
  int runs = 0;
  for (const v1::ResultCell& cell : results.cells()) {
    for (const v1::MeasureResult& one : cell.image_measures()) {
      if (one.measure() != "measuring_seconds") continue;
      seconds += one.estimate().mean() * one.runs();
      runs += one.runs();
    }
  }
  if (runs == 0) return "";
  return absl::StrCat("Measuring took ", Fixed(seconds / runs, 1), " s a run, ", DurationText(absl::Seconds(seconds)),
                      " in all.");
}

Table AllMeasures(const v1::GetResultsResponse& results) {
  Table table({{"", "model"},
               {"", "bias_point"},
               {"", "class"},
               {"", "measure"},
               {"", "mean"},
               {"", "sd"},
               {"", "low"},
               {"", "high"},
               {"", "runs"}});
  for (const v1::ResultCell& cell : results.cells()) {
    for (const v1::MeasureResult& one : cell.image_measures()) {
      const v1::Estimate& estimate = one.estimate();
      table.AddRow({cell.model(), CountsText(cell.bias_point().counts()),
                    one.has_class_() ? absl::StrCat(one.class_()) : "", one.measure(), Exact(estimate.mean()),
                    ExactIf(estimate.has_sd(), estimate.sd()), ExactIf(estimate.has_low(), estimate.low()),
                    ExactIf(estimate.has_high(), estimate.high()), absl::StrCat(one.runs())});
    }
  }
  return table;
}

}  // namespace skew

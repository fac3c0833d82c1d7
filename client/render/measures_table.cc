#include "client/render/measures_table.h"

#include <algorithm>
#include <cstddef>
#include <map>
#include <optional>

#include "absl/strings/str_cat.h"
#include "client/render/cells.h"
#include "client/render/format.h"
#include "client/render/results_table.h"
#include "common/image_measure_results.h"

namespace skew {
namespace {

constexpr int32_t kAllImages = -1;

// Of all images that were measured, the fewest in a cell; absent without any.
std::optional<double> FewestImages(const v1::GetResultsResponse& results) {
  std::optional<double> fewest;
  for (const v1::ResultCell& cell : results.cells()) {
    for (const v1::MeasureResult& one : cell.image_measures()) {
      if (one.measure() != "images" || one.has_class_()) continue;
      fewest = std::min(fewest.value_or(one.estimate().mean()), one.estimate().mean());
    }
  }
  return fewest;
}

bool AnyClassIsMissing(const v1::GetResultsResponse& results) {
  for (const v1::ResultCell& cell : results.cells()) {
    const std::vector<MeasureRow> rows = MeasureRowsOf(cell);
    if (std::any_of(rows.begin(), rows.end(), [&](const MeasureRow& row) { return row.runs < rows.front().runs; })) {
      return true;
    }
  }
  return false;
}

}  // namespace

const std::vector<MeasureColumn>& MeasureColumns() {
  static const auto* const kColumns =
      new std::vector<MeasureColumn>{{"images", "N", 0},
                                     {"frechet", "Frechet", 2},
                                     {"kernel_distance", "kernel", 4},
                                     {"precision", "prec.", 3},
                                     {"recall", "rec.", 3},
                                     {"density", "dens.", 3, /*lower_end=*/false, /*page_only=*/true},
                                     {"coverage", "cov.", 3},
                                     {"vendi", "Vendi", 2},
                                     {"real_vendi", "real", 2},
                                     {"copy_distance_ratio", "copies", 2},
                                     {"support_low", "support", 0, /*lower_end=*/true}};
  return *kColumns;
}

std::vector<MeasureRow> MeasureRowsOf(const v1::ResultCell& cell) {
  std::map<int32_t, MeasureRow> rows;
  for (const v1::MeasureResult& measure : cell.image_measures()) {
    MeasureRow& row = rows[measure.has_class_() ? measure.class_() : kAllImages];
    row.images = measure.has_class_() ? absl::StrCat(measure.class_()) : "all";
    row.measures.resize(MeasureColumns().size());
    row.runs = std::max(row.runs, measure.runs());
    for (size_t i = 0; i < MeasureColumns().size(); ++i) {
      if (MeasureColumns()[i].measure == measure.measure()) row.measures[i] = &measure.estimate();
    }
  }
  if (rows.empty()) return {};
  for (const v1::ClassResult& one : cell.classes()) {
    MeasureRow& row = rows[one.class_()];
    row.images = absl::StrCat(one.class_());
    row.measures.resize(MeasureColumns().size());
  }
  std::vector<MeasureRow> result;
  result.reserve(rows.size());
  for (auto& [label, row] : rows) result.push_back(std::move(row));
  return result;
}

std::string MeasureText(const v1::Estimate* estimate, const MeasureColumn& column) {
  if (estimate == nullptr) return "-";
  return absl::StrCat(column.lower_end ? "≥" : "", Fixed(estimate->mean(), column.decimals));
}

std::string MeasuredRunsText(const MeasureRow& row, const v1::ResultCell& cell) {
  return row.runs == cell.runs_succeeded() ? absl::StrCat(row.runs)
                                           : absl::StrCat(row.runs, "/", cell.runs_succeeded());
}

const char kMeasuresLegend[] =
    "Means over runs, on the features of the judge's layer before its last; all images beside real ones in the "
    "training\n"
    "proportions, those accepted as a class beside real ones of it. Frechet and kernel distance: 0 is best. prec., "
    "dens.:\n"
    "how far generated images lie among real ones; rec., cov.: how many real ones they reach. Vendi: effective number "
    "of\n"
    "different images; real: that of as many real ones. copies: distance to the nearest training image over that of "
    "real\n"
    "images the model never saw; well below 1 means copies. support: so many different images there are at least.\n";

Table MeasuresTable(const v1::GetResultsResponse& results) {
  std::vector<Column> columns = {{"model"}, {"bias point"}, {"of", "", true}};
  for (const MeasureColumn& column : MeasureColumns()) {
    if (!column.page_only) columns.push_back({column.title, "", true});
  }
  columns.push_back({"runs", "", true});
  Table table(std::move(columns));
  const std::vector<std::string> points = ShortBiasPoints(results);
  for (int i = 0; i < results.cells_size(); ++i) {
    bool first = true;
    for (const MeasureRow& row : MeasureRowsOf(results.cells(i))) {
      std::vector<Cell> cells = {first ? ShortModel(results.cells(i)) : "", first ? points[static_cast<size_t>(i)] : "",
                                 row.images};
      for (size_t k = 0; k < row.measures.size(); ++k) {
        const MeasureColumn& column = MeasureColumns()[k];
        if (!column.page_only) cells.emplace_back(MeasureText(row.measures[k], column));
      }
      cells.emplace_back(MeasuredRunsText(row, results.cells(i)));
      table.AddRow(std::move(cells));
      first = false;
    }
  }
  return table;
}

std::string MeasuresNotes(const v1::GetResultsResponse& results) {
  std::string text;
  const std::optional<double> fewest = FewestImages(results);
  if (fewest.has_value() && *fewest < kMeasuredImages) {
    absl::StrAppend(&text, "N images were measured, not the usual ", kMeasuredImages,
                    ": with fewer, Frechet distances come out larger and recall and coverage smaller, so that only"
                    " measures of equally many images compare.");
  }
  if (AnyClassIsMissing(results)) {
    absl::StrAppend(&text, text.empty() ? "" : " ",
                    "Where a class is not measured in all runs, the others had fewer than 500 images accepted as it,"
                    " even of five times as many as are judged; what is shown is of the runs that had.");
  }
  return text;
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

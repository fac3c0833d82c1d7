#include "client/render/results_table.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "client/render/cells.h"
#include "client/render/format.h"
#include "client/render/results_notes.h"
#include "client/text.h"

namespace skew {
namespace {

// Columns that a bias point and a model's name may take.
constexpr int kBiasPointWidth = 20;
constexpr int kModelWidth = 10;

// Classes whose count is not the same in all cells.
std::set<int32_t> DifferingClasses(const v1::GetResultsResponse& results) {
  std::map<int32_t, std::set<int32_t>> counts;
  for (const v1::ResultCell& cell : results.cells()) {
    for (const auto& [label, count] : cell.bias_point().counts()) counts[label].insert(count);
  }
  std::set<int32_t> differing;
  for (const auto& [label, values] : counts) {
    if (values.size() > 1) differing.insert(label);
  }
  return differing;
}

std::string ShortBiasPoint(const v1::BiasPoint& point, const std::set<int32_t>& differing) {
  std::string whole = CountsText(point.counts());
  if (DisplayWidth(whole) <= kBiasPointWidth) return whole;
  v1::BiasPoint part;
  for (const auto& [label, count] : point.counts()) {
    if (differing.contains(label)) (*part.mutable_counts())[label] = count;
  }
  std::string text = differing.empty() ? whole : absl::StrCat(CountsText(part.counts()), " ...");
  if (DisplayWidth(text) <= kBiasPointWidth) return text;
  return absl::StrCat(Clip(text, kBiasPointWidth - 3), "...");
}

std::string MeanText(const v1::Estimate& estimate) {
  const std::string mean = Fixed(100 * estimate.mean(), 2);
  return estimate.has_sd() ? absl::StrCat(mean, " ± ", Fixed(100 * estimate.sd(), 2)) : mean;
}

std::string IntervalText(const v1::Estimate& estimate) {
  if (!estimate.has_low() || !estimate.has_high()) return "-";
  return absl::StrCat(Fixed(100 * estimate.low(), 2), "..", Fixed(100 * estimate.high(), 2));
}

// A share of the whole cell, in percent. Without a finished run there is none.
Cell ShareCell(const v1::ResultCell& cell, const v1::Estimate& share, bool first) {
  const bool present = cell.runs_succeeded() > 0;
  return {!first ? "" : present ? Fixed(100 * share.mean(), 2) : "-", ExactIf(present, share.mean())};
}

// "2/2", with a mark when not all of those that succeeded are counted.
std::string RunsText(const v1::ResultCell& cell) {
  return absl::StrCat(cell.runs_succeeded(), "/", cell.runs_total(), UncountedText(cell).empty() ? "" : "*");
}

std::vector<Cell> Row(const v1::ResultCell& cell, const v1::ClassResult& one, bool first, std::string bias_point) {
  const bool present = one.has_generated();
  const v1::Estimate& generated = one.generated();
  return {{first ? ShortModel(cell) : "", cell.model()},
          {first ? std::move(bias_point) : "", CountsText(cell.bias_point().counts())},
          absl::StrCat(one.class_()),
          absl::StrCat(one.trained_images()),
          {Fixed(100 * one.trained_share(), 2), Exact(one.trained_share())},
          {present ? MeanText(generated) : "-", ExactIf(present, generated.mean())},
          ExactIf(generated.has_sd(), generated.sd()),
          {present ? IntervalText(generated) : "-", ExactIf(generated.has_low(), generated.low())},
          ExactIf(generated.has_high(), generated.high()),
          {one.has_amplification() ? Fixed(one.amplification(), 3) : "-",
           ExactIf(one.has_amplification(), one.amplification())},
          ShareCell(cell, cell.rejected(), first),
          ShareCell(cell, cell.off_support(), first),
          ExactIf(one.has_corrected(), one.corrected().mean()),
          ExactIf(one.corrected().has_sd(), one.corrected().sd()),
          ExactIf(one.corrected().has_low(), one.corrected().low()),
          ExactIf(one.corrected().has_high(), one.corrected().high()),
          ExactIf(one.has_corrected_amplification(), one.corrected_amplification()),
          ExactIf(one.has_delta(), one.delta().mean()),
          ExactIf(one.has_corrected_delta(), one.corrected_delta().mean()),
          ExactIf(one.has_over_dispersion(), one.over_dispersion()),
          ExactIf(cell.has_divergences(), cell.divergences().total_variation().mean()),
          ExactIf(cell.has_corrected_divergences(), cell.corrected_divergences().total_variation().mean()),
          ExactIf(one.has_pacc(), one.pacc().mean()),
          ExactIf(one.pacc().has_sd(), one.pacc().sd()),
          ExactIf(one.pacc().has_low(), one.pacc().low()),
          ExactIf(one.pacc().has_high(), one.pacc().high()),
          ExactIf(one.has_cleam(), one.cleam().mean()),
          ExactIf(one.cleam().has_sd(), one.cleam().sd()),
          ExactIf(one.cleam().has_low(), one.cleam().low()),
          ExactIf(one.cleam().has_high(), one.cleam().high()),
          present ? absl::StrCat(std::max(1, one.judge_spread().judges())) : "",
          ExactIf(one.has_judge_spread(), one.judge_spread().sd()),
          ExactIf(one.has_corrected_judge_spread(), one.corrected_judge_spread().sd()),
          {first ? RunsText(cell) : "", absl::StrCat(cell.runs_succeeded())},
          absl::StrCat(cell.runs_total()),
          cell.has_runs_counted() ? absl::StrCat(cell.runs_counted()) : ""};
}

// Corrected values where there are any, or else raw ones.
std::vector<Cell> CorrectedRow(const v1::ResultCell& cell, const v1::ClassResult& one, bool first,
                               std::string bias_point) {
  const bool corrected = one.has_corrected();
  const v1::Estimate& delta = corrected ? one.corrected_delta() : one.delta();
  const v1::Divergences& divergences =
      cell.has_corrected_divergences() ? cell.corrected_divergences() : cell.divergences();
  return {first ? ShortModel(cell) : "",
          first ? std::move(bias_point) : "",
          absl::StrCat(one.class_()),
          Fixed(100 * one.trained_share(), 2),
          corrected ? MeanText(one.corrected()) : "-",
          corrected ? IntervalText(one.corrected()) : "-",
          one.has_pacc() ? Fixed(100 * one.pacc().mean(), 2) : "-",
          corrected ? Fixed(one.corrected_amplification(), 3) : "-",
          one.has_delta() ? Fixed(delta.mean(), 3) : "-",
          one.has_over_dispersion() ? Fixed(one.over_dispersion(), 5) : "-",
          first && cell.has_divergences() ? Fixed(divergences.total_variation().mean(), 4)
          : first                         ? "-"
                                          : ""};
}

}  // namespace

std::vector<std::string> ShortBiasPoints(const v1::GetResultsResponse& results) {
  const std::set<int32_t> differing = DifferingClasses(results);
  std::vector<std::string> points;
  points.reserve(static_cast<size_t>(results.cells_size()));
  for (const v1::ResultCell& cell : results.cells()) points.push_back(ShortBiasPoint(cell.bias_point(), differing));
  return points;
}

const char kResultsLegend[] =
    "\302\261: standard deviation over runs; intervals: 95%, Student's t over runs. ampl.: generated over trained "
    "share.\n"
    "rej., off: images that the judge is not sure of, and those it takes for other classes. PACC: from the judge's "
    "mean\n"
    "outputs instead of its decisions. Delta: logit of the generated less that of the trained share. rho, as judged: "
    "0\n"
    "when runs differ as independent images make them differ, 1 when each is all one class or none of it. TV: total\n"
    "variation distance from the training shares, the mean of the single runs' distances.\n";

std::string ShortModel(const v1::ResultCell& cell) { return Clip(cell.model(), kModelWidth); }

Table CorrectedTable(const v1::GetResultsResponse& results) {
  Table table({{"model"},
               {"bias point"},
               {"class", "", true},
               {"train %", "", true},
               {"corrected %", "", true},
               {"95% interval", "", true},
               {"PACC %", "", true},
               {"ampl.", "", true},
               {"Delta", "", true},
               {"rho", "", true},
               {"TV", "", true}});
  const std::vector<std::string> points = ShortBiasPoints(results);
  for (int i = 0; i < results.cells_size(); ++i) {
    bool first = true;
    for (const v1::ClassResult& one : results.cells(i).classes()) {
      table.AddRow(CorrectedRow(results.cells(i), one, first, points[static_cast<size_t>(i)]));
      first = false;
    }
  }
  return table;
}

Table ResultsTable(const v1::GetResultsResponse& results) {
  Table table({{"model", "model"},
               {"bias point", "bias_point"},
               {"class", "class", true},
               {"train n", "trained_images", true},
               {"train %", "trained_share", true},
               {"generated %", "generated_mean", true},
               {"", "generated_sd"},
               {"95% interval", "generated_low", true},
               {"", "generated_high"},
               {"ampl.", "amplification", true},
               {"rej. %", "rejected_share", true},
               {"off %", "off_support_share", true},
               {"", "corrected_mean"},
               {"", "corrected_sd"},
               {"", "corrected_low"},
               {"", "corrected_high"},
               {"", "corrected_amplification"},
               {"", "delta"},
               {"", "corrected_delta"},
               {"", "over_dispersion"},
               {"", "total_variation"},
               {"", "corrected_total_variation"},
               {"", "pacc_mean"},
               {"", "pacc_sd"},
               {"", "pacc_low"},
               {"", "pacc_high"},
               {"", "cleam_mean"},
               {"", "cleam_sd"},
               {"", "cleam_low"},
               {"", "cleam_high"},
               {"", "judges"},
               {"", "judge_sd"},
               {"", "corrected_judge_sd"},
               {"runs", "runs_succeeded", true},
               {"", "runs_total"},
               {"", "runs_counted"}});
  const std::vector<std::string> points = ShortBiasPoints(results);
  for (int i = 0; i < results.cells_size(); ++i) {
    bool first = true;
    for (const v1::ClassResult& one : results.cells(i).classes()) {
      table.AddRow(Row(results.cells(i), one, first, points[static_cast<size_t>(i)]));
      first = false;
    }
  }
  return table;
}

}  // namespace skew

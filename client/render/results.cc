#include "client/render/results.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "client/render/format.h"

namespace skew {
namespace {

constexpr Table::Align kRight = Table::Align::kRight;

// "5.02 ± 0.31", "5.02" without a deviation, "-" without an estimate.
std::string MeanText(bool present, const v1::Estimate& estimate, int digits, const Style& style) {
  if (!present) return "-";
  const std::string mean = PercentText(estimate.mean(), digits);
  if (!estimate.has_sd()) return mean;
  return absl::StrCat(mean, style.unicode ? " ± " : " +- ", PercentText(estimate.sd(), digits));
}

std::string IntervalText(const v1::ClassResult& result) {
  if (!result.has_generated() || !result.generated().has_low()) return "-";
  return absl::StrCat("[", PercentText(result.generated().low(), 1), ", ", PercentText(result.generated().high(), 1),
                      "]");
}

std::vector<std::string> RowOf(const v1::ResultCell& cell, int index, const Style& style) {
  const v1::ClassResult& result = cell.classes(index);
  std::vector<std::string> row = {"",
                                  "",
                                  absl::StrCat(result.class_()),
                                  absl::StrCat(result.trained_images()),
                                  PercentText(result.trained_share(), 2),
                                  MeanText(result.has_generated(), result.generated(), 2, style),
                                  IntervalText(result),
                                  result.has_amplification() ? absl::StrFormat("%.2f", result.amplification()) : "-",
                                  "",
                                  "",
                                  ""};
  if (index == 0) {
    row[0] = cell.model();
    row[1] = CountsText(cell.bias_point().counts());
    row[8] = MeanText(cell.has_rejected(), cell.rejected(), 1, style);
    row[9] = MeanText(cell.has_off_support(), cell.off_support(), 1, style);
    row[10] = absl::StrCat(cell.runs_succeeded(), "/", cell.runs_total());
  }
  return row;
}

std::string JudgesText(const v1::GetResultsResponse& results) {
  std::string text;
  for (const v1::Classifier& judge : results.classifiers()) {
    absl::StrAppend(&text, "Judged by ", ShortDigest(judge.digest()), ", ", PercentText(judge.test_accuracy(), 2),
                    "% right on the test split of ", judge.dataset(), ".\n");
  }
  return text;
}

void AppendEstimate(bool present, const v1::Estimate& estimate, std::vector<std::string>& row) {
  row.push_back(present ? RawNumber(estimate.mean()) : "");
  row.push_back(present && estimate.has_sd() ? RawNumber(estimate.sd()) : "");
  row.push_back(present && estimate.has_low() ? RawNumber(estimate.low()) : "");
  row.push_back(present && estimate.has_high() ? RawNumber(estimate.high()) : "");
}

}  // namespace

std::string ResultsText(const v1::GetResultsResponse& results, const Style& style) {
  Table table({{"MODEL"},
               {"BIAS POINT"},
               {"CLASS", kRight},
               {"TRAINED", kRight},
               {"%", kRight},
               {"GENERATED %", kRight},
               {"95% INTERVAL", kRight},
               {"AMPL", kRight},
               {"REJECTED %", kRight},
               {"OFF-SUPP %", kRight},
               {"RUNS", kRight}});
  for (const v1::ResultCell& cell : results.cells()) {
    for (int i = 0; i < cell.classes_size(); ++i) table.AddRow(RowOf(cell, i, style));
  }
  const std::string meaning = absl::StrCat(
      "\nGenerated: mean ", style.unicode ? "±" : "+-",
      " standard deviation over iterations of the share among accepted images; the interval is that of the mean.\n"
      "AMPL: generated share / trained share; 1.00 passes the bias on as it was. Rejected, off-support: of all "
      "images.\n");
  return absl::StrCat(table.ToText(style), meaning, JudgesText(results));
}

Table RawResultsTable(const v1::GetResultsResponse& results) {
  Table table({{"job"},
               {"model"},
               {"bias_point"},
               {"class"},
               {"trained_images"},
               {"trained_share"},
               {"generated_mean"},
               {"generated_sd"},
               {"generated_low"},
               {"generated_high"},
               {"amplification"},
               {"rejected_mean"},
               {"rejected_sd"},
               {"rejected_low"},
               {"rejected_high"},
               {"off_support_mean"},
               {"off_support_sd"},
               {"off_support_low"},
               {"off_support_high"},
               {"runs_succeeded"},
               {"runs_total"}});
  for (const v1::ResultCell& cell : results.cells()) {
    for (const v1::ClassResult& result : cell.classes()) {
      std::vector<std::string> row = {results.job_id(),
                                      cell.model(),
                                      CountsText(cell.bias_point().counts()),
                                      absl::StrCat(result.class_()),
                                      absl::StrCat(result.trained_images()),
                                      RawNumber(result.trained_share())};
      AppendEstimate(result.has_generated(), result.generated(), row);
      row.push_back(result.has_amplification() ? RawNumber(result.amplification()) : "");
      AppendEstimate(cell.has_rejected(), cell.rejected(), row);
      AppendEstimate(cell.has_off_support(), cell.off_support(), row);
      row.push_back(absl::StrCat(cell.runs_succeeded()));
      row.push_back(absl::StrCat(cell.runs_total()));
      table.AddRow(std::move(row));
    }
  }
  return table;
}

}  // namespace skew

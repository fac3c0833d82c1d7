#include "client/render/judges_table.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "client/render/cells.h"
#include "client/render/format.h"
#include "client/render/results_table.h"
#include "common/judge_results.h"

namespace skew {
namespace {

const v1::Classifier* JudgeIn(const v1::GetResultsResponse& results, const std::string& digest) {
  for (const v1::Classifier& one : results.classifiers()) {
    if (one.digest() == digest) return &one;
  }
  return nullptr;
}

std::string PercentText(bool present, const v1::Estimate& share) {
  if (!present) return "-";
  const std::string mean = Fixed(100 * share.mean(), 2);
  return share.has_sd() ? absl::StrCat(mean, " ± ", Fixed(100 * share.sd(), 2)) : mean;
}

std::string PercentInterval(const v1::Estimate& share) {
  if (!share.has_low() || !share.has_high()) return "-";
  return absl::StrCat(Fixed(100 * share.low(), 2), "..", Fixed(100 * share.high(), 2));
}

void AddEstimateCells(bool present, const v1::Estimate& share, std::vector<Cell>& row) {
  row.emplace_back(ExactIf(present, share.mean()));
  row.emplace_back(ExactIf(share.has_sd(), share.sd()));
  row.emplace_back(ExactIf(share.has_low(), share.low()));
  row.emplace_back(ExactIf(share.has_high(), share.high()));
}

void AddJudgeRows(const v1::ResultCell& cell, const std::string& bias_point, Table& table) {
  for (int c = 0; c < cell.classes_size(); ++c) {
    for (int j = 0; j < cell.judges_size(); ++j) {
      const v1::JudgeResult& judge = cell.judges(j);
      const v1::JudgeClassResult& one = judge.classes(c);
      const bool first = j == 0;
      const bool of_cell = c == 0;  // what concerns the whole cell stands once for each judge
      table.AddRow(
          {first && of_cell ? ShortModel(cell) : "", first && of_cell ? bias_point : "",
           first ? absl::StrCat(one.class_()) : "", ShortJudge(judge.classifier_digest()),
           PercentText(one.has_generated(), one.generated()), PercentText(one.has_corrected(), one.corrected()),
           PercentInterval(one.corrected()), of_cell ? Fixed(100 * judge.rejected().mean(), 2) : "",
           of_cell ? Fixed(100 * judge.off_support().mean(), 2) : "", of_cell ? absl::StrCat(judge.runs()) : ""});
    }
  }
}

}  // namespace

std::string ShortJudge(const std::string& digest) { return digest.substr(0, 8); }

std::string JudgeTrainingText(const v1::Classifier& judge) {
  if (!judge.has_spec()) return "";
  return absl::StrCat(judge.spec().epochs(), judge.spec().epochs() == 1 ? " epoch" : " epochs", ", seed ",
                      judge.spec().seed());
}

Table JudgesTable(const v1::GetResultsResponse& results) {
  Table table({{"model"},
               {"bias point"},
               {"class", "", true},
               {"judge"},
               {"generated %", "", true},
               {"corrected %", "", true},
               {"95% interval", "", true},
               {"rej. %", "", true},
               {"off %", "", true},
               {"runs", "", true}});
  const std::vector<std::string> points = ShortBiasPoints(results);
  for (int i = 0; i < results.cells_size(); ++i) {
    AddJudgeRows(results.cells(i), points[static_cast<size_t>(i)], table);
  }
  return table;
}

Table AllJudges(const v1::GetResultsResponse& results) {
  Table table({{"", "model"},
               {"", "bias_point"},
               {"", "class"},
               {"", "trained_share"},
               {"", "judge"},
               {"", "judge_epochs"},
               {"", "judge_seed"},
               {"", "judge_test_accuracy"},
               {"", "generated_mean"},
               {"", "generated_sd"},
               {"", "generated_low"},
               {"", "generated_high"},
               {"", "corrected_mean"},
               {"", "corrected_sd"},
               {"", "corrected_low"},
               {"", "corrected_high"},
               {"", "rejected_share"},
               {"", "off_support_share"},
               {"", "runs"}});
  for (const v1::ResultCell& cell : results.cells()) {
    for (int c = 0; c < cell.classes_size(); ++c) {
      for (const v1::JudgeResult& judge : cell.judges()) {
        const v1::JudgeClassResult& one = judge.classes(c);
        const v1::Classifier* known = JudgeIn(results, judge.classifier_digest());
        const bool has_spec = known != nullptr && known->has_spec();
        std::vector<Cell> row = {cell.model(),
                                 CountsText(cell.bias_point().counts()),
                                 absl::StrCat(one.class_()),
                                 Exact(cell.classes(c).trained_share()),
                                 judge.classifier_digest(),
                                 has_spec ? absl::StrCat(known->spec().epochs()) : "",
                                 has_spec ? absl::StrCat(known->spec().seed()) : "",
                                 known != nullptr ? Exact(known->test_accuracy()) : ""};
        AddEstimateCells(one.has_generated(), one.generated(), row);
        AddEstimateCells(one.has_corrected(), one.corrected(), row);
        row.emplace_back(Exact(judge.rejected().mean()));
        row.emplace_back(Exact(judge.off_support().mean()));
        row.emplace_back(absl::StrCat(judge.runs()));
        table.AddRow(std::move(row));
      }
    }
  }
  return table;
}

std::string JudgesSentence(const v1::GetResultsResponse& results) {
  const std::string spread = JudgeSpreadText(results);
  return spread.empty() ? "" : absl::StrCat("The ", spread, ".");
}

}  // namespace skew

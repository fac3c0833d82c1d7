#include "common/judge_results.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "common/result_parts.h"
#include "common/results.h"
#include "common/stats/cell.h"
#include "common/stats/student.h"

namespace skew {
namespace {

struct JudgedImages {
  std::string digest;
  std::vector<const v1::ClassHistogram*> histograms;
};

// By judge, in the order in which they come.
std::vector<JudgedImages> ByJudge(absl::Span<const v1::Run* const> runs) {
  std::vector<JudgedImages> judges;
  const auto add = [&](const v1::ClassHistogram& histogram) {
    const auto known = std::find_if(judges.begin(), judges.end(), [&](const JudgedImages& one) {
      return one.digest == histogram.classifier_digest();
    });
    JudgedImages& judge = known != judges.end() ? *known : judges.emplace_back();
    judge.digest = histogram.classifier_digest();
    judge.histograms.push_back(&histogram);
  };
  for (const v1::Run* run : runs) {
    add(run->histogram());
    for (const v1::ClassHistogram& further : run->histogram().more_judges()) add(further);
  }
  return judges;
}

template <typename Count>
v1::Estimate ShareOfAll(const JudgedImages& judged, Count count) {
  std::vector<double> shares;
  for (const v1::ClassHistogram* one : judged.histograms) {
    shares.push_back(static_cast<double>(count(*one)) / static_cast<double>(std::max(one->images(), 1)));
  }
  return EstimateOf(shares);
}

// Over the runs with an accepted image.
void SetShares(const std::string& model, const JudgedImages& judged, const std::vector<int>& labels,
               const std::vector<int64_t>& trained, Judges& judges, v1::JudgeResult& result) {
  std::vector<std::vector<int64_t>> counts;
  for (const v1::ClassHistogram* one : judged.histograms) {
    if (AcceptedImages(*one) > 0) counts.push_back(AcceptedCounts(*one, labels));
  }
  if (counts.empty()) return;
  const JudgeCorrections* judge = judges.Find(judged.digest, labels, JudgedOnOf(model));
  const stats::CellEstimate estimate =
      stats::EstimateCell(counts, trained, judge != nullptr ? &judge->decisions : nullptr);
  for (size_t c = 0; c < labels.size(); ++c) {
    v1::JudgeClassResult& one = *result.mutable_classes(static_cast<int>(c));
    *one.mutable_generated() = ToEstimate(estimate.classes[c].generated);
    if (estimate.classes[c].corrected.has_value())
      *one.mutable_corrected() = ToEstimate(*estimate.classes[c].corrected);
  }
}

v1::JudgeResult JudgeResultOf(const std::string& model, const JudgedImages& judged, const std::vector<int>& labels,
                              const std::vector<int64_t>& trained, Judges& judges) {
  v1::JudgeResult result;
  result.set_classifier_digest(judged.digest);
  result.set_runs(static_cast<int32_t>(judged.histograms.size()));
  for (const int label : labels) result.add_classes()->set_class_(label);
  SetShares(model, judged, labels, trained, judges, result);
  *result.mutable_rejected() = ShareOfAll(judged, [](const v1::ClassHistogram& one) { return one.rejected(); });
  *result.mutable_off_support() = ShareOfAll(judged, [](const v1::ClassHistogram& one) { return one.off_support(); });
  return result;
}

// Of at least two means.
v1::JudgeSpread SpreadOf(const std::vector<double>& means) {
  const auto [low, high] = std::minmax_element(means.begin(), means.end());
  v1::JudgeSpread spread;
  spread.set_judges(static_cast<int32_t>(means.size()));
  spread.set_sd(*stats::EstimateMean(means).sd);
  spread.set_low(*low);
  spread.set_high(*high);
  return spread;
}

void SetSpreads(int32_t runs, v1::ResultCell& cell) {
  for (int c = 0; c < cell.classes_size(); ++c) {
    std::vector<double> generated;
    std::vector<double> corrected;
    for (const v1::JudgeResult& judge : cell.judges()) {
      const v1::JudgeClassResult& one = judge.classes(c);
      if (judge.runs() < runs || !one.has_generated()) continue;
      generated.push_back(one.generated().mean());
      if (one.has_corrected()) corrected.push_back(one.corrected().mean());
    }
    if (generated.size() < 2) continue;
    *cell.mutable_classes(c)->mutable_judge_spread() = SpreadOf(generated);
    if (corrected.size() < generated.size()) continue;
    *cell.mutable_classes(c)->mutable_corrected_judge_spread() = SpreadOf(corrected);
  }
}

// Where the judges are furthest apart.
struct Furthest {
  const v1::ResultCell* cell = nullptr;
  int32_t label = 0;
  v1::JudgeSpread spread;

  double range() const { return spread.high() - spread.low(); }
  void Take(const v1::ResultCell& of, const v1::ClassResult& one, const v1::JudgeSpread& other) {
    constexpr double kSame = 1e-9;  // of two classes, the shares are apart alike
    if (cell != nullptr && other.high() - other.low() <= range() + kSame) return;
    cell = &of;
    label = one.class_();
    spread = other;
  }
  std::string Place() const {
    const std::map<int32_t, int32_t> counts(cell->bias_point().counts().begin(), cell->bias_point().counts().end());
    return absl::StrFormat("(%s, %s, class %d)", cell->model(), absl::StrJoin(counts, " ", absl::PairFormatter(":")),
                           label);
  }
};

template <typename Cells>
std::string SpreadText(const Cells& cells) {
  Furthest raw;
  Furthest corrected;
  for (const v1::ResultCell& cell : cells) {
    for (const v1::ClassResult& one : cell.classes()) {
      if (one.has_judge_spread()) raw.Take(cell, one, one.judge_spread());
      if (one.has_corrected_judge_spread()) corrected.Take(cell, one, one.corrected_judge_spread());
    }
  }
  if (raw.cell == nullptr) return "";
  std::string text = absl::StrFormat("%d judges differ by up to %.2f percentage points in a mean share %s",
                                     raw.spread.judges(), 100 * raw.range(), raw.Place());
  if (corrected.cell != nullptr) {
    absl::StrAppendFormat(&text, "; corrected, by up to %.2f %s", 100 * corrected.range(), corrected.Place());
  }
  return text;
}

}  // namespace

bool HaveMoreJudges(absl::Span<const v1::Run> runs) {
  return std::any_of(runs.begin(), runs.end(),
                     [](const v1::Run& run) { return HasResult(run) && run.histogram().more_judges_size() > 0; });
}

void AddJudgeResults(absl::Span<const v1::Run* const> runs, Judges& judges, v1::ResultCell& cell) {
  const std::vector<JudgedImages> judged = ByJudge(runs);
  if (judged.size() < 2) return;
  std::vector<int> labels;
  std::vector<int64_t> trained;
  for (const v1::ClassResult& one : cell.classes()) {
    labels.push_back(one.class_());
    trained.push_back(one.trained_images());
  }
  for (const JudgedImages& one : judged) *cell.add_judges() = JudgeResultOf(cell.model(), one, labels, trained, judges);
  SetSpreads(static_cast<int32_t>(runs.size()), cell);
}

std::string JudgeSpreadText(const std::vector<v1::ResultCell>& cells) { return SpreadText(cells); }
std::string JudgeSpreadText(const v1::GetResultsResponse& results) { return SpreadText(results.cells()); }

}  // namespace skew

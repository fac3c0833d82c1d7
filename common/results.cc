#include "common/results.h"

#include <cmath>
#include <limits>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "common/expansion.h"
#include "common/image_measure_results.h"
#include "common/judge_results.h"
#include "common/judges.h"
#include "common/null_arm.h"
#include "common/result_parts.h"
#include "common/stats/cell.h"
#include "common/stats/divergence.h"
#include "common/stats/proportion.h"
#include "common/stats/student.h"

namespace skew {
namespace {

using Point = std::map<int32_t, int32_t>;

// The finished runs of one cell.
struct Cell {
  const v1::Run* any = nullptr;
  int32_t total = 0;
  std::vector<const v1::Run*> runs;

  // Those that generated something of the job's classes.
  std::vector<const v1::Run*> Accepted() const {
    std::vector<const v1::Run*> accepted;
    for (const v1::Run* run : runs) {
      if (AcceptedImages(run->histogram()) > 0) accepted.push_back(run);
    }
    return accepted;
  }
};

v1::Interval ToProto(const stats::Interval& interval) {
  v1::Interval result;
  result.set_low(interval.low);
  result.set_high(interval.high);
  return result;
}

v1::Divergences ToProto(const stats::DivergenceEstimates& estimates) {
  v1::Divergences result;
  *result.mutable_total_variation() = ToEstimate(estimates.total_variation);
  *result.mutable_kl_generated_trained() = ToEstimate(estimates.kl_generated_trained);
  if (std::isfinite(estimates.kl_trained_generated.mean)) {
    *result.mutable_kl_trained_generated() = ToEstimate(estimates.kl_trained_generated);
  }
  *result.mutable_jensen_shannon() = ToEstimate(estimates.jensen_shannon);
  *result.mutable_hellinger() = ToEstimate(estimates.hellinger);
  *result.mutable_fairness_discrepancy() = ToEstimate(estimates.fairness_discrepancy);
  return result;
}

void SetEstimates(const stats::ClassEstimate& estimate, v1::ClassResult& result) {
  *result.mutable_generated() = ToEstimate(estimate.generated);
  result.set_amplification(estimate.amplification);
  *result.mutable_delta() = ToEstimate(estimate.delta);
  if (estimate.over_dispersion.has_value()) result.set_over_dispersion(*estimate.over_dispersion);
  if (!estimate.corrected.has_value()) return;
  *result.mutable_corrected() = ToEstimate(*estimate.corrected);
  result.set_corrected_amplification(*estimate.corrected_amplification);
  *result.mutable_corrected_delta() = ToEstimate(*estimate.corrected_delta);
}

// Accuracies with class `c` of the two first.
stats::TwoClassAccuracy SeenFrom(size_t c, const stats::TwoClassAccuracy& accuracy) {
  return c == 0 ? accuracy : stats::TwoClassAccuracy{accuracy.second, accuracy.first};
}

void SetCleam(const stats::CellEstimate& estimate, const stats::TwoClassAccuracy& accuracy, v1::ResultCell& result) {
  for (size_t c = 0; c < estimate.classes.size(); ++c) {
    *result.mutable_classes(static_cast<int>(c))->mutable_cleam() =
        ToEstimate(stats::CleamEstimate(estimate.classes[c].generated, SeenFrom(c, accuracy)));
  }
}

// The mean softmax outputs of a run for the job's classes; empty when they are not there for all of the judge's.
std::vector<double> PosteriorsOf(const v1::ClassHistogram& histogram, const std::vector<int>& labels) {
  const auto& outputs = histogram.mean_posterior();
  if (outputs.size() <= labels.back()) return {};
  return stats::Restrict(absl::MakeConstSpan(outputs.data(), static_cast<size_t>(outputs.size())), labels);
}

void SetPacc(const std::vector<const v1::Run*>& runs, const std::vector<int>& labels,
             const stats::JudgeCorrection& judge, v1::ResultCell& result) {
  std::vector<std::vector<double>> observed;
  std::vector<double> images;
  observed.reserve(runs.size());
  images.reserve(runs.size());
  for (const v1::Run* run : runs) {
    observed.push_back(PosteriorsOf(run->histogram(), labels));
    images.push_back(run->histogram().images());
    if (observed.back().empty()) return;
  }
  const std::vector<stats::MeanEstimate> shares = stats::CorrectedShares(observed, images, judge);
  for (size_t c = 0; c < labels.size(); ++c) {
    *result.mutable_classes(static_cast<int>(c))->mutable_pacc() = ToEstimate(shares[c]);
  }
}

template <typename Count>
v1::Estimate ShareOfImages(const Cell& cell, Count count) {
  std::vector<double> shares;
  for (const v1::Run* run : cell.runs) {
    shares.push_back(static_cast<double>(count(run->histogram())) / static_cast<double>(run->histogram().images()));
  }
  return EstimateOf(shares);
}

void SetCorrected(const v1::ClassHistogram& histogram, const std::vector<int>& labels,
                  const std::vector<double>& shares, const JudgeCorrections& judge, v1::RunResult& result) {
  const std::vector<double> corrected = judge.decisions.mean.Shares(shares);
  const std::vector<double> posteriors = PosteriorsOf(histogram, labels);
  std::vector<double> pacc;
  if (judge.posteriors.has_value() && !posteriors.empty()) pacc = judge.posteriors->mean.Shares(posteriors);
  for (size_t c = 0; c < shares.size(); ++c) {
    v1::RunClassResult& one = *result.mutable_classes(static_cast<int>(c));
    one.set_corrected(corrected[c]);
    if (!pacc.empty()) one.set_pacc(pacc[c]);
    if (judge.accuracy.has_value()) one.set_cleam(stats::CleamShare(shares[c], SeenFrom(c, *judge.accuracy)));
  }
}

v1::RunResult RunResultOf(const v1::Run& run, const Point& point, absl::Span<const int64_t> trained,
                          const std::vector<int>& labels, const JudgeCorrections* judge) {
  const std::vector<int64_t> counts = AcceptedCounts(run.histogram(), labels);
  const std::vector<double> shares = stats::SharesOf(counts);
  const std::vector<stats::Interval> goodman = stats::GoodmanIntervals(counts);
  const int64_t accepted = AcceptedImages(run.histogram());
  v1::RunResult result;
  result.set_run_id(run.id());
  result.set_iteration(run.iteration());
  size_t c = 0;
  for (const auto& [label, count] : point) {
    v1::RunClassResult& one = *result.add_classes();
    one.set_class_(label);
    one.set_images(static_cast<int32_t>(counts[c]));
    one.set_share(shares[c]);
    *one.mutable_wilson() = ToProto(stats::WilsonInterval(counts[c], accepted));
    *one.mutable_clopper_pearson() = ToProto(stats::ClopperPearsonInterval(counts[c], accepted));
    *one.mutable_goodman() = ToProto(goodman[c++]);
  }
  if (judge != nullptr) SetCorrected(run.histogram(), labels, shares, *judge, result);
  const stats::GoodnessOfFit chi_square = stats::ChiSquareTest(counts, stats::SharesOf(trained));
  const stats::GoodnessOfFit g = stats::GTest(counts, stats::SharesOf(trained));
  result.set_chi_square(chi_square.statistic);
  result.set_chi_square_p(chi_square.p);
  result.set_g_statistic(g.statistic);
  result.set_g_p(g.p);
  return result;
}

// The one judge of these runs; empty when they have several.
std::string JudgeOf(const std::vector<const v1::Run*>& runs) {
  for (const v1::Run* run : runs) {
    if (run->histogram().classifier_digest() != runs.front()->histogram().classifier_digest()) return "";
  }
  return runs.empty() ? "" : runs.front()->histogram().classifier_digest();
}

void AddEstimates(const Cell& cell, const Point& point, Judges& judges, bool include_runs, v1::ResultCell& result) {
  const std::vector<const v1::Run*> accepted = cell.Accepted();
  if (accepted.empty()) return;
  std::vector<int> labels;
  std::vector<int64_t> trained;
  for (const auto& [label, count] : point) {
    labels.push_back(label);
    trained.push_back(count);
  }
  std::vector<std::vector<int64_t>> counts;
  counts.reserve(accepted.size());
  for (const v1::Run* run : accepted) counts.push_back(AcceptedCounts(run->histogram(), labels));
  const JudgeCorrections* judge = judges.Find(JudgeOf(accepted), labels, JudgedOnOf(result.model()));
  const stats::CellEstimate estimate =
      stats::EstimateCell(counts, trained, judge != nullptr ? &judge->decisions : nullptr);
  for (size_t c = 0; c < labels.size(); ++c) {
    SetEstimates(estimate.classes[c], *result.mutable_classes(static_cast<int>(c)));
  }
  *result.mutable_divergences() = ToProto(estimate.divergences);
  if (estimate.corrected_divergences.has_value()) {
    *result.mutable_corrected_divergences() = ToProto(*estimate.corrected_divergences);
  }
  if (judge != nullptr && judge->posteriors.has_value()) SetPacc(accepted, labels, *judge->posteriors, result);
  if (judge != nullptr && judge->accuracy.has_value()) SetCleam(estimate, *judge->accuracy, result);
  if (!include_runs) return;
  for (const v1::Run* run : accepted) *result.add_runs() = RunResultOf(*run, point, trained, labels, judge);
}

v1::ResultCell ResultCellOf(const Point& point, const Cell& cell, Judges& judges, bool include_runs) {
  v1::ResultCell result;
  result.set_model_index(cell.any->model_index());
  result.set_model(cell.any->model());
  *result.mutable_bias_point() = cell.any->bias_point();
  result.set_runs_total(cell.total);
  result.set_runs_succeeded(static_cast<int32_t>(cell.runs.size()));
  result.set_runs_counted(static_cast<int32_t>(cell.Accepted().size()));
  int64_t trained = 0;
  for (const auto& [label, count] : point) trained += count;
  for (const auto& [label, count] : point) {
    v1::ClassResult& one = *result.add_classes();
    one.set_class_(label);
    one.set_trained_images(count);
    one.set_trained_share(static_cast<double>(count) / static_cast<double>(trained));
  }
  if (cell.runs.empty()) return result;
  *result.mutable_rejected() = ShareOfImages(cell, [](const v1::ClassHistogram& one) { return one.rejected(); });
  *result.mutable_off_support() = ShareOfImages(cell, [](const v1::ClassHistogram& one) { return one.off_support(); });
  AddEstimates(cell, point, judges, include_runs, result);
  AddJudgeResults(cell.runs, judges, result);
  for (v1::MeasureResult& measure : MeasureResultsOf(cell.runs)) *result.add_image_measures() = std::move(measure);
  return result;
}

}  // namespace

stats::JudgedOn JudgedOnOf(const std::string& model) {
  return TrainsNothing(model) ? stats::JudgedOn::kHeldOutImages : stats::JudgedOn::kAnyImages;
}

v1::Estimate ToEstimate(const stats::MeanEstimate& estimate) {
  v1::Estimate result;
  result.set_mean(estimate.mean);
  if (estimate.sd.has_value()) result.set_sd(*estimate.sd);
  if (estimate.interval.has_value()) {
    result.set_low(estimate.interval->low);
    result.set_high(estimate.interval->high);
  }
  return result;
}

std::vector<int64_t> AcceptedCounts(const v1::ClassHistogram& histogram, absl::Span<const int> labels) {
  std::vector<int64_t> counts;
  counts.reserve(labels.size());
  for (const int label : labels) {
    const auto found = histogram.counts().find(label);
    counts.push_back(found == histogram.counts().end() ? 0 : found->second);
  }
  return counts;
}

bool HasResult(const v1::Run& run) {
  return run.state() == v1::SUCCEEDED && run.histogram().final() && run.histogram().images() > 0;
}

int64_t AcceptedImages(const v1::ClassHistogram& histogram) {
  int64_t sum = 0;
  for (const auto& [label, count] : histogram.counts()) sum += count;
  return sum;
}

std::set<std::string> JudgesOf(absl::Span<const v1::Run> runs) {
  std::set<std::string> digests;
  for (const v1::Run& run : runs) {
    if (HasResult(run) && AcceptedImages(run.histogram()) > 0) digests.insert(run.histogram().classifier_digest());
  }
  return digests;
}

v1::Estimate EstimateOf(absl::Span<const double> values) { return ToEstimate(stats::EstimateMean(values)); }

double GeneratedShare(const v1::ClassHistogram& histogram, int32_t label) {
  const int64_t sum = AcceptedImages(histogram);
  const auto found = histogram.counts().find(label);
  if (sum == 0) return std::numeric_limits<double>::quiet_NaN();
  return found == histogram.counts().end() ? 0.0 : static_cast<double>(found->second) / static_cast<double>(sum);
}

std::vector<v1::ResultCell> ComputeResults(absl::Span<const v1::Run> runs, absl::Span<const v1::Classifier> classifiers,
                                           bool include_runs) {
  std::map<CellKey, Cell> cells;
  for (const v1::Run& run : runs) {
    Cell& cell = cells[CellOf(run)];
    cell.any = &run;
    ++cell.total;
    if (HasResult(run)) cell.runs.push_back(&run);
  }
  Judges judges(classifiers);
  std::vector<v1::ResultCell> results;
  results.reserve(cells.size());
  for (const auto& [key, cell] : cells) results.push_back(ResultCellOf(key.first, cell, judges, include_runs));
  return results;
}

}  // namespace skew

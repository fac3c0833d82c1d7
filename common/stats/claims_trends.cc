// H5 and H7: what rises or falls with the minority's share.
#include <algorithm>
#include <string>
#include <utility>

#include "common/stats/amplification.h"
#include "common/stats/claim_tests.h"
#include "common/stats/random.h"

namespace skew::stats {
namespace {

constexpr int kResamples = 1000;

double Images(const StudyRun& run) {
  double sum = 0;
  for (const auto& [label, count] : run.counts) sum += static_cast<double>(count);
  return sum;
}

// What each run adds to rho, for the bias points with two runs or more, in the order of the training share.
std::vector<std::vector<double>> DispersionParts(const StudyView& view, const Series& series, Shown shown) {
  std::vector<std::vector<double>> groups;
  for (const RunList& runs : BiasPointsOf(series.runs, series.label)) {
    std::vector<double> shares;
    std::vector<double> images;
    for (const StudyRun* run : runs) {
      shares.push_back(view.ShareOf(*run, series.label, shown));
      images.push_back(Images(*run));
    }
    std::vector<double> parts = OverDispersionParts(shares, images);
    if (!parts.empty()) groups.push_back(std::move(parts));
  }
  return groups;
}

// Percentile bootstrap of the trend, resampling the runs of each bias point.
Interval TrendInterval(const std::vector<std::vector<double>>& groups, uint64_t seed) {
  Random random(seed);
  std::vector<double> effects;
  for (int i = 0; i < kResamples; ++i) {
    std::vector<std::vector<double>> resampled;
    for (const std::vector<double>& group : groups) {
      std::vector<double>& values = resampled.emplace_back();
      for (size_t j = 0; j < group.size(); ++j) values.push_back(group[random.Below(group.size())]);
    }
    effects.push_back(JonckheereEffect(resampled));
  }
  std::sort(effects.begin(), effects.end());
  return {effects[static_cast<size_t>(0.025 * kResamples)], effects[static_cast<size_t>(0.975 * kResamples) - 1]};
}

Draft PredictabilityDraft(const StudyView& view, const Series& series) {
  Draft draft = NewDraft("H5", "predictability", series.arm, "trend of rho");
  Finding& finding = draft.finding;
  finding.label = series.label;
  finding.predicted = -1;
  finding.unit = "runs";
  FillByShares(
      view,
      [&](Shown shown) -> std::optional<ClaimTest> {
        const std::vector<std::vector<double>> groups = DispersionParts(view, series, shown);
        if (groups.size() < 2) return std::nullopt;
        finding.units = 0;
        for (const std::vector<double>& group : groups) finding.units += static_cast<int>(group.size());
        const TrendTest trend = JonckheereTest(groups);
        ClaimTest test;
        test.statistic_name = "J";
        test.statistic = trend.statistic;
        test.effect = trend.effect;
        test.interval = TrendInterval(groups, view.options().seed);
        test.p = trend.p;
        return test;
      },
      draft);
  if (!finding.raw.p.has_value()) finding.note = "needs two bias points or more with two iterations or more";
  return draft;
}

std::optional<Draft> LossDraft(const std::string& arm, const RunList& runs) {
  std::vector<double> shares;
  std::vector<double> losses;
  for (const StudyRun* run : runs) {
    if (!run->largest_generator_loss.has_value()) continue;
    shares.push_back(TrainedShare(*run, MinorityOf(*run)));
    losses.push_back(*run->largest_generator_loss);
  }
  const std::optional<RankCorrelation> correlation = SpearmanTest(shares, losses);
  if (!correlation.has_value()) return std::nullopt;
  Draft draft = NewDraft("H7", "loss", arm, "rank correlation");
  draft.finding.predicted = -1;
  draft.finding.units = static_cast<int>(shares.size());
  draft.finding.unit = "runs";
  ClaimTest& test = draft.finding.raw;
  test.statistic_name = "rho";
  test.statistic = correlation->statistic;
  test.effect = correlation->statistic;
  test.interval = correlation->interval;
  test.p = correlation->p;
  return draft;
}

}  // namespace

void DraftTrendClaims(const StudyView& view, std::vector<Draft>& drafts) {
  for (const Series& series : view.series()) drafts.push_back(PredictabilityDraft(view, series));
  if (view.series().empty()) {
    drafts.push_back(Untested("H5", "predictability", "", "needs two bias points or more in a job"));
  }
  bool any = false;
  for (const auto& [arm, runs] : view.arms()) {
    if (runs.front()->family != Family::kGan) continue;
    std::optional<Draft> draft = LossDraft(arm, runs);
    if (!draft.has_value()) continue;
    any = true;
    drafts.push_back(*std::move(draft));
  }
  if (!any) {
    drafts.push_back(
        Untested("H7", "loss", "", "needs a GAN's losses at two minority shares or more, in three runs or more"));
  }
}

}  // namespace skew::stats

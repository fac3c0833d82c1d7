// H5 and H7: what rises or falls with the minority's share.
#include <algorithm>
#include <numeric>
#include <string>
#include <utility>

#include "common/stats/amplification.h"
#include "common/stats/claim_tests.h"
#include "common/stats/random.h"

namespace skew::stats {
namespace {

constexpr int kResamples = 1000;
constexpr size_t kFewestToResample = 3;
constexpr size_t kFewestPoints = 3;
constexpr size_t kFewestToShow = 5;  // of four values, one order in 24 is the most extreme: p = 0.083

double Images(const StudyRun& run) {
  double sum = 0;
  for (const auto& [label, count] : run.counts) sum += static_cast<double>(count);
  return sum;
}

// The runs of each bias point that all complete replicates have, one of each and in the same order everywhere; bias
// points in the order of the training share. (Jobs of other seeds may have other bias points.)
std::vector<RunList> RunsByPoint(const Series& series) {
  const Replicates replicates = ReplicatesOf(series.runs);
  std::vector<RunList> points;
  for (const RunList& of_point : BiasPointsOf(series.runs, series.label)) {
    RunList runs;
    for (const RunList& replicate : replicates.complete) {
      const auto found = std::find_if(replicate.begin(), replicate.end(),
                                      [&](const StudyRun* run) { return run->trained == of_point.front()->trained; });
      if (found != replicate.end()) runs.push_back(*found);
    }
    if (runs.size() == replicates.complete.size()) points.push_back(std::move(runs));
  }
  return points;
}

// A class's shares in the runs of one bias point.
struct PointShares {
  std::vector<double> shares;
  std::vector<double> images;

  std::optional<double> Rho(absl::Span<const size_t> chosen) const {
    std::vector<double> some_shares;
    std::vector<double> some_images;
    for (const size_t i : chosen) {
      some_shares.push_back(shares[i]);
      some_images.push_back(images[i]);
    }
    return OverDispersion(some_shares, some_images);
  }
};

// rho of each bias point that has one, over the chosen replicates.
std::vector<std::vector<double>> Rhos(const std::vector<PointShares>& points, absl::Span<const size_t> chosen) {
  std::vector<std::vector<double>> rhos;
  for (const PointShares& point : points) {
    const std::optional<double> rho = point.Rho(chosen);
    if (rho.has_value()) rhos.push_back({*rho});
  }
  return rhos;
}

// Percentile bootstrap of the trend, resampling replicates, so that what bias points share stays together.
std::optional<Interval> TrendInterval(const std::vector<PointShares>& points, size_t replicates, uint64_t seed) {
  if (replicates < kFewestToResample) return std::nullopt;
  Random random(seed);
  std::vector<double> effects;
  std::vector<size_t> chosen(replicates);
  for (int i = 0; i < kResamples; ++i) {
    for (size_t& one : chosen) one = random.Below(replicates);
    const std::vector<std::vector<double>> rhos = Rhos(points, chosen);
    if (rhos.size() > 1) effects.push_back(JonckheereEffect(rhos));
  }
  if (effects.empty()) return std::nullopt;
  std::sort(effects.begin(), effects.end());
  const auto last = static_cast<double>(effects.size() - 1);
  return Interval{effects[static_cast<size_t>(0.025 * last)], effects[static_cast<size_t>(0.975 * last)]};
}

std::optional<ClaimTest> TestTrend(const std::vector<PointShares>& points, size_t replicates, uint64_t seed) {
  std::vector<size_t> all(replicates);
  std::iota(all.begin(), all.end(), size_t{0});
  const std::vector<std::vector<double>> rhos = Rhos(points, all);
  if (rhos.size() < kFewestPoints) return std::nullopt;
  const TrendTest trend = JonckheereTest(rhos);
  ClaimTest test;
  test.statistic_name = "J";
  test.statistic = trend.statistic;
  test.effect = trend.effect;
  test.interval = TrendInterval(points, replicates, seed);
  test.p = trend.p;
  return test;
}

// Every bias point has one value, rho over its iterations: if pi does not matter, all orders of them are equally
// likely, however few iterations there are. (The deviations of single runs are not: each is measured from a mean of
// all.)
Draft PredictabilityDraft(const StudyView& view, const Series& series) {
  Draft draft = NewDraft("H5", "predictability", series.arm, "trend of rho");
  Finding& finding = draft.finding;
  finding.label = series.label;
  finding.predicted = -1;
  finding.unit = kBiasPoints;
  const std::vector<RunList> by_point = RunsByPoint(series);
  const size_t replicates = by_point.empty() ? 0 : by_point.front().size();
  finding.units = static_cast<int>(by_point.size());
  if (replicates < 2 || by_point.size() < kFewestPoints) {
    AddNote("needs three bias points or more with two iterations or more", finding);
    return draft;
  }
  if (by_point.size() < kFewestToShow) AddNote("fewer than five bias points cannot show a trend", finding);
  FillByShares(
      view,
      [&](Shown shown) {
        std::vector<PointShares> points;
        for (const RunList& runs : by_point) {
          PointShares& point = points.emplace_back();
          for (const StudyRun* run : runs) {
            point.shares.push_back(view.ShareOf(*run, series.label, shown));
            point.images.push_back(Images(*run));
          }
        }
        return TestTrend(points, replicates, view.options().seed);
      },
      draft);
  return draft;
}

// Every replicate has all bias points: what an iteration adds to all of its losses is in all shares alike, and makes
// the test rather too careful.
std::optional<Draft> LossDraft(const std::string& arm, const RunList& runs) {
  std::vector<double> shares;
  std::vector<double> losses;
  for (const RunList& replicate : ReplicatesOf(runs).complete) {
    for (const StudyRun* run : replicate) {
      if (!run->largest_generator_loss.has_value()) continue;
      shares.push_back(TrainedShare(*run, MinorityOf(*run)));
      losses.push_back(*run->largest_generator_loss);
    }
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
    drafts.push_back(Untested("H5", "predictability", "", "needs three bias points or more in a job"));
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

// H5 and H7: what rises or falls with the minority's share.
#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <string>
#include <utility>

#include "common/stats/amplification.h"
#include "common/stats/claim_tests.h"
#include "common/stats/student.h"

namespace skew::stats {
namespace {

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

// Of one bias point: a class's training share, and its shares in the runs.
struct PointShares {
  double log_odds = 0;  // to the base of 2
  std::vector<double> shares;
  std::vector<double> images;
};

// A class's rho at the bias points that have one.
struct Rhos {
  std::vector<double> log_odds;
  std::vector<double> rho;
  std::vector<bool> varies;
  std::vector<double> images;  // of all their runs
  std::map<double, std::vector<double>> by_odds;

  void Add(const PointShares& point) {
    const std::optional<double> one = OverDispersion(point.shares, point.images);
    if (!one.has_value()) return;
    log_odds.push_back(point.log_odds);
    rho.push_back(*one);
    varies.push_back(Variance(point.shares) > 0);
    images.insert(images.end(), point.images.begin(), point.images.end());
    by_odds[point.log_odds].push_back(*one);
  }

  std::vector<std::vector<double>> Groups() const {
    std::vector<std::vector<double>> groups;
    groups.reserve(by_odds.size());
    for (const auto& [odds, of_odds] : by_odds) groups.push_back(of_odds);
    return groups;
  }

  // log2(rho + 1 / n), the logarithm of a run's whole variance in units of p (1 - p). One n, the harmonic mean, so that
  // the order is that of rho; where runs do not differ at all, the smallest of the others'.
  std::vector<double> LogVariances() const {
    double inverse = 0;
    for (const double n : images) inverse += 1 / n / static_cast<double>(images.size());
    std::vector<double> logs;
    double smallest = std::numeric_limits<double>::infinity();
    for (size_t i = 0; i < rho.size(); ++i) {
      const bool finite = varies[i] && rho[i] + inverse > 0;
      logs.push_back(finite ? std::log2(rho[i] + inverse) : -std::numeric_limits<double>::infinity());
      if (finite) smallest = std::min(smallest, logs.back());
    }
    for (double& one : logs) one = std::isinf(one) ? (std::isinf(smallest) ? 0 : smallest) : one;
    return logs;
  }
};

// As what the standard deviation is multiplied by when the odds double.
double AsFactor(double slope) { return std::exp2(slope / 2); }

std::optional<ClaimTest> TestTrend(const std::vector<PointShares>& points) {
  Rhos rhos;
  for (const PointShares& point : points) rhos.Add(point);
  if (rhos.by_odds.size() < kFewestPoints) return std::nullopt;
  const RankTest trend = JonckheereTest(rhos.Groups());
  const SlopeEstimate slope = *TheilSenSlope(rhos.log_odds, rhos.LogVariances());
  ClaimTest test;
  test.statistic_name = "J";
  test.statistic = trend.statistic;
  test.effect = AsFactor(slope.slope);
  if (slope.interval.has_value()) test.interval = {AsFactor(slope.interval->low), AsFactor(slope.interval->high)};
  test.p = trend.p;
  return test;
}

// Every bias point has one value, rho over its iterations: if pi does not matter, all orders of them are equally
// likely, however few iterations there are. (The deviations of single runs are not: each is measured from a mean of
// all.)
Draft PredictabilityDraft(const StudyView& view, const Series& series) {
  Draft draft = NewDraft("H5", "predictability", series.arm, "sd per doubling");
  Finding& finding = draft.finding;
  finding.label = series.label;
  finding.null = 1;
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
          point.log_odds = Logit(TrainedShare(*runs.front(), series.label)) / std::log(2);
          for (const StudyRun* run : runs) {
            point.shares.push_back(view.ShareOf(*run, series.label, shown));
            point.images.push_back(Images(*run));
          }
        }
        return TestTrend(points);
      },
      draft);
  if (!finding.raw.p.has_value()) AddNote("needs three bias points or more at which the class is generated", finding);
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

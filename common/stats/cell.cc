#include "common/stats/cell.h"

#include <algorithm>
#include <cmath>

#include "absl/functional/function_ref.h"
#include "common/stats/amplification.h"
#include "common/stats/divergence.h"

namespace skew::stats {
namespace {

using Shares = std::vector<double>;

// One value per run, of the run's shares and its images.
using OfRun = absl::FunctionRef<double(const Shares& shares, double images)>;

struct Runs {
  std::vector<Shares> shares;
  std::vector<double> images;

  std::vector<double> Values(OfRun value) const {
    std::vector<double> values;
    for (size_t i = 0; i < shares.size(); ++i) values.push_back(value(shares[i], images[i]));
    return values;
  }
  MeanEstimate Estimate(OfRun value) const { return EstimateMean(Values(value)); }
};

Runs RawRuns(absl::Span<const std::vector<int64_t>> counts) {
  Runs runs;
  for (const std::vector<int64_t>& one : counts) {
    runs.shares.push_back(SharesOf(one));
    runs.images.push_back(Sum(one));
  }
  return runs;
}

Runs Corrected(const Runs& raw, const Correction& correction) {
  Runs runs;
  for (const Shares& shares : raw.shares) runs.shares.push_back(correction.Solve(shares));
  runs.images = raw.images;
  return runs;
}

Runs Projected(const Runs& runs) {
  Runs projected;
  for (const Shares& shares : runs.shares) projected.shares.push_back(ProjectOntoSimplex(shares));
  projected.images = runs.images;
  return projected;
}

DivergenceEstimates DivergencesOf(const Runs& runs, const Shares& trained) {
  const Shares equal(trained.size(), 1.0 / static_cast<double>(trained.size()));
  DivergenceEstimates estimates;
  estimates.total_variation = runs.Estimate([&](const Shares& g, double) { return TotalVariation(g, trained); });
  estimates.kl_generated_trained = runs.Estimate([&](const Shares& g, double) { return KullbackLeibler(g, trained); });
  estimates.kl_trained_generated = runs.Estimate([&](const Shares& g, double) { return KullbackLeibler(trained, g); });
  estimates.jensen_shannon = runs.Estimate([&](const Shares& g, double) { return JensenShannon(g, trained); });
  estimates.hellinger = runs.Estimate([&](const Shares& g, double) { return Hellinger(g, trained); });
  estimates.fairness_discrepancy =
      runs.Estimate([&](const Shares& g, double) { return FairnessDiscrepancy(g, equal); });
  return estimates;
}

// Mean and sd of the values with the mean correction, and the interval over all draws.
MeanEstimate WithJudge(const Runs& mean, absl::Span<const Runs> draws, OfRun value) {
  MeanEstimate estimate = mean.Estimate(value);
  if (mean.shares.size() < 2 || draws.empty()) return estimate;
  std::vector<std::vector<double>> samples;
  for (const Runs& draw : draws) samples.push_back(draw.Values(value));
  estimate.interval = StudentMixture::OfMeans(samples).CentralInterval();
  return estimate;
}

constexpr double kLeastVariance = 0.5;  // of the runs' images of a class

// The harmonic mean.
double TypicalImages(const Runs& runs) {
  double inverse = 0;
  for (const double images : runs.images) inverse += 1 / images;
  return static_cast<double>(runs.images.size()) / inverse;
}

void Widen(double half_width, MeanEstimate& estimate) {
  estimate.interval->low = std::min(estimate.interval->low, estimate.mean - half_width);
  estimate.interval->high = std::max(estimate.interval->high, estimate.mean + half_width);
}

// To what it is at least.
void WidenShare(const Runs& runs, MeanEstimate& share) {
  if (!share.interval.has_value()) return;
  Widen(HalfWidth(std::sqrt(kLeastVariance) / TypicalImages(runs), runs.images.size()), share);
}

// Runs that have no image of the class, or none of another, which have no logit but the smoothed one.
size_t WithoutLogit(const Runs& runs, size_t label) {
  return static_cast<size_t>(std::count_if(runs.shares.begin(), runs.shares.end(), [label](const Shares& shares) {
    return shares[label] <= 0 || shares[label] >= 1;
  }));
}

// The derivative of the smoothed logit by the images of the class turns their standard deviation into its own.
void WidenDelta(const Runs& runs, size_t label, double mean_share, MeanEstimate& delta) {
  if (!delta.interval.has_value()) return;
  if (2 * WithoutLogit(runs, label) > runs.shares.size()) {
    delta.interval.reset();
    return;
  }
  const double images = TypicalImages(runs);
  const double own = images * mean_share;
  const double slope = 1 / (own + 0.5) + 1 / (images - own + 0.5);
  Widen(HalfWidth(std::sqrt(kLeastVariance) * slope, runs.images.size()), delta);
}

// On the simplex, the intervals in 0..1. `mean` and `draws` are corrected, not yet moved there.
std::vector<MeanEstimate> SharesWithJudge(const Runs& mean, absl::Span<const Runs> draws) {
  const size_t classes = mean.shares.front().size();
  Shares means;
  for (size_t c = 0; c < classes; ++c) {
    means.push_back(Mean(mean.Values([c](const Shares& g, double) { return g[c]; })));
  }
  means = ProjectOntoSimplex(means);
  std::vector<MeanEstimate> estimates;
  for (size_t c = 0; c < classes; ++c) {
    MeanEstimate& one = estimates.emplace_back(WithJudge(mean, draws, [c](const Shares& g, double) { return g[c]; }));
    one.mean = means[c];
    if (!one.interval.has_value()) continue;
    WidenShare(mean, one);
    one.interval->low = std::clamp(one.interval->low, 0.0, means[c]);
    one.interval->high = std::clamp(one.interval->high, means[c], 1.0);
  }
  return estimates;
}

std::vector<Runs> Drawn(const Runs& raw, const JudgeCorrection& judge) {
  std::vector<Runs> draws;
  draws.reserve(judge.draws.size());
  for (const Correction& draw : judge.draws) draws.push_back(Corrected(raw, draw));
  return draws;
}

void AddCorrected(const Runs& raw, const JudgeCorrection& judge, const Shares& trained, CellEstimate& cell) {
  const Runs mean = Corrected(raw, judge.mean);
  const Runs mean_projected = Projected(mean);
  const std::vector<Runs> draws = Drawn(raw, judge);
  std::vector<Runs> draws_projected;
  draws_projected.reserve(draws.size());
  for (const Runs& draw : draws) draws_projected.push_back(Projected(draw));
  const std::vector<MeanEstimate> shares = SharesWithJudge(mean, draws);
  for (size_t c = 0; c < trained.size(); ++c) {
    ClassEstimate& one = cell.classes[c];
    one.corrected_amplification = Amplification(shares[c].mean, trained[c]);
    one.corrected = shares[c];
    one.corrected_delta = WithJudge(mean_projected, draws_projected, [&](const Shares& g, double images) {
      return SmoothedLogit(g[c], images) - Logit(trained[c]);
    });
    WidenDelta(raw, c, shares[c].mean, *one.corrected_delta);
  }
  cell.corrected_divergences = DivergencesOf(mean_projected, trained);
}

}  // namespace

std::vector<MeanEstimate> CorrectedShares(absl::Span<const std::vector<double>> observed,
                                          absl::Span<const double> images, const JudgeCorrection& judge) {
  Runs raw;
  raw.shares.assign(observed.begin(), observed.end());
  raw.images.assign(images.begin(), images.end());
  return SharesWithJudge(Corrected(raw, judge.mean), Drawn(raw, judge));
}

std::vector<double> SharesOf(absl::Span<const int64_t> counts) {
  const double sum = Sum(counts);
  std::vector<double> shares;
  for (const int64_t count : counts) shares.push_back(static_cast<double>(count) / sum);
  return shares;
}

CellEstimate EstimateCell(absl::Span<const std::vector<int64_t>> runs, absl::Span<const int64_t> trained_counts,
                          const JudgeCorrection* judge) {
  const Runs raw = RawRuns(runs);
  const Shares trained = SharesOf(trained_counts);
  CellEstimate cell;
  for (size_t c = 0; c < trained.size(); ++c) {
    const auto share = [c](const Shares& g, double) { return g[c]; };
    ClassEstimate one;
    one.trained = trained[c];
    one.generated = raw.Estimate(share);
    WidenShare(raw, one.generated);
    one.amplification = Amplification(one.generated.mean, trained[c]);
    one.delta =
        raw.Estimate([&](const Shares& g, double images) { return SmoothedLogit(g[c], images) - Logit(trained[c]); });
    WidenDelta(raw, c, one.generated.mean, one.delta);
    one.over_dispersion = OverDispersion(raw.Values(share), raw.images);
    cell.classes.push_back(one);
  }
  cell.divergences = DivergencesOf(raw, trained);
  if (judge != nullptr) AddCorrected(raw, *judge, trained, cell);
  return cell;
}

}  // namespace skew::stats

// What the runs of one cell (one model at one bias point) say together.
#ifndef SKEW_COMMON_STATS_CELL_H_
#define SKEW_COMMON_STATS_CELL_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "absl/types/span.h"
#include "common/stats/judge.h"
#include "common/stats/student.h"

namespace skew::stats {

// One class. Means are over runs; raw ones with Student's t interval.
//
// Intervals of corrected values hold both the spread over runs and what the judge's confusion counts leave open:
// Student's t given each of the judge's draws, evenly mixed. Why not resample the runs: a bootstrap of five runs, by
// percentiles or BCa, knows nothing beyond the five values; its 95% intervals cover 83-84% (bootstrap_test.cc measures
// it). Student's t is exact for the nearly normal shares of thousands of images, and resampled confusion counts keep
// every error that was not seen at 0.
//
// Runs of a class that is hardly ever generated may have none of it, all of them, and agree as if that were certain:
// Student's interval of 5 runs then covers a share of a fifth of an image a run in 63% of the cells. So no interval of
// a share is narrower than if the runs' counts had the variance of half an image, which independent images have that
// hold one of the class in every other run; one of Delta, than what that is for the logit. Where most runs have none of
// the class, Delta has no interval: nothing bounds it from below. 0 images in 5 runs of 10,000
// leave shares of up to 0.009% (Clopper and Pearson's interval of the 50,000 images: 0.007%). The full binomial
// variance as a floor would do harm where images are many: Student's interval of 5 independent runs covers 95% without
// it, and 99.6% with it.
struct ClassEstimate {
  double trained = 0;      // share of the training set
  MeanEstimate generated;  // share of the accepted images of the job's classes
  double amplification = 1;
  MeanEstimate delta;  // logit difference; logits smoothed, see SmoothedLogit
  std::optional<double> over_dispersion;

  // With a judge. The share is on the simplex with the other classes', its interval in 0..1. `sd` is that of the runs'
  // corrected shares before they are moved onto the simplex.
  std::optional<MeanEstimate> corrected;
  std::optional<double> corrected_amplification;
  std::optional<MeanEstimate> corrected_delta;
};

// Distances of the generated shares from the training shares, per run, then over runs with the t interval. Even an
// unbiased generator is at a distance above 0: runs differ. Corrected ones do not count the judge's uncertainty.
struct DivergenceEstimates {
  MeanEstimate total_variation;
  MeanEstimate kl_generated_trained;
  MeanEstimate kl_trained_generated;  // infinite when a class was not generated
  MeanEstimate jensen_shannon;
  MeanEstimate hellinger;
  MeanEstimate fairness_discrepancy;  // from equal shares, as its authors define it
};

struct CellEstimate {
  std::vector<ClassEstimate> classes;  // in the order of `trained`
  DivergenceEstimates divergences;
  std::optional<DivergenceEstimates> corrected_divergences;
};

// `runs`: for each run (at least one) the accepted images of each class, at least one in all. `trained`: positive
// counts of the same classes. `judge`: null for raw estimates only; its classes are these.
CellEstimate EstimateCell(absl::Span<const std::vector<int64_t>> runs, absl::Span<const int64_t> trained,
                          const JudgeCorrection* judge);

// Each class's share over runs, corrected, from the observed shares (or mean softmax outputs, for PACC) of every run:
// as ClassEstimate::corrected. At least one run; `images`: of each run, at least one.
std::vector<MeanEstimate> CorrectedShares(absl::Span<const std::vector<double>> observed,
                                          absl::Span<const double> images, const JudgeCorrection& judge);

// Counts as shares; their sum is positive.
std::vector<double> SharesOf(absl::Span<const int64_t> counts);

}  // namespace skew::stats

#endif  // SKEW_COMMON_STATS_CELL_H_

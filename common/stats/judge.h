// Correction of shares for the judge's own errors.
//
// The judge's errors are measured on real images. Correcting with them assumes that it errs on generated images as it
// does on real ones, which nobody can check without labels of generated images; show corrected shares beside raw ones.
#ifndef SKEW_COMMON_STATS_JUDGE_H_
#define SKEW_COMMON_STATS_JUDGE_H_

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "common/stats/student.h"

namespace skew::stats {

// The nearest point (Euclidean) with entries of at least 0 that sum to 1 (Held, Wolfe & Crowder 1974).
std::vector<double> ProjectOntoSimplex(absl::Span<const double> values);

// Adjusted classify and count (ACC; Forman 2008): with rates C[j][i] = P(judged j | truly i) the observed shares are
// C x, so the true shares x are the solution, moved onto the simplex. With mean softmax outputs for rates and shares
// it is probabilistic adjusted classify and count (PACC; Bella et al. 2010). Immutable.
class Correction {
 public:
  // `rates` is row-major, entry [judged * classes + true]. Columns need not sum to 1: images judged to be of a class
  // that is not among these drop out of the shares, and the solution is scaled to sum to 1. INVALID_ARGUMENT when the
  // size is not classes x classes, an entry is not a rate, or the judge cannot tell the classes apart (the matrix is
  // singular, or so near it that errors grow a thousandfold).
  static absl::StatusOr<Correction> Make(absl::Span<const double> rates, int classes);

  // The solution, which sums to 1 but may have entries below 0: unbiased, for averaging over runs. `observed`: shares
  // or counts of the classes.
  std::vector<double> Solve(absl::Span<const double> observed) const;

  // The solution on the simplex: the corrected shares of one run.
  std::vector<double> Shares(absl::Span<const double> observed) const { return ProjectOntoSimplex(Solve(observed)); }

 private:
  explicit Correction(std::vector<double> inverse) : inverse_(std::move(inverse)) {}
  std::vector<double> inverse_;
};

// How often a judge put images of known classes where, over all classes of the dataset; for PACC, sums of its softmax
// outputs in place of counts.
struct ConfusionMatrix {
  int classes = 0;
  std::vector<double> counts;         // row-major, entry [true * classes + judged]
  std::vector<double> rejected = {};  // by true class: images that it put in no class; empty: none

  double At(int truth, int judged) const {
    return counts[static_cast<size_t>(truth) * static_cast<size_t>(classes) + static_cast<size_t>(judged)];
  }
};

// The correction and how far the confusion counts leave it open.
struct JudgeCorrection {
  Correction mean;
  std::vector<Correction> draws;
};

// On which images the judge errs.
enum class JudgedOn {
  kAnyImages,  // of a class: at its true rates
  // On as many images of a class as it was calibrated with, other ones and always these: at what its rates came out as
  // on them. That is what `resample` draws from, with replacement.
  kHeldOutImages,
};

// For the job's classes (distinct, ascending), from the confusion counts of a calibration set.
//
// A judge that is 99.5% accurate errs on two or three of 500 images of a class: most off-diagonal counts are 0 or 1,
// and neither the counts as they are nor resampling them (0 stays 0) says how uncertain the rates are. So the rates of
// each true class have a Dirichlet posterior whose prior expects the judge's pooled rate for every error, with shape
// 1/20: errors differ much between pairs of classes (a 4 is taken for a 9 a hundred times as often as for a 0), and a
// larger shape draws what was counted for one pair to the average of all, and its intervals beside the truth: with 1/2
// they cover a rare 4 beside 5s and 9s in 75% of the cases, with 1/20 in 90% (null_arm_test.cc). `mean` is made of
// the posterior means, `draws` of draws from the posterior, the same ones for the same seed. Sums of softmax outputs
// are taken as counts: outputs vary at most as much as decisions with the same mean, so what they leave open is rather
// over- than understated.
//
// Images that the judge rejects are in no share, and their errors in none, too: the counts are those of accepted
// images. A judge is least sure where classes are alike and rejects more of one than of another: the rate of each class
// has a Beta posterior whose prior is one image at the pooled rate, and the solution is about all generated images.
//
// For kHeldOutImages the draws are from the posterior predictive distribution: each draw of the rates decides about as
// many images (a Dirichlet-multinomial; Gelman et al. 2013, 3.4).
// INVALID_ARGUMENT: not a confusion matrix, no accepted image of a class, or as Correction::Make.
absl::StatusOr<JudgeCorrection> CorrectionOf(const ConfusionMatrix& confusion, absl::Span<const int> job_classes,
                                             int draws, uint64_t seed, JudgedOn judged_on = JudgedOn::kAnyImages);

// The rows and columns of `job_classes` of a row-major classes x classes matrix, and the entries of a vector.
std::vector<double> Restrict(absl::Span<const double> matrix, int classes, absl::Span<const int> job_classes);
std::vector<double> Restrict(absl::Span<const double> vector, absl::Span<const int> job_classes);

// How often a judge is right on images of either of two classes, of those that it puts in one of the two.
struct TwoClassAccuracy {
  double first = 0;
  double second = 0;
};

// Of the job's two classes. INVALID_ARGUMENT: not two classes, not a confusion matrix, no image of a class in either,
// or a judge that is right no more often than one that guesses.
absl::StatusOr<TwoClassAccuracy> TwoClassAccuracyOf(const ConfusionMatrix& confusion,
                                                    absl::Span<const int> job_classes);

// CLEAM (Teo, Abdollahzadeh & Cheung 2023): the true share of the first class when the judge puts `judged` of the
// images there; that of the second is the rest. Not clamped.
double CleamShare(double judged, const TwoClassAccuracy& accuracy);
// Of the runs' mean judged share, its standard deviation and interval.
MeanEstimate CleamEstimate(const MeanEstimate& judged, const TwoClassAccuracy& accuracy);

}  // namespace skew::stats

#endif  // SKEW_COMMON_STATS_JUDGE_H_

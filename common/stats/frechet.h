// Fréchet distance between features of two sets of images (Heusel et al. 2017 use it with Inception features; here the
// features are the judge's). It is biased upwards by about columns / images: compare only distances that were computed
// from the same number of images.
#ifndef SKEW_COMMON_STATS_FRECHET_H_
#define SKEW_COMMON_STATS_FRECHET_H_

#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "common/stats/features.h"

namespace skew::stats {

struct Gaussian {
  std::vector<double> mean;        // d
  std::vector<double> covariance;  // d x d, symmetric
};

// Mean and covariance (n - 1) of the rows; at least two of them, else INVALID_ARGUMENT. rows * columns^2 operations:
// 0.07 s for 10,000 x 128.
absl::StatusOr<Gaussian> FitGaussian(const Features& features);

// |m1 - m2|^2 + tr(S1 + S2 - 2 (S1^1/2 S2 S1^1/2)^1/2), the squared 2-Wasserstein distance (Dowson & Landau 1982). The
// roots are taken by symmetric eigendecompositions, eigenvalues that rounding made negative as 0; so singular
// covariances are fine. Never below 0. INVALID_ARGUMENT when the dimensions differ or a value is not finite. Some
// d^3 operations: 6 ms for d = 128.
absl::StatusOr<double> FrechetDistance(const Gaussian& a, const Gaussian& b);

}  // namespace skew::stats

#endif  // SKEW_COMMON_STATS_FRECHET_H_

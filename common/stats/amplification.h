// How a training share turns into a generated share, and how much that varies between runs.
#ifndef SKEW_COMMON_STATS_AMPLIFICATION_H_
#define SKEW_COMMON_STATS_AMPLIFICATION_H_

#include <optional>
#include <vector>

#include "absl/types/span.h"

namespace skew::stats {

// log(share / (1 - share)).
double Logit(double share);

// Logit of a share estimated from `images`, with half an image added on either side (Haldane 1956; Anscombe 1956), so
// that it is finite and nearly unbiased when none or all of the images are of the class.
double SmoothedLogit(double share, double images);

// generated / trained: 1 means that the bias was passed on as it was.
double Amplification(double generated, double trained);

// Delta, the difference of logits: 0 means the same.
double LogitDifference(double generated, double trained);

// Least squares line.
struct Line {
  double slope = 0;
  double intercept = 0;
  // Of the slope, from the residuals; absent with fewer than three points.
  std::optional<double> slope_error;
};

// Absent when all x are equal (or there is no point).
std::optional<Line> FitLine(absl::Span<const double> x, absl::Span<const double> y);

// rho, the correlation of images within a run: 0 when runs differ only as independent images make them differ, 1 when
// every run is all one class; may come out slightly below 0. From the mean share p (between 0 and 1), the standard
// deviation s of the runs' shares and the images n (more than 1) of a run:
//   rho = (s^2 / (p (1 - p)) - 1 / n) / (1 - 1 / n).
double OverDispersion(double mean_share, double sd, double images);

// Of at least two runs' shares, each of `images` images (their harmonic mean when they differ). Absent when the mean
// share is 0 or 1.
std::optional<double> OverDispersion(absl::Span<const double> shares, absl::Span<const double> images);

}  // namespace skew::stats

#endif  // SKEW_COMMON_STATS_AMPLIFICATION_H_

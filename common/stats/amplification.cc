#include "common/stats/amplification.h"

#include <algorithm>
#include <cmath>

#include "common/stats/student.h"

namespace skew::stats {

double Logit(double share) { return std::log(share / (1 - share)); }

double SmoothedLogit(double share, double images) {
  return std::log((images * share + 0.5) / (images * (1 - share) + 0.5));
}

double Amplification(double generated, double trained) { return generated / trained; }

double LogitDifference(double generated, double trained) { return Logit(generated) - Logit(trained); }

std::optional<Line> FitLine(absl::Span<const double> x, absl::Span<const double> y) {
  if (x.size() < 2) return std::nullopt;
  const PairSums sums = SumPairs(x, y);
  if (!(sums.xx > 1e-12 * (1 + sums.mean_x * sums.mean_x))) return std::nullopt;
  Line line;
  line.slope = sums.xy / sums.xx;
  line.intercept = sums.mean_y - line.slope * sums.mean_x;
  if (x.size() > 2) {
    const double residual = std::max(0.0, sums.yy - line.slope * sums.xy);
    line.slope_error = std::sqrt(residual / (static_cast<double>(x.size()) - 2) / sums.xx);
  }
  return line;
}

double OverDispersion(double mean_share, double sd, double images) {
  return (sd * sd / (mean_share * (1 - mean_share)) - 1 / images) / (1 - 1 / images);
}

std::optional<double> OverDispersion(absl::Span<const double> shares, absl::Span<const double> images) {
  if (shares.size() < 2) return std::nullopt;
  const double p = Mean(shares);
  double inverse = 0;
  for (const double one : images) inverse += 1 / one;
  inverse /= static_cast<double>(images.size());
  if (!(p > 0 && p < 1) || !(inverse < 1)) return std::nullopt;
  return OverDispersion(p, std::sqrt(Variance(shares)), 1 / inverse);
}

}  // namespace skew::stats

#include "common/stats/sequential.h"

#include <algorithm>
#include <boost/math/distributions/students_t.hpp>
#include <cmath>

#include "common/stats/student.h"

namespace skew::stats {
namespace {

constexpr double kNominalLevel = 0.98;

// Of the share of `images` independent images, half an image more on either side (as SmoothedLogit): positive, also
// when none of them is of the class. Corrected shares may lie outside 0..1.
double BinomialVariance(double share, double images) {
  const double smoothed = (images * std::clamp(share, 0.0, 1.0) + 0.5) / (images + 1);
  return smoothed * (1 - smoothed) / images;
}

}  // namespace

SequentialLook LookAtRuns(absl::Span<const double> shares, double images, double half_width) {
  SequentialLook look;
  look.mean = Mean(shares);
  if (shares.size() < kFewestRunsToStop) return look;
  const auto n = static_cast<double>(shares.size());
  const double variance = std::max(Variance(shares), BinomialVariance(look.mean, images));
  const boost::math::students_t student(n - 1);
  const double half = boost::math::quantile(student, (1 + kNominalLevel) / 2) * std::sqrt(variance / n);
  look.interval = {look.mean - half, look.mean + half};
  look.stop = half <= half_width;
  return look;
}

}  // namespace skew::stats

#include "common/stats/variance_ratio.h"

#include <boost/math/special_functions/trigamma.hpp>
#include <cmath>

#include "common/stats/student.h"

namespace skew::stats {
namespace {

double LogRatio(double first, double second) {
  if (first > 0 && second > 0) return std::log(first / second);
  return first > 0 ? kMostLogVarianceRatio : -kMostLogVarianceRatio;
}

}  // namespace

std::optional<DeviationRatio> EstimateDeviationRatio(absl::Span<const PairedGroup> groups) {
  double degrees = 0;
  double sum = 0;
  double variance = 0;
  for (const PairedGroup& group : groups) {
    const double first = Variance(group.first);
    const double second = Variance(group.second);
    if (!(first + second > 0)) continue;
    const auto of_group = static_cast<double>(group.first.size()) - 1;
    degrees += of_group;
    sum += of_group * LogRatio(first, second);
    variance += of_group * of_group * 2 * boost::math::trigamma(of_group / 2);
  }
  if (degrees == 0) return std::nullopt;
  const double mean = sum / degrees;
  const double half_width = 1.959964 * std::sqrt(variance) / degrees;
  return DeviationRatio{std::exp(mean / 2), {std::exp((mean - half_width) / 2), std::exp((mean + half_width) / 2)}};
}

}  // namespace skew::stats

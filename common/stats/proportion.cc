#include "common/stats/proportion.h"

#include <algorithm>
#include <boost/math/distributions/binomial.hpp>
#include <boost/math/distributions/chi_squared.hpp>
#include <boost/math/distributions/normal.hpp>
#include <cmath>

#include "common/stats/divergence.h"

namespace skew::stats {
namespace {

// The shares p with (observed - p)^2 / (p (1 - p) / n) <= critical.
Interval ScoreInterval(double successes, double n, double critical) {
  const double share = successes / n;
  const double centre = (share + critical / (2 * n)) / (1 + critical / n);
  const double half = std::sqrt(critical * (share * (1 - share) + critical / (4 * n)) / n) / (1 + critical / n);
  return {successes == 0 ? 0 : std::max(0.0, centre - half), successes == n ? 1 : std::min(1.0, centre + half)};
}

}  // namespace

Interval WilsonInterval(int64_t successes, int64_t trials, double confidence) {
  const double z = boost::math::quantile(boost::math::normal(), (1 + confidence) / 2);
  return ScoreInterval(static_cast<double>(successes), static_cast<double>(trials), z * z);
}

Interval ClopperPearsonInterval(int64_t successes, int64_t trials, double confidence) {
  using Binomial = boost::math::binomial;
  const double tail = (1 - confidence) / 2;
  const auto n = static_cast<double>(trials);
  const auto k = static_cast<double>(successes);
  return {Binomial::find_lower_bound_on_p(n, k, tail), Binomial::find_upper_bound_on_p(n, k, tail)};
}

std::vector<Interval> GoodmanIntervals(absl::Span<const int64_t> counts, double confidence) {
  const auto classes = static_cast<double>(counts.size());
  const double critical =
      boost::math::quantile(boost::math::complement(boost::math::chi_squared(1), (1 - confidence) / classes));
  const double n = Sum(counts);
  std::vector<Interval> intervals;
  for (const int64_t count : counts) intervals.push_back(ScoreInterval(static_cast<double>(count), n, critical));
  return intervals;
}

}  // namespace skew::stats

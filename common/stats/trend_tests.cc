// The tests of rank_tests.h that look for an order: Jonckheere-Terpstra, with its slope, and Spearman.
#include <algorithm>
#include <boost/math/distributions/normal.hpp>
#include <boost/math/distributions/students_t.hpp>
#include <cmath>
#include <map>
#include <numeric>
#include <utility>

#include "common/stats/rank_tests.h"
#include "common/stats/student.h"

namespace skew::stats {
namespace {

constexpr size_t kMostExactValues = 100;
constexpr size_t kMostExactPairs = 9;

// Distribution of the Mann-Whitney statistic of samples of m and n without ties, by conditioning on which of them the
// largest value is from. Every term is positive: nothing cancels.
std::vector<double> MannWhitney(size_t m, size_t n) {
  // by[b]: the distribution for (a, b), for a growing.
  std::vector<std::vector<double>> by(n + 1, std::vector<double>{1});
  for (size_t a = 1; a <= m; ++a) {
    std::vector<std::vector<double>> next(n + 1);
    next[0] = {1};
    for (size_t b = 1; b <= n; ++b) {
      const double of_a = static_cast<double>(a) / static_cast<double>(a + b);
      next[b].assign(a * b + 1, 0);
      for (size_t u = 0; u < by[b].size(); ++u) next[b][u + b] += of_a * by[b][u];
      for (size_t u = 0; u < next[b - 1].size(); ++u) next[b][u] += (1 - of_a) * next[b - 1][u];
    }
    by = std::move(next);
  }
  return by[n];
}

std::vector<double> Convolved(absl::Span<const double> a, absl::Span<const double> b) {
  std::vector<double> sum(a.size() + b.size() - 1, 0);
  for (size_t i = 0; i < a.size(); ++i) {
    for (size_t j = 0; j < b.size(); ++j) sum[i + j] += a[i] * b[j];
  }
  return sum;
}

// J is the sum of independent Mann-Whitney statistics of each group against all groups before it.
std::vector<double> JonckheereDistribution(absl::Span<const std::vector<double>> groups) {
  std::vector<double> probabilities = {1};
  size_t before = 0;
  for (const std::vector<double>& group : groups) {
    if (before > 0 && !group.empty()) probabilities = Convolved(probabilities, MannWhitney(group.size(), before));
    before += group.size();
  }
  return probabilities;
}

// Pairs of values from two groups.
struct OrderedPairs {
  double in_order = 0;  // ties half
  double all = 0;
};

OrderedPairs CountPairs(absl::Span<const std::vector<double>> groups) {
  OrderedPairs pairs;
  for (size_t g = 0; g < groups.size(); ++g) {
    for (size_t h = 0; h < g; ++h) {
      for (const double value : groups[g]) {
        for (const double earlier : groups[h]) pairs.in_order += earlier < value ? 1 : earlier == value ? 0.5 : 0;
      }
      pairs.all += static_cast<double>(groups[g].size() * groups[h].size());
    }
  }
  return pairs;
}

struct TieSums {
  double pairs = 0;    // sum of t (t - 1)
  double triples = 0;  // sum of t (t - 1) (t - 2)
  double squares = 0;  // sum of t (t - 1) (2 t + 5)

  void Add(double t) {
    pairs += t * (t - 1);
    triples += t * (t - 1) * (t - 2);
    squares += t * (t - 1) * (2 * t + 5);
  }
};

double JonckheereVariance(const TieSums& groups, const TieSums& ties, double n) {
  double variance = (n * (n - 1) * (2 * n + 5) - groups.squares - ties.squares) / 72;
  if (n > 2) variance += groups.triples * ties.triples / (36 * n * (n - 1) * (n - 2));
  return variance + groups.pairs * ties.pairs / (8 * n * (n - 1));
}

// How many numbers of pairs in the wrong order, from 0 on, are so few that the test rejects at 5%. `groups`: of points
// with equal x; `pairs`: from different ones.
size_t RejectedCounts(absl::Span<const std::vector<double>> groups, size_t pairs) {
  TieSums sizes;
  size_t n = 0;
  for (const std::vector<double>& group : groups) {
    sizes.Add(static_cast<double>(group.size()));
    n += group.size();
  }
  size_t rejected = 0;
  if (n <= kMostExactValues) {
    const std::vector<double> probabilities = JonckheereDistribution(groups);
    double tail = probabilities[0];
    while (tail <= 0.025) tail += probabilities[++rejected];
    return rejected;
  }
  const double sd = std::sqrt(JonckheereVariance(sizes, {}, static_cast<double>(n)));
  return static_cast<size_t>(static_cast<double>(pairs) / 2 - 1.959964 * sd);
}

void SetTails(double p_greater, double p_less, RankTest& test) {
  test.p_greater = p_greater;
  test.p_less = p_less;
  test.p = std::min(1.0, 2 * std::min(p_greater, p_less));
}

double Correlation(absl::Span<const double> x, absl::Span<const double> y) {
  const PairSums sums = SumPairs(x, y);
  return sums.xy / std::sqrt(sums.xx * sums.yy);
}

// All orders of y are equally likely under the null hypothesis.
void SetBySpearmanOrders(absl::Span<const double> x, const std::vector<double>& y, RankTest& test) {
  std::vector<size_t> order(y.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::vector<double> permuted(y.size());
  double all = 0;
  double greater = 0;
  double less = 0;
  do {
    for (size_t i = 0; i < y.size(); ++i) permuted[i] = y[order[i]];
    const double rho = Correlation(x, permuted);
    ++all;
    if (rho >= test.statistic - 1e-12) ++greater;
    if (rho <= test.statistic + 1e-12) ++less;
  } while (std::next_permutation(order.begin(), order.end()));
  SetTails(greater / all, less / all, test);
  test.exact = true;
}

}  // namespace

RankTest JonckheereTest(absl::Span<const std::vector<double>> groups) {
  const OrderedPairs counted = CountPairs(groups);
  RankTest test;
  test.statistic = counted.in_order;
  TieSums sizes;
  std::map<double, int> values;
  size_t n = 0;
  for (const std::vector<double>& group : groups) {
    for (const double value : group) ++values[value];
    n += group.size();
    sizes.Add(static_cast<double>(group.size()));
  }
  TieSums ties;
  for (const auto& [value, count] : values) ties.Add(count);
  if (ties.pairs == 0 && n <= kMostExactValues) {
    const std::vector<double> probabilities = JonckheereDistribution(groups);
    const auto observed = probabilities.begin() + std::lround(test.statistic);
    SetTails(std::min(1.0, std::accumulate(observed, probabilities.end(), 0.0)),
             std::min(1.0, std::accumulate(probabilities.begin(), observed + 1, 0.0)), test);
    test.exact = true;
    return test;
  }
  const double variance = JonckheereVariance(sizes, ties, static_cast<double>(n));
  if (!(variance > 0)) return test;
  const boost::math::normal normal(counted.all / 2, std::sqrt(variance));
  SetTails(boost::math::cdf(boost::math::complement(normal, test.statistic)), boost::math::cdf(normal, test.statistic),
           test);
  return test;
}

std::optional<SlopeEstimate> TheilSenSlope(absl::Span<const double> x, absl::Span<const double> y) {
  std::map<double, std::vector<double>> by_x;
  std::vector<double> slopes;
  for (size_t i = 0; i < x.size(); ++i) {
    by_x[x[i]].push_back(y[i]);
    for (size_t j = 0; j < i; ++j) {
      if (x[i] != x[j]) slopes.push_back((y[i] - y[j]) / (x[i] - x[j]));
    }
  }
  if (slopes.empty()) return std::nullopt;
  std::sort(slopes.begin(), slopes.end());
  const size_t count = slopes.size();
  SlopeEstimate estimate;
  estimate.slope = (slopes[(count - 1) / 2] + slopes[count / 2]) / 2;
  std::vector<std::vector<double>> groups;
  groups.reserve(by_x.size());
  for (auto& [value, group] : by_x) groups.push_back(std::move(group));
  const size_t rejected = RejectedCounts(groups, count);
  if (rejected > 0) estimate.interval = {slopes[rejected - 1], slopes[count - rejected]};
  return estimate;
}

std::optional<RankCorrelation> SpearmanTest(absl::Span<const double> x, absl::Span<const double> y) {
  const std::vector<double> ranks_x = Ranks(x);
  const std::vector<double> ranks_y = Ranks(y);
  const size_t n = x.size();
  if (n < 3 || Variance(ranks_x) == 0 || Variance(ranks_y) == 0) return std::nullopt;
  RankCorrelation test;
  test.statistic = Correlation(ranks_x, ranks_y);
  const double rho = std::clamp(test.statistic, -1.0, 1.0);
  const auto size = static_cast<double>(n);
  if (n <= kMostExactPairs) {
    SetBySpearmanOrders(ranks_x, ranks_y, test);
  } else {
    const boost::math::students_t student(size - 2);
    const double t = rho * std::sqrt((size - 2) / std::max(1e-300, 1 - rho * rho));
    SetTails(boost::math::cdf(boost::math::complement(student, t)), boost::math::cdf(student, t), test);
  }
  if (n >= 5) {
    const double half = 1.959964 * std::sqrt((1 + rho * rho / 2) / (size - 3));
    const double z = std::atanh(std::clamp(rho, -1 + 1e-15, 1 - 1e-15));
    test.interval = {std::tanh(z - half), std::tanh(z + half)};
  }
  return test;
}

}  // namespace skew::stats

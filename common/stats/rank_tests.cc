#include "common/stats/rank_tests.h"

#include <algorithm>
#include <boost/math/distributions/normal.hpp>
#include <cmath>
#include <numeric>

#include "common/stats/student.h"

namespace skew::stats {
namespace {

constexpr size_t kMostExactDifferences = 200;
constexpr size_t kMostWalshDifferences = 3000;

double UpperTail(double z) { return boost::math::cdf(boost::math::complement(boost::math::normal(), z)); }

// P(statistic = i) for i = 0.. becomes the p-values of `observed`.
void SetExact(absl::Span<const double> probabilities, size_t observed, RankTest& test) {
  double below = 0;
  double above = 0;
  for (size_t i = 0; i < probabilities.size(); ++i) {
    if (i <= observed) below += probabilities[i];
    if (i >= observed) above += probabilities[i];
  }
  test.p_greater = std::min(1.0, above);
  test.p_less = std::min(1.0, below);
  test.p = std::min(1.0, 2 * std::min(test.p_greater, test.p_less));
  test.exact = true;
}

void SetNormal(double deviation, double sd, double continuity, RankTest& test) {
  test.p_greater = UpperTail((deviation - continuity) / sd);
  test.p_less = UpperTail((-deviation - continuity) / sd);
  test.p = std::min(1.0, 2 * std::min(test.p_greater, test.p_less));
}

// Distribution of the sum of those `weights` that a fair coin chooses.
std::vector<double> SubsetSums(absl::Span<const size_t> weights) {
  std::vector<double> probabilities(std::accumulate(weights.begin(), weights.end(), size_t{1}), 0);
  probabilities[0] = 1;
  size_t largest = 0;
  for (const size_t weight : weights) {
    largest += weight;
    for (size_t sum = largest + 1; sum-- > 0;) {
      probabilities[sum] = (probabilities[sum] + (sum >= weight ? probabilities[sum - weight] : 0)) / 2;
    }
  }
  return probabilities;
}

// Sum of t^3 - t over the groups of equal values.
double TieTerm(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  double sum = 0;
  for (size_t begin = 0, end = 0; begin < values.size(); begin = end) {
    while (end < values.size() && values[end] == values[begin]) ++end;
    const auto t = static_cast<double>(end - begin);
    sum += t * t * t - t;
  }
  return sum;
}

}  // namespace

std::vector<double> Ranks(absl::Span<const double> values) {
  std::vector<size_t> order(values.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) { return values[a] < values[b]; });
  std::vector<double> ranks(values.size());
  for (size_t begin = 0, end = 0; begin < order.size(); begin = end) {
    while (end < order.size() && values[order[end]] == values[order[begin]]) ++end;
    for (size_t i = begin; i < end; ++i) ranks[order[i]] = static_cast<double>(begin + end + 1) / 2;
  }
  return ranks;
}

RankTest SignedRankTest(absl::Span<const double> differences) {
  std::vector<double> sizes;
  std::vector<bool> positive;
  for (const double difference : differences) {
    if (difference == 0) continue;
    sizes.push_back(std::abs(difference));
    positive.push_back(difference > 0);
  }
  RankTest test;
  if (sizes.empty()) return test;
  const std::vector<double> ranks = Ranks(sizes);
  for (size_t i = 0; i < ranks.size(); ++i) test.statistic += positive[i] ? ranks[i] : 0;
  if (sizes.size() <= kMostExactDifferences) {
    std::vector<size_t> doubled;  // mean ranks are multiples of a half
    for (const double rank : ranks) doubled.push_back(static_cast<size_t>(std::lround(2 * rank)));
    SetExact(SubsetSums(doubled), static_cast<size_t>(std::lround(2 * test.statistic)), test);
    return test;
  }
  const auto n = static_cast<double>(sizes.size());
  const double variance = n * (n + 1) * (2 * n + 1) / 24 - TieTerm(sizes) / 48;
  SetNormal(test.statistic - n * (n + 1) / 4, std::sqrt(variance), 0.5, test);
  return test;
}

Shift HodgesLehmann(absl::Span<const double> differences) {
  const size_t n = differences.size();
  if (n > kMostWalshDifferences) {
    const MeanEstimate mean = EstimateMean(differences);
    return {mean.mean, mean.interval};
  }
  std::vector<double> walsh;
  walsh.reserve(n * (n + 1) / 2);
  for (size_t i = 0; i < n; ++i) {
    for (size_t j = i; j < n; ++j) walsh.push_back((differences[i] + differences[j]) / 2);
  }
  std::sort(walsh.begin(), walsh.end());
  const size_t count = walsh.size();
  Shift shift;
  shift.estimate = (walsh[(count - 1) / 2] + walsh[count / 2]) / 2;
  // The interval leaves out as many of the smallest as the rank sum has values below its 2.5% quantile.
  size_t left_out = 0;
  if (n <= kMostExactDifferences) {
    std::vector<size_t> ranks(n);
    std::iota(ranks.begin(), ranks.end(), size_t{1});
    const std::vector<double> probabilities = SubsetSums(ranks);
    for (double tail = probabilities[0]; tail <= 0.025; tail += probabilities[left_out]) ++left_out;
  } else {
    const auto size = static_cast<double>(n);
    const double sd = std::sqrt(size * (size + 1) * (2 * size + 1) / 24);
    left_out = static_cast<size_t>(size * (size + 1) / 4 - 1.959964 * sd);
  }
  if (left_out > 0) shift.interval = {walsh[left_out - 1], walsh[count - left_out]};
  return shift;
}

std::vector<double> HolmAdjusted(absl::Span<const double> p) {
  std::vector<size_t> order(p.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) { return p[a] < p[b]; });
  std::vector<double> adjusted(p.size());
  double largest = 0;
  for (size_t i = 0; i < order.size(); ++i) {
    largest = std::max(largest, std::min(1.0, static_cast<double>(p.size() - i) * p[order[i]]));
    adjusted[order[i]] = largest;
  }
  return adjusted;
}

}  // namespace skew::stats

#include "common/stats/permutation.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

#include "common/stats/random.h"
#include "common/stats/student.h"

namespace skew::stats {
namespace {

constexpr double kVarianceFloor = 0.01;  // of the sum of both sides' variances

// Counts swaps at least as extreme as the observed one. NaN and the like count: they cannot speak for an effect.
class Tally {
 public:
  explicit Tally(double observed) : observed_(observed), slack_(1e-12 * std::abs(observed)) {}

  void Add(double statistic) {
    ++all_;
    if (!(statistic < observed_ - slack_)) ++greater_;
    if (!(statistic > observed_ + slack_)) ++less_;
    if (!(std::abs(statistic) < std::abs(observed_) - slack_)) ++either_;
  }

  // `more`: 1 counts the data as they are among the random swaps.
  void Finish(double more, PermutationTest& test) const {
    test.p = (either_ + more) / (all_ + more);
    test.p_greater = (greater_ + more) / (all_ + more);
    test.p_less = (less_ + more) / (all_ + more);
  }

 private:
  const double observed_;
  const double slack_;
  double all_ = 0;
  double greater_ = 0;
  double less_ = 0;
  double either_ = 0;
};

// Helmert's: value i less the mean of the i values before it, scaled to unit length.
std::vector<double> Contrasts(const std::vector<double>& values) {
  std::vector<double> contrasts;
  double sum = values[0];
  for (size_t i = 1; i < values.size(); ++i) {
    const auto before = static_cast<double>(i);
    contrasts.push_back((values[i] - sum / before) * std::sqrt(before / (before + 1)));
    sum += values[i];
  }
  return contrasts;
}

}  // namespace

PermutationTest SwapTest(size_t pairs, absl::FunctionRef<double(const std::vector<bool>& swapped)> statistic,
                         int64_t rounds, uint64_t seed) {
  std::vector<bool> swapped(pairs, false);
  PermutationTest test;
  test.statistic = statistic(swapped);
  Tally tally(test.statistic);
  test.exact = pairs < 62 && (int64_t{1} << pairs) <= rounds;
  if (test.exact) {
    for (uint64_t mask = 0; mask < uint64_t{1} << pairs; ++mask) {
      for (size_t i = 0; i < pairs; ++i) swapped[i] = ((mask >> i) & 1) != 0;
      tally.Add(statistic(swapped));
    }
    tally.Finish(0, test);
    return test;
  }
  Random random(seed);
  for (int64_t round = 0; round < rounds; ++round) {
    for (size_t i = 0; i < pairs; ++i) swapped[i] = random.Below(2) == 1;
    tally.Add(statistic(swapped));
  }
  tally.Finish(1, test);
  return test;
}

PermutationTest SignFlipTest(absl::Span<const double> differences, int64_t rounds, uint64_t seed) {
  const auto mean = [&](const std::vector<bool>& swapped) {
    double sum = 0;
    for (size_t i = 0; i < differences.size(); ++i) sum += swapped[i] ? -differences[i] : differences[i];
    return sum / static_cast<double>(differences.size());
  };
  return SwapTest(differences.size(), mean, rounds, seed);
}

namespace {

// Squared contrasts of both sides of a group, in pairs.
using Squares = std::vector<std::pair<double, double>>;

// Of one group: its part of the statistic with these of its pairs swapped.
double LogRatio(const Squares& squares, absl::FunctionRef<bool(size_t pair)> swapped) {
  double first = 0;
  double second = 0;
  for (size_t i = 0; i < squares.size(); ++i) {
    const bool swap = swapped(i);
    first += swap ? squares[i].second : squares[i].first;
    second += swap ? squares[i].first : squares[i].second;
  }
  const double floor = kVarianceFloor * (first + second);
  return std::log((first + floor) / (second + floor));
}

// Every sum of one of `sums` and a group's part with its pairs swapped in every way.
std::vector<double> WithGroup(const std::vector<double>& sums, const Squares& squares, double weight) {
  std::vector<double> all;
  all.reserve(sums.size() << squares.size());
  for (uint64_t mask = 0; mask < uint64_t{1} << squares.size(); ++mask) {
    const double part = weight * LogRatio(squares, [mask](size_t i) { return ((mask >> i) & 1) != 0; });
    for (const double sum : sums) all.push_back(sum + part);
  }
  return all;
}

// All swaps, of which the statistic is a sum of one of `some` and one of `others`.
PermutationTest CountSums(double observed, const std::vector<double>& some, std::vector<double> others) {
  std::sort(others.begin(), others.end());
  const double slack = 1e-12 * (1 + std::abs(observed));
  const auto at_least = [&](double value) {
    return static_cast<double>(others.end() - std::lower_bound(others.begin(), others.end(), value));
  };
  const auto at_most = [&](double value) {
    return static_cast<double>(std::upper_bound(others.begin(), others.end(), value) - others.begin());
  };
  double greater = 0;
  double less = 0;
  double either = 0;
  const double extreme = std::abs(observed) - slack;
  for (const double sum : some) {
    greater += at_least(observed - slack - sum);
    less += at_most(observed + slack - sum);
    either += extreme > 0 ? at_least(extreme - sum) + at_most(-extreme - sum) : static_cast<double>(others.size());
  }
  const double all = static_cast<double>(some.size()) * static_cast<double>(others.size());
  PermutationTest test;
  test.statistic = observed;
  test.exact = true;
  test.p = either / all;
  test.p_greater = greater / all;
  test.p_less = less / all;
  return test;
}

// All swaps of the groups, in two halves that are summed up apart: nothing when a half has more than `most`.
std::optional<PermutationTest> AllSwaps(const std::vector<Squares>& groups, double contrasts, double observed,
                                        int64_t most) {
  std::vector<double> halves[2] = {{0}, {0}};
  for (const Squares& group : groups) {
    std::vector<double>& half = halves[0].size() <= halves[1].size() ? halves[0] : halves[1];
    if (group.size() >= 30 || static_cast<int64_t>(half.size() << group.size()) > most) return std::nullopt;
    half = WithGroup(half, group, static_cast<double>(group.size()) / contrasts);
  }
  return CountSums(observed, halves[0], std::move(halves[1]));
}

}  // namespace

PermutationTest VarianceSwapTest(absl::Span<const PairedGroup> groups, int64_t rounds, uint64_t seed) {
  std::vector<Squares> squares;
  size_t contrasts = 0;
  for (const PairedGroup& group : groups) {
    const std::vector<double> first = Contrasts(group.first);
    const std::vector<double> second = Contrasts(group.second);
    Squares of_group;
    double sum = 0;
    for (size_t i = 0; i < first.size(); ++i) {
      of_group.emplace_back(first[i] * first[i], second[i] * second[i]);
      sum += of_group.back().first + of_group.back().second;
    }
    if (!(sum > 0)) continue;
    contrasts += of_group.size();
    squares.push_back(std::move(of_group));
  }
  const auto mean_log_ratio = [&](const std::vector<bool>& swapped) {
    double mean = 0;
    size_t before = 0;
    for (const Squares& of_group : squares) {
      const double weight = static_cast<double>(of_group.size()) / static_cast<double>(contrasts);
      mean += weight * LogRatio(of_group, [&](size_t i) { return swapped[before + i]; });
      before += of_group.size();
    }
    return squares.empty() ? std::numeric_limits<double>::quiet_NaN() : mean;
  };
  const double observed = mean_log_ratio(std::vector<bool>(contrasts, false));
  // Sums cost a tenth of what a random swap of all groups does.
  const auto all = AllSwaps(squares, static_cast<double>(contrasts), observed, 10 * rounds);
  if (all.has_value() && !squares.empty()) return *all;
  return SwapTest(contrasts, mean_log_ratio, rounds, seed);
}

}  // namespace skew::stats

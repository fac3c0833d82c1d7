#include "common/stats/permutation.h"

#include <cmath>
#include <limits>
#include <utility>

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

PermutationTest VarianceSwapTest(absl::Span<const PairedGroup> groups, int64_t rounds, uint64_t seed) {
  std::vector<std::vector<std::pair<double, double>>> squares;  // of contrasts, by group
  size_t contrasts = 0;
  for (const PairedGroup& group : groups) {
    const std::vector<double> first = Contrasts(group.first);
    const std::vector<double> second = Contrasts(group.second);
    std::vector<std::pair<double, double>> of_group;
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
    size_t next = 0;
    for (const auto& of_group : squares) {
      double first = 0;
      double second = 0;
      for (const auto& [one, other] : of_group) {
        const bool swap = swapped[next++];
        first += swap ? other : one;
        second += swap ? one : other;
      }
      const double floor = kVarianceFloor * (first + second);
      const double weight = static_cast<double>(of_group.size()) / static_cast<double>(contrasts);
      mean += weight * std::log((first + floor) / (second + floor));
    }
    return squares.empty() ? std::numeric_limits<double>::quiet_NaN() : mean;
  };
  return SwapTest(contrasts, mean_log_ratio, rounds, seed);
}

}  // namespace skew::stats

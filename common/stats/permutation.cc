#include "common/stats/permutation.h"

#include <cmath>

#include "common/stats/random.h"
#include "common/stats/student.h"

namespace skew::stats {
namespace {

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

std::vector<double> Centred(const std::vector<double>& values) {
  const double mean = Mean(values);
  std::vector<double> centred;
  for (const double value : values) centred.push_back(value - mean);
  return centred;
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
  std::vector<PairedGroup> centred;
  size_t pairs = 0;
  for (const PairedGroup& group : groups) {
    centred.push_back({Centred(group.first), Centred(group.second)});
    pairs += group.first.size();
  }
  const auto log_ratio = [&](const std::vector<bool>& swapped) {
    double first = 0;
    double second = 0;
    size_t pair = 0;
    for (const PairedGroup& group : centred) {
      PairedGroup now = group;
      for (size_t i = 0; i < now.first.size(); ++i) {
        if (swapped[pair++]) std::swap(now.first[i], now.second[i]);
      }
      first += Variance(now.first);
      second += Variance(now.second);
    }
    return std::log(first / second);
  };
  return SwapTest(pairs, log_ratio, rounds, seed);
}

}  // namespace skew::stats

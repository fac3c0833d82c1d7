// How many runs it takes.
#ifndef SKEW_COMMON_STATS_POWER_H_
#define SKEW_COMMON_STATS_POWER_H_

#include <optional>

namespace skew::stats {

// What is known of a mean over runs, for planning.
struct PlannedMean {
  double effect = 0;          // true mean less the null hypothesis
  double sd = 0;              // between runs
  double fixed_variance = 0;  // of the mean, and not lowered by more runs: the judge's
  int looks = 1;              // this is one of so many means, of which any may differ (Bonferroni)
};

// Power of the two-sided t test with `runs` (at least 2) at level `alpha`, by the noncentral t distribution.
double TTestPower(const PlannedMean& planned, int runs, double alpha);

// Power to show by two one-sided tests that the effect lies within +-margin (approximate: normal, with Student's
// critical value).
double EquivalencePower(const PlannedMean& planned, double margin, int runs, double alpha);

// The fewest runs (2 to 100,000) with at least this power: to detect the effect, at alpha / looks, or, when it is
// nearer to 0 than half the margin, to show that it lies within the margin, at alpha (all of several means must). No
// margin (0): to detect it. Absent when no number of runs is enough, as for an effect of 0 without a margin, or one
// that the judge's own uncertainty hides.
std::optional<int> RunsNeeded(const PlannedMean& planned, double margin, double alpha = 0.05, double power = 0.8);

// For a rank or permutation test that found z (its two-sided p-value as a normal deviate) in n pairs or values: the
// number at which an effect of that size is detected with 80% power, n ((z_alpha/2 + z_power) / z)^2 (Noether 1987).
// Absent when that is above 10 million.
std::optional<int> ValuesNeeded(int n, double p, double alpha = 0.05, double power = 0.8);

}  // namespace skew::stats

#endif  // SKEW_COMMON_STATS_POWER_H_

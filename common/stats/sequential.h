// Runs until the share of a class is known well enough.
//
// Whoever looks after every run and stops at the first interval that is narrow enough stops, more often than not, when
// the runs happen to agree: Student's 95% interval then covers only 90% (the rule is Chow & Robbins' 1965; Starr 1966
// computes the loss). The mean of nearly normal shares does not depend on how well they agree, so the loss is bounded,
// and an interval with a higher nominal level makes up for it, whatever the width asked: with looks after each of 3 to
// 40 runs, Student's 98% interval covers in about 95% of all cells, those included that reach 40 runs without stopping
// (sequential_test.cc measures both). Of those that stop after few runs, where the runs happened to agree, fewer are
// covered. The price: a half-width of half a standard deviation takes 23 runs on average; 16 would do with the standard
// deviation known beforehand.
//
// This holds for stopping by width. Stopping by where the interval lies ("when it excludes 1/3") takes intervals that
// hold at all looks together (Robbins 1970), which cost about twice the runs of a single look.
#ifndef SKEW_COMMON_STATS_SEQUENTIAL_H_
#define SKEW_COMMON_STATS_SEQUENTIAL_H_

#include <optional>

#include "absl/types/span.h"
#include "common/stats/interval.h"

namespace skew::stats {

inline constexpr int kFewestRunsToStop = 3;

// What the runs so far say of one class's share.
struct SequentialLook {
  double mean = 0;
  std::optional<Interval> interval;  // Student's 98%, see above; not clamped; absent with fewer than 3 runs
  bool stop = false;                 // its half-width is at most the one asked
};

// `shares`: of one class, raw or corrected, in the runs so far (at least one), each of `images` accepted images (at
// least 1; the smallest when they differ). `half_width`: positive. Runs are never taken to agree better than
// independent images do: with few runs, or shares of 0, their spread would say that everything is known. Of corrected
// shares this is what the runs leave open; what the judge's confusion counts do is not lowered by more runs.
SequentialLook LookAtRuns(absl::Span<const double> shares, double images, double half_width);

}  // namespace skew::stats

#endif  // SKEW_COMMON_STATS_SEQUENTIAL_H_

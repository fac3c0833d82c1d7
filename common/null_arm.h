// The check of the instrument on models whose answer is known.
#ifndef SKEW_COMMON_NULL_ARM_H_
#define SKEW_COMMON_NULL_ARM_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "skew/v1/job_service.pb.h"

namespace skew {

// By its name: a family's, or with its number where it appears again (see Run.model).
bool TrainsNothing(absl::string_view model);

// Intervals, and how many of them contain the trained share.
struct Containing {
  int32_t containing = 0;
  int32_t intervals = 0;
  // How likely, at least, an interval is beside it by as many of its half-widths as the one that is furthest off: by
  // Student's t with the degrees of freedom of its cell, but 6 at most.
  double smallest_p = 1;
};

// A model that trains nothing generates the trained shares, but for chance: of its 95% intervals of a share, 95% are to
// contain the trained one. As judged they need not: the judge's errors are in the shares.
struct NullArmCoverage {
  std::string model;  // "resample", "resample#2"
  Containing as_judged;
  Containing corrected;  // ClassResult.corrected
  Containing pacc;
};

// Of each such model that has an interval (they take two runs of a cell), over all cells and classes.
std::vector<NullArmCoverage> NullArmCoverageOf(const v1::GetResultsResponse& results);

// Whether some interval is so far off that it is no chance: in less than 1 of 100 studies for each of the two
// corrections. How many do not contain the trained share says little: they have one judge, whose errors on the held-out
// images are in all of them, and in one study of 20 or so all intervals of a class miss together. Bonferroni's bound
// over all intervals holds for them, too; of 21 intervals of 20 runs each one is off by 2.8 half-widths then
// (null_arm_study_test.cc measures how often a fair instrument is: in 2 of 300 studies). `nominal`: how many of them
// contain it, 0.95 or, where a rule stopped early, 0.9.
bool IsOff(const Containing& counted, double nominal);

// "resample: 21 of 21 95% intervals contain the trained share as judged, 21 of 21 corrected, 20 of 21 by PACC: the
// instrument reads what it should.", or that of those corrected fewer than 95% do, or one is further off than by
// chance: a sentence for each model; "" where there is none.
std::string NullArmText(const v1::GetResultsResponse& results);

}  // namespace skew

#endif  // SKEW_COMMON_NULL_ARM_H_

// The check of the instrument on models whose answer is known.
#ifndef SKEW_COMMON_NULL_ARM_H_
#define SKEW_COMMON_NULL_ARM_H_

#include <cstdint>
#include <string>
#include <vector>

#include "skew/v1/job_service.pb.h"

namespace skew {

// Intervals, and how many of them contain the trained share.
struct Containing {
  int32_t containing = 0;
  int32_t intervals = 0;
};

// A model that trains nothing generates the trained shares, but for chance: of its 95% intervals of a share, 95% are to
// contain the trained one.
struct NullArmCoverage {
  std::string model;  // "resample", "resample#2"
  int32_t cells = 0;  // that have intervals
  Containing as_judged;
  Containing corrected;  // ClassResult.corrected
  Containing pacc;
};

// Of each such model that has an interval (they take two runs of a cell), over all cells and classes.
std::vector<NullArmCoverage> NullArmCoverageOf(const v1::GetResultsResponse& results);

// Whether so few contain it that it is no chance: with fewer, or as few, in less than 1 of 100 studies. The classes of
// a cell share its images and may miss together, so that they count as one interval. `nominal`: how many are to contain
// it.
bool TooFew(const Containing& counted, int32_t cells, double nominal);

// "resample: 21 of 21 95% intervals contain the trained share as judged, 21 of 21 corrected, 20 of 21 by PACC: the
// instrument reads what it should.", or that they are fewer than 95% of them, by chance or too few for that: a sentence
// for each model; "" where there is none.
std::string NullArmText(const v1::GetResultsResponse& results);

}  // namespace skew

#endif  // SKEW_COMMON_NULL_ARM_H_

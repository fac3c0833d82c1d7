// Measures on nearest neighbours (Euclidean, in feature space).
//
// All distances are computed in blocks through matrix products, |x|^2 + |y|^2 - 2 x.y in single precision, after the
// features' mean was taken away (which keeps the differences from drowning). One pass over n x m pairs of 128 features
// takes about 1.1 s for 10,000 x 10,000 on one core and memory for one block of rows.
#ifndef SKEW_COMMON_STATS_NEIGHBOURS_H_
#define SKEW_COMMON_STATS_NEIGHBOURS_H_

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "common/stats/features.h"
#include "common/stats/interval.h"

namespace skew::stats {

// How the generated images lie among the real ones. Precision and recall: share of generated (real) images that lie
// within the k-th neighbour's distance of some real (generated) one (Kynkaanniemi et al. 2019). Density and coverage
// (Naeem et al. 2020): real balls around each generated image over k, and share of real images with a generated one in
// their ball; 1 and, of N generated beside M real ones, about 1 - (M / (M + N))^k are what images reach that are drawn
// as the real ones are, each once.
struct Fidelity {
  double precision = 0;
  double recall = 0;
  double density = 0;
  double coverage = 0;
};

// INVALID_ARGUMENT unless k is at least 1, both sides have more than k rows and equally many columns. Three passes.
absl::StatusOr<Fidelity> MeasureFidelity(const Features& real, const Features& generated, int k = 5);

// Whether a generator copies what it was trained on.
struct Memorisation {
  // Median distance of a generated image from its nearest training image over that of held-out real images: about 1
  // for fresh images, towards 0 for copies.
  double distance_ratio = 0;
  // Share of generated images that are more than three times nearer to one training image than to the next (Yoon et
  // al. 2023), and the same of held-out real images, which copy nothing.
  double copied = 0;
  double copied_held_out = 0;
};

// INVALID_ARGUMENT unless there are generated and held-out images, at least two training images, and equally many
// columns. One pass each over generated x training and held-out x training.
absl::StatusOr<Memorisation> MeasureMemorisation(const Features& generated, const Features& training,
                                                 const Features& held_out);

// How many different images there may be, after Arora & Zhang's birthday test (2018): among n images of a generator
// that chooses evenly from N, n (n - 1) / 2 / N pairs are the same image. `near` pairs are those at most `distance`
// apart (what counts as the same image is the caller's to choose, by looking). The interval is that of a Poisson count
// (Garwood 1936); `support` and the interval's end are infinite when no pair is near.
struct SupportEstimate {
  int64_t near_pairs = 0;
  double support = 0;
  Interval interval;
};

// What follows from `near_pairs` of so many pairs, also of those of several generators together: then it is the
// harmonic mean of their numbers.
SupportEstimate SupportOf(int64_t near_pairs, double pairs);

// INVALID_ARGUMENT with fewer than two rows or a negative distance. Half a pass.
absl::StatusOr<SupportEstimate> EstimateSupport(const Features& features, float distance);

// Nearest and second nearest rows of `to` for each row of `from`, as distances. `to` has at least two rows.
struct TwoNearest {
  std::vector<float> first;
  std::vector<float> second;
};
TwoNearest FindTwoNearest(const Features& from, const Features& to);

}  // namespace skew::stats

#endif  // SKEW_COMMON_STATS_NEIGHBOURS_H_

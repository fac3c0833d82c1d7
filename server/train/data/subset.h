// Training sets under controlled bias, and the two halves of the test split.
#ifndef SKEW_SERVER_TRAIN_DATA_SUBSET_H_
#define SKEW_SERVER_TRAIN_DATA_SUBSET_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/data/dataset.h"
#include "skew/v1/run.pb.h"

namespace skew::train {

// Images drawn from the training split, ordered by their position there.
struct Subset {
  std::vector<int64_t> indices;
  // Parallel to `indices`.
  std::vector<int32_t> labels;
  // Names the draw: hex SHA-256 over the dataset's digest and the indices, each as decimal text, one a line.
  std::string digest;
};

// Draws `bias_point` from the training split of `dataset` without replacement.
//
// For every (job seed, draw, class) there is one random order of that class's images, and a draw of n images is
// its first n: a larger count only adds images, the other classes do not matter, and neither does the model.
//
// INVALID_ARGUMENT, naming class, asked and available, when a class has too few images or a count is negative.
absl::StatusOr<Subset> DrawSubset(const DatasetContent& dataset, const v1::BiasPoint& bias_point, uint32_t job_seed,
                                  int32_t draw);

// "index,label" and one line per image.
std::string ManifestCsv(const Subset& subset);

// The test split in two halves, the same ones for every job, with every class halved (the first half takes the odd
// image). Both ordered by index.
struct TestHalves {
  // Fills the judge's confusion matrix.
  std::vector<int64_t> calibration;
  // What `resample` draws from, so that it is never judged by the matrix of its own images.
  std::vector<int64_t> held_out;
};
TestHalves SplitTest(const DatasetContent& dataset);

}  // namespace skew::train

#endif  // SKEW_SERVER_TRAIN_DATA_SUBSET_H_

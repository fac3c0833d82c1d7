// A labelled image dataset: a folder with the four IDX files of MNIST's layout.
#ifndef SKEW_COMMON_DATA_DATASET_H_
#define SKEW_COMMON_DATA_DATASET_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/data/idx.h"
#include "skew/v1/server_service.pb.h"

namespace skew {

// Images with one label each.
struct LabelledImages {
  IdxImages images;
  std::vector<uint8_t> labels;
};

struct DatasetContent {
  LabelledImages train;
  LabelledImages test;
  // Highest label of either split, plus one; 2 to 256.
  int32_t classes = 0;
  // Hex SHA-256 over the uncompressed content of the four files, in the order train images, train labels, test images,
  // test labels.
  std::string digest;
};

// Reads and checks all four files (`<name>` or `<name>.gz`). Errors name the file: NOT_FOUND for a missing one,
// DATA_LOSS for a damaged one, for a split without as many labels as images, and for splits of different image sizes.
absl::StatusOr<DatasetContent> ReadDataset(const std::string& dir);

// What users are told about it. `problem` is set instead of the rest when it cannot be read.
v1::Dataset DescribeDataset(absl::string_view name, const absl::StatusOr<DatasetContent>& content);

}  // namespace skew

#endif  // SKEW_COMMON_DATA_DATASET_H_

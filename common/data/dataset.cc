#include "common/data/dataset.h"

#include <algorithm>
#include <filesystem>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "common/digest.h"
#include "common/status.h"

namespace skew {
namespace {

// The content of `<dir>/<name>` or `<dir>/<name>.gz`, added to `digest`, and the path it was read from.
absl::StatusOr<std::pair<std::string, std::string>> ReadMember(const std::string& dir, absl::string_view name,
                                                               Sha256& digest) {
  const std::string plain = absl::StrCat(dir, "/", name);
  const std::string packed = absl::StrCat(plain, ".gz");
  std::error_code ignored;
  const bool has_plain = std::filesystem::exists(plain, ignored);
  if (!has_plain && !std::filesystem::exists(packed, ignored)) {
    return absl::NotFoundError(absl::StrCat("there is neither ", plain, " nor ", packed));
  }
  const std::string& path = has_plain ? plain : packed;
  SKEW_ASSIGN_OR_RETURN(std::string content, ReadMaybeGzip(path));
  digest.Add(content);
  return std::make_pair(std::move(content), path);
}

absl::StatusOr<LabelledImages> ReadSplit(const std::string& dir, absl::string_view prefix, Sha256& digest) {
  LabelledImages split;
  SKEW_ASSIGN_OR_RETURN(const auto images, ReadMember(dir, absl::StrCat(prefix, "-images-idx3-ubyte"), digest));
  SKEW_ASSIGN_OR_RETURN(split.images, ParseIdxImages(images.first, images.second));
  SKEW_ASSIGN_OR_RETURN(const auto labels, ReadMember(dir, absl::StrCat(prefix, "-labels-idx1-ubyte"), digest));
  SKEW_ASSIGN_OR_RETURN(split.labels, ParseIdxLabels(labels.first, labels.second));
  if (split.labels.size() != static_cast<size_t>(split.images.count)) {
    return absl::DataLossError(absl::StrCat(labels.second, " has ", split.labels.size(), " labels for the ",
                                            split.images.count, " images of ", images.second));
  }
  return split;
}

void CountClasses(const LabelledImages& split, google::protobuf::Map<int32_t, int32_t>& counts) {
  for (const uint8_t label : split.labels) ++counts[label];
}

}  // namespace

absl::StatusOr<DatasetContent> ReadDataset(const std::string& dir) {
  Sha256 digest;
  DatasetContent content;
  SKEW_ASSIGN_OR_RETURN(content.train, ReadSplit(dir, "train", digest));
  SKEW_ASSIGN_OR_RETURN(content.test, ReadSplit(dir, "t10k", digest));
  const IdxImages& train = content.train.images;
  const IdxImages& test = content.test.images;
  if (train.height != test.height || train.width != test.width) {
    return absl::DataLossError(absl::StrCat(dir, "/t10k-images-idx3-ubyte has images of ", test.height, "x", test.width,
                                            " pixels, the training split of ", train.height, "x", train.width));
  }
  const uint8_t highest = std::max(*std::max_element(content.train.labels.begin(), content.train.labels.end()),
                                   *std::max_element(content.test.labels.begin(), content.test.labels.end()));
  if (highest == 0) return absl::DataLossError(absl::StrCat(dir, "/train-labels-idx1-ubyte has the label 0 only"));
  content.classes = highest + 1;
  content.digest = digest.HexDigest();
  return content;
}

v1::Dataset DescribeDataset(absl::string_view name, const absl::StatusOr<DatasetContent>& content) {
  v1::Dataset dataset;
  dataset.set_name(std::string(name));
  if (!content.ok()) {
    dataset.set_problem(std::string(content.status().message()));
    return dataset;
  }
  dataset.set_digest(content->digest);
  dataset.set_classes(content->classes);
  dataset.set_height(content->train.images.height);
  dataset.set_width(content->train.images.width);
  CountClasses(content->train, *dataset.mutable_train_counts());
  CountClasses(content->test, *dataset.mutable_test_counts());
  return dataset;
}

}  // namespace skew

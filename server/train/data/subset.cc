#include "server/train/data/subset.h"

#include <algorithm>
#include <cstddef>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "common/digest.h"
#include "common/status.h"
#include "server/train/data/random.h"

namespace skew::train {
namespace {

std::vector<int64_t> IndicesOf(const std::vector<uint8_t>& labels, int32_t label) {
  std::vector<int64_t> indices;
  for (size_t i = 0; i < labels.size(); ++i) {
    if (labels[i] == label) indices.push_back(static_cast<int64_t>(i));
  }
  return indices;
}

// `indices` in an order drawn from `seed`.
std::vector<int64_t> Shuffled(const std::vector<int64_t>& indices, uint64_t seed) {
  Random random(seed);
  std::vector<int64_t> shuffled;
  shuffled.reserve(indices.size());
  for (const int64_t position : Permutation(static_cast<int64_t>(indices.size()), random)) {
    shuffled.push_back(indices[static_cast<size_t>(position)]);
  }
  return shuffled;
}

absl::StatusOr<std::vector<int64_t>> DrawClass(const std::vector<uint8_t>& labels, int32_t label, int32_t count,
                                               uint64_t seed) {
  const std::vector<int64_t> available = IndicesOf(labels, label);
  if (count < 0 || static_cast<size_t>(count) > available.size()) {
    return absl::InvalidArgumentError(
        absl::StrCat("class ", label, ": ", count, " images asked, ", available.size(), " available"));
  }
  std::vector<int64_t> drawn = Shuffled(available, seed);
  drawn.resize(static_cast<size_t>(count));
  return drawn;
}

std::string ManifestDigest(const std::string& dataset_digest, const std::vector<int64_t>& indices) {
  Sha256 digest;
  digest.Add(absl::StrCat(dataset_digest, "\n"));
  for (const int64_t index : indices) digest.Add(absl::StrCat(index, "\n"));
  return digest.HexDigest();
}

}  // namespace

absl::StatusOr<Subset> DrawSubset(const DatasetContent& dataset, const v1::BiasPoint& bias_point, uint32_t job_seed,
                                  int32_t draw) {
  const std::vector<uint8_t>& labels = dataset.train.labels;
  Subset subset;
  for (const auto& [label, count] : bias_point.counts()) {
    const uint64_t seed = DeriveSeed("subset", {job_seed, static_cast<uint64_t>(draw), static_cast<uint64_t>(label)});
    SKEW_ASSIGN_OR_RETURN(const std::vector<int64_t> drawn, DrawClass(labels, label, count, seed));
    subset.indices.insert(subset.indices.end(), drawn.begin(), drawn.end());
  }
  std::sort(subset.indices.begin(), subset.indices.end());
  for (const int64_t index : subset.indices) subset.labels.push_back(labels[static_cast<size_t>(index)]);
  subset.digest = ManifestDigest(dataset.digest, subset.indices);
  return subset;
}

std::string ManifestCsv(const Subset& subset) {
  std::string csv = "index,label\n";
  for (size_t i = 0; i < subset.indices.size(); ++i) {
    absl::StrAppend(&csv, subset.indices[i], ",", subset.labels[i], "\n");
  }
  return csv;
}

TestHalves SplitTest(const DatasetContent& dataset) {
  TestHalves halves;
  for (int32_t label = 0; label < dataset.classes; ++label) {
    const uint64_t seed = DeriveSeed("test halves", {static_cast<uint64_t>(label)});
    const std::vector<int64_t> order = Shuffled(IndicesOf(dataset.test.labels, label), seed);
    const auto middle = order.begin() + static_cast<std::ptrdiff_t>((order.size() + 1) / 2);
    halves.calibration.insert(halves.calibration.end(), order.begin(), middle);
    halves.held_out.insert(halves.held_out.end(), middle, order.end());
  }
  std::sort(halves.calibration.begin(), halves.calibration.end());
  std::sort(halves.held_out.begin(), halves.held_out.end());
  return halves;
}

}  // namespace skew::train

#include "server/train/engine/training_batches.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "server/train/data/class_order.h"

namespace skew::train {
namespace {

BatchStream StreamOf(const std::vector<int32_t>& labels, int64_t batch_size, v1::BatchComposition composition,
                     uint64_t seed) {
  if (composition == v1::QUOTA) return {labels, batch_size, seed};
  return {static_cast<int64_t>(labels.size()), batch_size, seed};
}

}  // namespace

TrainingBatches::TrainingBatches(const std::vector<int32_t>& labels, int64_t batch_size,
                                 const v1::TrainingSpec& training, int64_t total, uint64_t seed)
    : batch_size_(batch_size), stream_(StreamOf(labels, batch_size, training.composition(), seed)) {
  if (!training.has_first_batches()) return;
  const v1::FirstBatches& first = training.first_batches();
  DrawFirst(std::min<int64_t>(first.batches(), total), first.order(), labels);
}

void TrainingBatches::DrawFirst(int64_t count, v1::BatchOrder order, const std::vector<int32_t>& labels) {
  std::vector<int64_t> positions;
  for (int64_t i = 0; i < count; ++i) {
    const std::vector<int64_t> batch = stream_.Next();
    positions.insert(positions.end(), batch.begin(), batch.end());
  }
  switch (order) {
    case v1::MAJORITY_FIRST:
      first_ = FrequentFirst(positions, labels);
      break;
    case v1::MINORITY_FIRST:
      first_ = RareFirst(positions, labels);
      break;
    default:
      first_ = SpreadByClass(positions, labels);
  }
}

std::vector<int64_t> TrainingBatches::Next() {
  if (first_used_ == static_cast<int64_t>(first_.size())) return stream_.Next();
  const auto begin = first_.begin() + first_used_;
  first_used_ += batch_size_;
  return {begin, begin + batch_size_};
}

absl::Status TrainingBatches::GoTo(int64_t drawn, const BatchStream::State& state) {
  if (drawn < 0) return absl::DataLossError(absl::StrCat(drawn, " batches drawn"));
  const auto first_batches = static_cast<int64_t>(first_.size()) / batch_size_;
  first_used_ = std::min(drawn, first_batches) * batch_size_;
  return stream_.GoTo(state);
}

}  // namespace skew::train

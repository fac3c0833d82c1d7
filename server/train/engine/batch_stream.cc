#include "server/train/engine/batch_stream.h"

#include <algorithm>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "server/train/data/class_order.h"
#include "server/train/data/random.h"

namespace skew::train {

BatchStream::BatchStream(int64_t size, int64_t batch_size, uint64_t seed)
    : size_(size), batch_size_(batch_size), epoch_state_(seed) {
  DrawEpoch();
}

BatchStream::BatchStream(std::vector<int32_t> labels, int64_t batch_size, uint64_t seed)
    : size_(static_cast<int64_t>(labels.size())),
      labels_(std::move(labels)),
      batch_size_(batch_size),
      epoch_state_(seed) {
  DrawEpoch();
}

absl::Status BatchStream::GoTo(const State& state) {
  if (state.cursor < 0 || state.cursor > size_) {
    return absl::DataLossError(absl::StrCat("cursor ", state.cursor, " in a training set of ", size_, " images"));
  }
  epoch_state_ = state.epoch_state;
  cursor_ = state.cursor;
  DrawEpoch();
  return absl::OkStatus();
}

std::vector<int64_t> BatchStream::Next() {
  std::vector<int64_t> batch;
  batch.reserve(static_cast<size_t>(batch_size_));
  while (static_cast<int64_t>(batch.size()) < batch_size_) {
    if (cursor_ == size_) {
      epoch_state_ = next_state_;
      cursor_ = 0;
      DrawEpoch();
    }
    const int64_t take = std::min(batch_size_ - static_cast<int64_t>(batch.size()), size_ - cursor_);
    batch.insert(batch.end(), order_.begin() + cursor_, order_.begin() + cursor_ + take);
    cursor_ += take;
  }
  return batch;
}

void BatchStream::DrawEpoch() {
  Random random(epoch_state_);
  order_ = Permutation(size_, random);
  if (!labels_.empty()) order_ = SpreadByClass(order_, labels_);
  next_state_ = random.state();
}

int64_t StepsForEpochs(int64_t epochs, int64_t size, int64_t batch_size) {
  return (epochs * size + batch_size - 1) / batch_size;
}

}  // namespace skew::train

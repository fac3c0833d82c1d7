#include "server/train/engine/batch_stream.h"

#include <algorithm>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "server/train/data/random.h"

namespace skew::train {

BatchStream::BatchStream(int64_t size, int64_t batch_size, uint64_t seed)
    : size_(size), batch_size_(batch_size), epoch_state_(seed) {
  DrawEpoch();
}

absl::StatusOr<BatchStream> BatchStream::Resume(int64_t size, int64_t batch_size, const State& state) {
  if (state.cursor < 0 || state.cursor > size) {
    return absl::DataLossError(absl::StrCat("cursor ", state.cursor, " in a training set of ", size, " images"));
  }
  BatchStream stream(size, batch_size, state.epoch_state);
  stream.cursor_ = state.cursor;
  return stream;
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
  next_state_ = random.state();
}

int64_t StepsForEpochs(int64_t epochs, int64_t size, int64_t batch_size) {
  return (epochs * size + batch_size - 1) / batch_size;
}

}  // namespace skew::train

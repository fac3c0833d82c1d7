// Which images the updates see, in which order.
#ifndef SKEW_SERVER_TRAIN_ENGINE_BATCH_STREAM_H_
#define SKEW_SERVER_TRAIN_ENGINE_BATCH_STREAM_H_

#include <cstdint>
#include <vector>

#include "absl/status/status.h"

namespace skew::train {

// An endless sequence of positions in a training set of `size` images: fresh permutations (epochs) one after the other,
// cut into batches of constant size. A batch may straddle two epochs, so every image is seen equally often and no
// update has fewer images than another. Given the images' classes, every permutation is spread by class (see
// SpreadByClass), so that every batch holds them in proportion.
class BatchStream {
 public:
  // Where a stream stands; enough to go on from. `epoch_state` is the generator's state that the current permutation
  // was drawn from, `cursor` how much of that permutation is used up (0 to size).
  struct State {
    uint64_t epoch_state = 0;
    int64_t cursor = 0;

    bool operator==(const State&) const = default;
  };

  // Both at least 1; the batch may be larger than the training set.
  BatchStream(int64_t size, int64_t batch_size, uint64_t seed);
  // `labels`: the class of each image.
  BatchStream(std::vector<int32_t> labels, int64_t batch_size, uint64_t seed);

  // Goes on from where another stream of the same training set and batch size stood. DATA_LOSS when the cursor does not
  // fit the size.
  absl::Status GoTo(const State& state);

  // Positions of the next batch.
  std::vector<int64_t> Next();

  State state() const { return {epoch_state_, cursor_}; }

 private:
  void DrawEpoch();

  int64_t size_;
  std::vector<int32_t> labels_;  // empty: chance alone orders the images
  int64_t batch_size_;
  uint64_t epoch_state_;
  // The generator's state behind the current permutation.
  uint64_t next_state_ = 0;
  int64_t cursor_ = 0;
  std::vector<int64_t> order_;
};

// Updates that make `epochs` passes: ceil(epochs * size / batch_size).
int64_t StepsForEpochs(int64_t epochs, int64_t size, int64_t batch_size);

}  // namespace skew::train

#endif  // SKEW_SERVER_TRAIN_ENGINE_BATCH_STREAM_H_

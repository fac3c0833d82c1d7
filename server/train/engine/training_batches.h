// The batches of a training, as its spec wants them.
#ifndef SKEW_SERVER_TRAIN_ENGINE_TRAINING_BATCHES_H_
#define SKEW_SERVER_TRAIN_ENGINE_TRAINING_BATCHES_H_

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "server/train/engine/batch_stream.h"
#include "skew/v1/job.pb.h"

namespace skew::train {

// A BatchStream whose first batches may be in another order (see TrainingSpec in job.proto).
class TrainingBatches {
 public:
  // `labels`: the class of each training image, at least one. The training has `total` batches, and no more than these
  // are reordered. The order derives from `seed`.
  TrainingBatches(const std::vector<int32_t>& labels, int64_t batch_size, const v1::TrainingSpec& training,
                  int64_t total, uint64_t seed);

  int64_t batch_size() const { return batch_size_; }

  // Positions of the next batch.
  std::vector<int64_t> Next();

  // Of the stream behind the first batches.
  BatchStream::State state() const { return stream_.state(); }
  // Goes on as after `drawn` batches, when the stream stood at `state`. DATA_LOSS when that cannot be.
  absl::Status GoTo(int64_t drawn, const BatchStream::State& state);

 private:
  void DrawFirst(int64_t count, v1::BatchOrder order, const std::vector<int32_t>& labels);

  int64_t batch_size_;
  BatchStream stream_;
  std::vector<int64_t> first_;  // positions of the reordered batches, one after the other
  int64_t first_used_ = 0;
};

}  // namespace skew::train

#endif  // SKEW_SERVER_TRAIN_ENGINE_TRAINING_BATCHES_H_

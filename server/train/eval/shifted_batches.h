// Training batches for the judge.
#ifndef SKEW_SERVER_TRAIN_EVAL_SHIFTED_BATCHES_H_
#define SKEW_SERVER_TRAIN_EVAL_SHIFTED_BATCHES_H_

#include <cstdint>

#include "common/data/dataset.h"
#include "server/train/data/random.h"
#include "server/train/engine/batch_stream.h"
#include "server/train/torch.h"

namespace skew::train {

// Labelled images in a random order, every one moved by up to `max_shift` pixels along both axes, each offset with
// equal chance, anew every time it comes; what moves in from outside is 0.
class ShiftedBatches {
 public:
  struct Batch {
    // float32 [batch_size, 1, h, w] in 0 .. 1, and int64 [batch_size]; both on the CPU.
    at::Tensor images;
    at::Tensor labels;
  };

  // `split` is borrowed. `max_shift` is below both sides of its images.
  ShiftedBatches(const LabelledImages* split, int64_t batch_size, int64_t max_shift, uint64_t seed);

  Batch Next();

 private:
  int64_t DrawShift();

  const LabelledImages* split_;
  int64_t max_shift_;
  BatchStream order_;
  Random random_;
};

}  // namespace skew::train

#endif  // SKEW_SERVER_TRAIN_EVAL_SHIFTED_BATCHES_H_

// A model, its training set and how far it has come.
#ifndef SKEW_SERVER_TRAIN_TRAINER_H_
#define SKEW_SERVER_TRAIN_TRAINER_H_

#include <cstdint>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/train/engine/checkpoint.h"
#include "server/train/engine/loss_series.h"
#include "server/train/engine/training_batches.h"
#include "server/train/models/generative_model.h"
#include "server/train/torch.h"

namespace skew::train {

// Not thread-safe.
class Trainer {
 public:
  // `model` is borrowed. `images` [n, 1, height, width] float32 is the training set, on the model's device; `batches`
  // are of as many images.
  Trainer(GenerativeModel* model, at::Tensor images, TrainingBatches batches);

  // One update, and every 20 updates a look at the losses: OUT_OF_RANGE, naming the update, when one of them was not a
  // finite number.
  absl::Status Step();

  int64_t step() const { return losses_.steps(); }
  // Passes over the training set, as a fraction.
  double epoch() const;

  // Read back up to the newest update after a Flush, whose errors are those of Step.
  absl::Status Flush() { return losses_.Flush(); }
  const LossSeries& losses() const { return losses_; }

  // Everything that the rest of the training depends on. Errors are those of Step.
  absl::StatusOr<Checkpoint> Save();
  // Goes on as if it had made those updates itself. DATA_LOSS when the checkpoint is of another training set, batch
  // size or model; then the trainer and its model must not be used any more.
  absl::Status Load(const Checkpoint& checkpoint);

 private:
  GenerativeModel* model_;
  at::Tensor images_;
  TrainingBatches batches_;
  LossSeries losses_;
};

}  // namespace skew::train

#endif  // SKEW_SERVER_TRAIN_TRAINER_H_

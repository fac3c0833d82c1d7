#include "server/train/trainer.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/status.h"
#include "server/train/engine/engine.h"

namespace skew::train {
namespace {

constexpr char kBatches[] = "batches";
constexpr int64_t kUpdatesPerFlush = 20;

}  // namespace

Trainer::Trainer(GenerativeModel* model, at::Tensor images, TrainingBatches batches)
    : model_(model), images_(std::move(images)), batches_(std::move(batches)), losses_(model->MetricNames()) {}

absl::Status Trainer::Step() {
  const at::Tensor positions = Upload(TensorOfInts(batches_.Next()), images_.device());
  losses_.Add(model_->TrainStep(images_.index_select(0, positions)));
  return losses_.pending() < kUpdatesPerFlush ? absl::OkStatus() : losses_.Flush();
}

double Trainer::epoch() const {
  return static_cast<double>(step() * batches_.batch_size()) / static_cast<double>(images_.size(0));
}

absl::StatusOr<Checkpoint> Trainer::Save() {
  SKEW_RETURN_IF_ERROR(losses_.Flush());
  Checkpoint checkpoint;
  checkpoint.step = step();
  model_->Save(checkpoint.state);
  losses_.Save(checkpoint.state);
  const BatchStream::State stream = batches_.state();
  checkpoint.state[kBatches] =
      TensorOfInts({images_.size(0), batches_.batch_size(), static_cast<int64_t>(stream.epoch_state), stream.cursor});
  return checkpoint;
}

absl::Status Trainer::Load(const Checkpoint& checkpoint) {
  SKEW_ASSIGN_OR_RETURN(const std::vector<int64_t> batches, GetInts(checkpoint.state, kBatches, 4));
  if (batches[0] != images_.size(0) || batches[1] != batches_.batch_size()) {
    return absl::DataLossError(absl::StrCat("the checkpoint is of ", batches[0], " images in batches of ", batches[1],
                                            ", not of ", images_.size(0), " in batches of ", batches_.batch_size()));
  }
  const BatchStream::State stream{static_cast<uint64_t>(batches[2]), batches[3]};
  SKEW_RETURN_IF_ERROR(batches_.GoTo(checkpoint.step, stream));
  SKEW_RETURN_IF_ERROR(losses_.Load(checkpoint.state));
  if (step() != checkpoint.step) {
    return absl::DataLossError(absl::StrCat("the checkpoint of step ", checkpoint.step, " has ", step(), " losses"));
  }
  return model_->Load(checkpoint.state);
}

}  // namespace skew::train

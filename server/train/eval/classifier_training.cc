#include "server/train/eval/classifier_training.h"

#include <ATen/ops/cross_entropy_loss.h>
#include <ATen/ops/stack.h>
#include <torch/csrc/autograd/autograd.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "common/status.h"
#include "server/train/engine/adam.h"
#include "server/train/engine/loss_series.h"
#include "server/train/eval/classifier.h"
#include "server/train/eval/shifted_batches.h"

namespace skew::train {
namespace {

constexpr int32_t kDefaultEpochs = 4;
constexpr int32_t kMaxEpochs = 100;
constexpr int64_t kBatchSize = 128;
constexpr int64_t kMaxShift = 2;
constexpr double kPeakRate = 5e-3;
constexpr double kWarmUp = 0.2;
constexpr double kDecay = 1e-2;
constexpr int64_t kUpdatesPerProgress = 20;

// One cycle: linearly up from nothing during the first part of the training, then linearly down to nothing.
double RateAt(int64_t step, int64_t total_steps) {
  const double done = static_cast<double>(step) / static_cast<double>(total_steps);
  return kPeakRate * std::min(done / kWarmUp, (1 - done) / (1 - kWarmUp));
}

// One training while it goes on.
class Course {
 public:
  Course(const ClassifierTraining& training, int64_t epochs, JudgeNetwork* network)
      : training_(training),
        network_(network),
        images_(training.dataset->train.images.count),
        total_steps_(StepsForEpochs(epochs, images_, kBatchSize)),
        batches_(&training.dataset->train, kBatchSize, kMaxShift, training.spec.seed()),
        adam_(network->tensors().parameters(), {kPeakRate, 0.9, 0.99, 1e-8, kDecay}) {}

  absl::Status Run() {
    while (losses_.steps() < total_steps_) {
      Update();
      if (losses_.pending() < kUpdatesPerProgress && losses_.steps() < total_steps_) continue;
      SKEW_RETURN_IF_ERROR(Report());
    }
    return absl::OkStatus();
  }

 private:
  void Update() {
    const ShiftedBatches::Batch batch = batches_.Next();
    const at::Tensor labels = batch.labels.to(training_.device);
    const at::Tensor logits = network_->Forward(batch.images.to(training_.device), Statistics::kBatchAndTrack).logits;
    const at::Tensor loss = at::cross_entropy_loss(logits, labels);
    // The middle of the update's share of the cycle, so that neither end trains at rate 0.
    adam_.set_rate(RateAt(2 * losses_.steps() + 1, 2 * total_steps_));
    adam_.Step(torch::autograd::grad({loss}, network_->tensors().parameters()));
    const at::Tensor right = logits.detach().argmax(1).eq(labels).to(at::kFloat).mean();
    losses_.Add(at::stack({loss.detach(), right}));
  }

  absl::Status Report() {
    SKEW_RETURN_IF_ERROR(losses_.Flush());
    if (!training_.on_progress) return absl::OkStatus();
    const absl::Time now = absl::Now();
    const auto steps = static_cast<double>(losses_.steps() - reported_steps_);
    v1::Progress progress;
    progress.set_step(static_cast<int32_t>(losses_.steps()));
    progress.set_total_steps(static_cast<int32_t>(total_steps_));
    progress.set_epoch(static_cast<double>(losses_.steps() * kBatchSize) / static_cast<double>(images_));
    for (const auto& [name, mean] : losses_.MeansAfter(reported_steps_)) (*progress.mutable_metrics())[name] = mean;
    progress.set_steps_per_second(steps / std::max(1e-9, absl::ToDoubleSeconds(now - report_time_)));
    reported_steps_ = losses_.steps();
    report_time_ = now;
    return training_.on_progress(progress) ? absl::OkStatus() : absl::CancelledError("asked to stop");
  }

  const ClassifierTraining& training_;
  JudgeNetwork* network_;
  int64_t images_;
  int64_t total_steps_;
  ShiftedBatches batches_;
  Adam adam_;
  LossSeries losses_{{"loss", "accuracy"}};
  int64_t reported_steps_ = 0;
  absl::Time report_time_ = absl::Now();
};

}  // namespace

absl::StatusOr<std::unique_ptr<Classifier>> TrainClassifier(const ClassifierTraining& training) {
  const DatasetContent& dataset = *training.dataset;
  const int32_t epochs = training.spec.has_epochs() ? training.spec.epochs() : kDefaultEpochs;
  if (epochs < 1 || epochs > kMaxEpochs) {
    return absl::InvalidArgumentError(absl::StrCat("classifier.epochs is ", epochs, ", not 1 to ", kMaxEpochs));
  }
  const JudgeShape shape{dataset.classes, dataset.train.images.height, dataset.train.images.width};
  const uint64_t seed = DeriveSeed("classifier weights", {training.spec.seed()});
  SKEW_ASSIGN_OR_RETURN(std::unique_ptr<JudgeNetwork> network, JudgeNetwork::Make(shape, training.device, seed));
  SKEW_RETURN_IF_ERROR(Course(training, epochs, network.get()).Run());
  return std::make_unique<Classifier>(std::move(network), dataset.digest);
}

}  // namespace skew::train

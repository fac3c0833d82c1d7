#include "server/train/run_settings.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "common/status.h"
#include "server/train/engine/batch_stream.h"
#include "server/train/models/generative_model.h"

namespace skew::train {
namespace {

constexpr int64_t kDefaultSteps = 6000;
constexpr int64_t kDefaultGenerationImages = 10000;
constexpr int64_t kMostDefaultEvaluationImages = 2000;
constexpr double kDefaultRejectBelow = 0.5;
constexpr int64_t kDefaultCheckpointSeconds = 60;
constexpr int64_t kDefaultEvaluations = 10;

absl::Status CheckPositive(absl::string_view field, int64_t value) {
  if (value >= 1) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(field, ": ", value, " is not at least 1"));
}

// ceil(part * whole / parts)
int64_t Share(int64_t part, int64_t whole, int64_t parts) { return (part * whole + parts - 1) / parts; }

int64_t TotalSteps(const v1::TrainingSpec& training, int64_t images, int64_t batch_size) {
  if (training.has_epochs()) return StepsForEpochs(training.epochs(), images, batch_size);
  return training.has_steps() ? training.steps() : kDefaultSteps;
}

// The step of the n-th histogram.
int64_t EvaluationStep(const v1::EvaluationSpec& evaluation, int64_t n, int64_t images, const RunSettings& settings) {
  if (evaluation.has_every_steps()) return n * evaluation.every_steps();
  if (evaluation.has_every_epochs()) {
    return StepsForEpochs(n * evaluation.every_epochs(), images, settings.batch_size);
  }
  return Share(n, settings.total_steps, kDefaultEvaluations);
}

std::vector<int64_t> EvaluationSteps(const v1::EvaluationSpec& evaluation, int64_t images,
                                     const RunSettings& settings) {
  std::vector<int64_t> steps;
  for (int64_t n = 1;; ++n) {
    const int64_t step = EvaluationStep(evaluation, n, images, settings);
    if (step >= settings.total_steps) return steps;
    // With few steps several histograms can fall on one.
    if (steps.empty() || step > steps.back()) steps.push_back(step);
  }
}

absl::Status Check(const v1::JobSpec& spec, const RunSettings& settings) {
  const v1::EvaluationSpec& evaluation = spec.evaluation();
  if (spec.training().has_epochs()) SKEW_RETURN_IF_ERROR(CheckPositive("training.epochs", spec.training().epochs()));
  if (spec.training().has_steps()) SKEW_RETURN_IF_ERROR(CheckPositive("training.steps", spec.training().steps()));
  if (evaluation.has_every_steps()) {
    SKEW_RETURN_IF_ERROR(CheckPositive("evaluation.every_steps", evaluation.every_steps()));
  }
  if (evaluation.has_every_epochs()) {
    SKEW_RETURN_IF_ERROR(CheckPositive("evaluation.every_epochs", evaluation.every_epochs()));
  }
  // One image has no batch statistics.
  if (settings.batch_size < 2) {
    return absl::InvalidArgumentError(absl::StrCat("training.batch_size: ", settings.batch_size, " is not at least 2"));
  }
  SKEW_RETURN_IF_ERROR(CheckPositive("evaluation.images", settings.evaluation_images));
  return CheckPositive("generation.images", settings.generation_images);
}

}  // namespace

bool RunSettings::IsEvaluationStep(int64_t step) const {
  return std::binary_search(evaluation_steps.begin(), evaluation_steps.end(), step);
}

int64_t TrainingImages(const v1::BiasPoint& bias_point) {
  int64_t images = 0;
  for (const auto& [label, count] : bias_point.counts()) images += count;
  return images;
}

absl::StatusOr<RunSettings> SettingsOf(const worker::v1::WorkOrder& order) {
  const v1::JobSpec& spec = order.spec();
  if (order.model_index() < 0 || order.model_index() >= spec.models_size()) {
    return absl::InvalidArgumentError(absl::StrCat("model ", order.model_index(), " of ", spec.models_size()));
  }
  const int64_t images = TrainingImages(order.bias_point());
  SKEW_RETURN_IF_ERROR(CheckPositive("bias_point: images of the training set", images));
  const v1::TrainingSpec& training = spec.training();
  const v1::EvaluationSpec& evaluation = spec.evaluation();
  RunSettings settings;
  settings.model = WithDefaults(spec.models(order.model_index()));
  settings.batch_size = training.has_batch_size() ? training.batch_size() : DefaultBatchSize(settings.model);
  settings.generation_images = spec.generation().has_images() ? spec.generation().images() : kDefaultGenerationImages;
  settings.evaluation_images = evaluation.has_images()
                                   ? evaluation.images()
                                   : std::min(settings.generation_images, kMostDefaultEvaluationImages);
  settings.reject_below = evaluation.has_reject_below() ? evaluation.reject_below() : kDefaultRejectBelow;
  settings.measure_images = evaluation.measure_images();
  settings.checkpoint_seconds = order.checkpoint_seconds() > 0 ? order.checkpoint_seconds() : kDefaultCheckpointSeconds;
  SKEW_RETURN_IF_ERROR(Check(spec, settings));
  if (settings.model.has_resample()) return settings;
  settings.total_steps = TotalSteps(training, images, settings.batch_size);
  settings.evaluation_steps = EvaluationSteps(evaluation, images, settings);
  return settings;
}

}  // namespace skew::train

// What one run does, in numbers: its order with every default written out.
#ifndef SKEW_SERVER_TRAIN_RUN_SETTINGS_H_
#define SKEW_SERVER_TRAIN_RUN_SETTINGS_H_

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "skew/v1/job.pb.h"
#include "skew/worker/v1/worker.pb.h"

namespace skew::train {

// The one place where the worker fills in settings that its order leaves out (see job.proto; the daemon writes them
// all out, a hand-made order need not).
struct RunSettings {
  v1::ModelSpec model;
  int64_t batch_size = 0;
  // 0 for a family that is not trained.
  int64_t total_steps = 0;
  // Updates after which a histogram is made: ascending, each at least 1 and below total_steps.
  std::vector<int64_t> evaluation_steps;
  int64_t evaluation_images = 0;
  int64_t generation_images = 0;
  double reject_below = 0;
  // Of the final images (see ImageMeasures).
  bool measure_images = false;
  // Seconds between checkpoints.
  int64_t checkpoint_seconds = 0;

  bool IsEvaluationStep(int64_t step) const;
};

// INVALID_ARGUMENT, naming field and value, when the order is for no model, for no image, or contradicts itself.
absl::StatusOr<RunSettings> SettingsOf(const worker::v1::WorkOrder& order);

// Images of the training set.
int64_t TrainingImages(const v1::BiasPoint& bias_point);

}  // namespace skew::train

#endif  // SKEW_SERVER_TRAIN_RUN_SETTINGS_H_

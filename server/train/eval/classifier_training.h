// How the judge comes to be.
#ifndef SKEW_SERVER_TRAIN_EVAL_CLASSIFIER_TRAINING_H_
#define SKEW_SERVER_TRAIN_EVAL_CLASSIFIER_TRAINING_H_

#include <functional>
#include <memory>

#include "absl/status/statusor.h"
#include "common/data/dataset.h"
#include "server/train/torch.h"
#include "skew/v1/job.pb.h"
#include "skew/v1/run.pb.h"

namespace skew::train {

class Classifier;

struct ClassifierTraining {
  // Borrowed.
  const DatasetContent* dataset = nullptr;
  // Absent settings have the defaults of job.proto.
  v1::ClassifierSpec spec;
  at::Device device = at::Device(at::kCPU);
  // Optional. Called every 20 updates and after the last one; false stops the training.
  std::function<bool(const v1::Progress&)> on_progress;
};

// Trains a classifier on the training split: Adam, one-cycle learning rate, cross-entropy, images shifted at random.
// The result is a function of dataset, spec, device and number of threads.
// CANCELLED when stopped, INVALID_ARGUMENT when images or spec are out of range, OUT_OF_RANGE when a loss is not
// finite.
absl::StatusOr<std::unique_ptr<Classifier>> TrainClassifier(const ClassifierTraining& training);

}  // namespace skew::train

#endif  // SKEW_SERVER_TRAIN_EVAL_CLASSIFIER_TRAINING_H_

// How far the engine's losses are from a plain implementation's.
#ifndef SKEW_TESTS_TRAIN_LOSS_DIFFERENCE_H_
#define SKEW_TESTS_TRAIN_LOSS_DIFFERENCE_H_

#include "server/train/engine/engine.h"
#include "skew/v1/job.pb.h"

namespace skew::train {

// Trains a model of `spec` on that engine and a plain one (see plain_models.h) that computes in `kind`, from the same
// weights, on the same images and latent vectors. The largest difference of a metric in that many updates, relative to
// the update's largest metric; infinite where one is no number.
double LargestLossDifference(const v1::ModelSpec& spec, Convolutions how, int updates,
                             at::ScalarType kind = at::kFloat);

// How far the values of images (0..1) are from a plain model's that was trained the same way, when they are generated
// after that many updates with `mode`, which is that of `spec`.
double LargestImageDifference(const v1::ModelSpec& spec, Convolutions how, int updates, v1::BatchNormMode mode);

// The loss difference of two plain models, one in float and one in double precision: what float costs without any
// engine.
double PlainLossDifference(const v1::ModelSpec& spec, int updates);

// `spec` with learning rates a hundredth of what they are.
v1::ModelSpec Slowed(v1::ModelSpec spec);

}  // namespace skew::train

#endif  // SKEW_TESTS_TRAIN_LOSS_DIFFERENCE_H_

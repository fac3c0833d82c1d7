// What every trained family needs to be sampled from and saved.
#ifndef SKEW_SERVER_TRAIN_MODELS_SAMPLING_H_
#define SKEW_SERVER_TRAIN_MODELS_SAMPLING_H_

#include "absl/status/status.h"
#include "server/train/engine/tensor_map.h"
#include "server/train/models/layers.h"
#include "server/train/torch.h"
#include "skew/v1/job.pb.h"

namespace skew::train {

// The statistics that batch normalisation uses while images are generated.
Statistics SamplingStatistics(v1::BatchNormMode mode);

// The training's random state, as tensor "random".
void SaveRandom(const at::Generator& random, TensorMap& state);
// DATA_LOSS when it is missing or not a generator's state.
absl::Status LoadRandom(const TensorMap& state, at::Generator& random);

}  // namespace skew::train

#endif  // SKEW_SERVER_TRAIN_MODELS_SAMPLING_H_

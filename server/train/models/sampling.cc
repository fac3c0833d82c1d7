#include "server/train/models/sampling.h"

#include "common/status.h"

namespace skew::train {
namespace {

constexpr char kRandom[] = "random";

}  // namespace

Statistics SamplingStatistics(v1::BatchNormMode mode) {
  return mode == v1::TRAIN ? Statistics::kBatch : Statistics::kRunning;
}

void SaveRandom(const at::Generator& random, TensorMap& state) { state[kRandom] = random.get_state(); }

absl::Status LoadRandom(const TensorMap& state, at::Generator& random) {
  SKEW_ASSIGN_OR_RETURN(const at::Tensor saved, GetTensor(state, kRandom));
  const at::Tensor current = random.get_state();
  if (saved.scalar_type() != at::kByte || saved.sizes() != current.sizes()) {
    return absl::DataLossError("tensor 'random' is not the state of a random generator");
  }
  random.set_state(saved);
  return absl::OkStatus();
}

}  // namespace skew::train

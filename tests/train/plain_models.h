// The three trained families as one would write them with LibTorch's operators alone.
#ifndef SKEW_TESTS_TRAIN_PLAIN_MODELS_H_
#define SKEW_TESTS_TRAIN_PLAIN_MODELS_H_

#include <memory>
#include <string>
#include <vector>

#include "server/train/engine/tensor_map.h"
#include "server/train/torch.h"
#include "skew/v1/job.pb.h"

namespace skew::train {

// Nothing of the engine is used: no kernels, no frozen weights, no fused optimiser; transposed convolutions are
// at::conv_transpose2d and gradients autograd's. What a model of the engine must agree with.
class PlainModel {
 public:
  virtual ~PlainModel() = default;
  // One update on float32 images in 0..1; the metrics of GenerativeModel::TrainStep, as double.
  virtual std::vector<double> TrainStep(const at::Tensor& images) = 0;
  // Float32 images in 0..1 from these random numbers, normalised as GenerativeModel::Generate does in that mode.
  virtual at::Tensor Generate(int64_t count, uint64_t seed, v1::BatchNormMode mode) = 0;
};

// One that starts from what a model of `spec` (every default written out) has saved: weights and random state. It
// computes in `kind`, at::kFloat or at::kDouble, with the same latent vectors as the model.
std::unique_ptr<PlainModel> MakePlainModel(const v1::ModelSpec& spec, const TensorMap& state, at::ScalarType kind);

}  // namespace skew::train

#endif  // SKEW_TESTS_TRAIN_PLAIN_MODELS_H_

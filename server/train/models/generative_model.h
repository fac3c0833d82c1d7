// What a run trains and samples from.
#ifndef SKEW_SERVER_TRAIN_MODELS_GENERATIVE_MODEL_H_
#define SKEW_SERVER_TRAIN_MODELS_GENERATIVE_MODEL_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/train/engine/engine.h"
#include "server/train/engine/tensor_map.h"
#include "server/train/torch.h"
#include "skew/v1/job.pb.h"
#include "skew/v1/run.pb.h"

namespace skew::train {

// Not thread-safe. Images are float32 [n, 1, height, width] on the engine's device, 0 (background) to 1 (ink).
//
// A model owns the random generator of its training; sampling uses another one, so that looking at a model never
// changes what it becomes.
class GenerativeModel {
 public:
  virtual ~GenerativeModel() = default;

  // False: there is nothing to train, TrainStep must not be called.
  virtual bool trains() const { return true; }

  // Names of what TrainStep returns, in its order: "loss_d" and "loss_g", or "loss" and its parts.
  virtual std::vector<std::string> MetricNames() const = 0;

  // One update on a batch. Returns the metrics as a tensor on the device, so that nobody has to wait for it.
  virtual at::Tensor TrainStep(const at::Tensor& images) = 0;

  // `count` new images, the same ones for the same state of the model, count and seed.
  virtual at::Tensor Generate(int64_t count, uint64_t seed) = 0;

  // Weights, optimiser state, random state and counters.
  virtual void Save(TensorMap& state) const = 0;
  // DATA_LOSS, naming the tensor, when something is missing or does not fit.
  virtual absl::Status Load(const TensorMap& state) = 0;
};

// What families need to know beside their settings.
struct ModelInputs {
  // The precision in it does not matter: the model's settings decide.
  Engine engine;
  uint64_t seed = 0;
  int64_t height = 0;
  int64_t width = 0;
  // For `resample`: the held-out images (as GenerativeModel's), their labels (parallel), and the proportions.
  at::Tensor held_out_images;
  std::vector<int32_t> held_out_labels;
  v1::BiasPoint bias_point;
};

// `spec` with every setting that is absent at its default.
v1::ModelSpec WithDefaults(const v1::ModelSpec& spec);

// Images per update when the job does not say: 64, for vae_mlp 128.
int32_t DefaultBatchSize(const v1::ModelSpec& spec);

// What a model of that family is trained in on that engine: FP32 or BF16; unspecified for `resample`, which is not.
v1::Precision ResolvedPrecision(const v1::ModelSpec& spec, const Engine& engine);

// An untrained model, in its resolved precision. INVALID_ARGUMENT, naming field and value, when no family is set, a
// setting is out of its range (see job.proto), or the images do not suit the family.
absl::StatusOr<std::unique_ptr<GenerativeModel>> MakeModel(const v1::ModelSpec& spec, const ModelInputs& inputs);

}  // namespace skew::train

#endif  // SKEW_SERVER_TRAIN_MODELS_GENERATIVE_MODEL_H_

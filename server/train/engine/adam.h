// The optimiser of every family.
#ifndef SKEW_SERVER_TRAIN_ENGINE_ADAM_H_
#define SKEW_SERVER_TRAIN_ENGINE_ADAM_H_

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "server/train/engine/tensor_map.h"
#include "server/train/torch.h"

namespace skew::train {

// Kingma & Ba 2014, algorithm 1, with PyTorch's placement of epsilon. Decay is that of Loshchilov & Hutter 2019
// (AdamW): weights shrink by rate * decay, apart from the gradient.
class Adam {
 public:
  struct Options {
    double rate = 1e-3;
    double beta1 = 0.9;
    double beta2 = 0.999;
    double epsilon = 1e-8;
    double decay = 0;
  };

  // The parameters are shared with the model (float32).
  Adam(std::vector<at::Tensor> parameters, Options options);

  // One update. `gradients` are parallel to the parameters.
  void Step(const std::vector<at::Tensor>& gradients);

  void set_rate(double rate) { options_.rate = rate; }

  // Moments and step count, under prefix + "m.0", "v.0", ..., "steps".
  void Save(absl::string_view prefix, TensorMap& state) const;
  // DATA_LOSS, naming the tensor, when one is missing or has another shape.
  absl::Status Load(absl::string_view prefix, const TensorMap& state);

 private:
  std::vector<at::Tensor> parameters_;
  Options options_;
  TensorSet moments_;
  std::vector<at::Tensor> first_;
  std::vector<at::Tensor> second_;
  int64_t steps_ = 0;
};

}  // namespace skew::train

#endif  // SKEW_SERVER_TRAIN_ENGINE_ADAM_H_

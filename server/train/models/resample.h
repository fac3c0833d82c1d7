// The null arm: a generator that is right by construction.
#ifndef SKEW_SERVER_TRAIN_MODELS_RESAMPLE_H_
#define SKEW_SERVER_TRAIN_MODELS_RESAMPLE_H_

#include <map>
#include <string>
#include <vector>

#include "server/train/data/random.h"
#include "server/train/models/generative_model.h"

namespace skew::train {

// "Generates" real images: every image's class is drawn in the proportions of the training set, then one of the
// held-out images of that class, all with equal chance and with replacement. So the classes of n images are n
// independent draws, and the binomial intervals of a perfect generator must cover at their nominal rate.
class Resample final : public GenerativeModel {
 public:
  // INVALID_ARGUMENT when a class of the bias point has no held-out image.
  static absl::StatusOr<std::unique_ptr<Resample>> Make(const ModelInputs& inputs);

  bool trains() const override { return false; }
  std::vector<std::string> MetricNames() const override { return {}; }
  at::Tensor TrainStep(const at::Tensor& images) override;
  at::Tensor Generate(int64_t count, uint64_t seed) override;
  void Save(TensorMap&) const override {}
  absl::Status Load(const TensorMap&) override { return absl::OkStatus(); }

 private:
  explicit Resample(const ModelInputs& inputs);

  int64_t DrawImage(Random& random) const;

  at::Tensor images_;
  // Class -> images in the training set, ordered by class; and the positions of its held-out images.
  std::map<int32_t, int32_t> counts_;
  std::map<int32_t, std::vector<int64_t>> positions_;
  uint64_t total_ = 0;
};

}  // namespace skew::train

#endif  // SKEW_SERVER_TRAIN_MODELS_RESAMPLE_H_

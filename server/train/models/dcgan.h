// Deep convolutional GAN (Radford et al. 2015).
#ifndef SKEW_SERVER_TRAIN_MODELS_DCGAN_H_
#define SKEW_SERVER_TRAIN_MODELS_DCGAN_H_

#include <string>
#include <vector>

#include "server/train/engine/adam.h"
#include "server/train/models/generative_model.h"
#include "server/train/models/networks.h"

namespace skew::train {

// Objective, labels, optimiser and start are those of PyTorch's DCGAN example: binary cross entropy on logits, hard
// labels, one update of the discriminator (a real and a generated batch, normalised apart) and then one of the
// generator for the same latent vectors, whose objective is that the discriminator says "real".
//
// The discriminator's last layer is a 3x3 convolution of its 3x3 features, computed as a matrix product.
class Dcgan final : public GenerativeModel {
 public:
  // `settings` have every default written out.
  Dcgan(const v1::DcganSettings& settings, const ModelInputs& inputs);

  std::vector<std::string> MetricNames() const override { return {"loss_d", "loss_g"}; }
  at::Tensor TrainStep(const at::Tensor& images) override;
  at::Tensor Generate(int64_t count, uint64_t seed) override;
  void Save(TensorMap& state) const override;
  absl::Status Load(const TensorMap& state) override;

 private:
  at::Tensor Discriminate(const at::Tensor& images, Weights weights) const;
  at::Tensor TrainDiscriminator(const at::Tensor& real, const at::Tensor& generated);
  at::Tensor TrainGenerator(const at::Tensor& generated);

  Engine engine_;
  at::Generator random_;
  int64_t latent_;
  Statistics sampling_;
  TensorSet generator_tensors_;
  ImageDecoder generator_;
  TensorSet discriminator_tensors_;
  ImageEncoder discriminator_;
  at::Tensor verdict_;
  Adam generator_optimizer_;
  Adam discriminator_optimizer_;
};

}  // namespace skew::train

#endif  // SKEW_SERVER_TRAIN_MODELS_DCGAN_H_

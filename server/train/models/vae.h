// Variational autoencoders (Kingma & Welling 2013).
#ifndef SKEW_SERVER_TRAIN_MODELS_VAE_H_
#define SKEW_SERVER_TRAIN_MODELS_VAE_H_

#include <memory>
#include <string>
#include <vector>

#include "server/train/engine/adam.h"
#include "server/train/models/generative_model.h"
#include "server/train/models/layers.h"

namespace skew::train {

// The two networks of an autoencoder.
class Autoencoder {
 public:
  virtual ~Autoencoder() = default;
  // Images to mean and log variance, side by side: [n, 2 latent].
  virtual at::Tensor Encode(const at::Tensor& images) const = 0;
  // Latent vectors to the logits of the pixels' Bernoulli distributions: [n, 1, height, width].
  virtual at::Tensor Decode(const at::Tensor& z, Statistics statistics) const = 0;
};

// Minimises, per image, the negative evidence bound: the pixels' Bernoulli cross entropy (summed) at one latent vector
// drawn from the encoder's normal distribution, plus that distribution's divergence from N(0, 1) (appendix B). Metrics
// are these two, averaged over the batch, and their sum. Generated images are the means of the pixels' distributions.
class Vae final : public GenerativeModel {
 public:
  // The convolutional one: ImageEncoder and a matrix; ImageDecoder.
  static std::unique_ptr<Vae> Convolutional(const v1::VaeSettings& settings, const ModelInputs& inputs);
  // The fully connected one: height*width - width - latent - width - height*width, ReLU.
  static std::unique_ptr<Vae> FullyConnected(const v1::VaeMlpSettings& settings, const ModelInputs& inputs);

  std::vector<std::string> MetricNames() const override { return {"loss", "reconstruction", "divergence"}; }
  at::Tensor TrainStep(const at::Tensor& images) override;
  at::Tensor Generate(int64_t count, uint64_t seed) override;
  void Save(TensorMap& state) const override;
  absl::Status Load(const TensorMap& state) override;

 private:
  struct Options {
    Engine engine;
    int64_t latent = 0;
    double rate = 0;
    Statistics sampling = Statistics::kRunning;
  };

  Vae(Options options, TensorSet tensors, std::unique_ptr<Autoencoder> networks, at::Generator random);

  Options options_;
  TensorSet tensors_;
  std::unique_ptr<Autoencoder> networks_;
  at::Generator random_;
  Adam optimizer_;
};

}  // namespace skew::train

#endif  // SKEW_SERVER_TRAIN_MODELS_VAE_H_

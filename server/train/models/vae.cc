#include "server/train/models/vae.h"

#include <ATen/ops/binary_cross_entropy_with_logits.h>
#include <ATen/ops/stack.h>
#include <torch/csrc/autograd/autograd.h>

#include <utility>

#include "common/status.h"
#include "server/train/models/networks.h"
#include "server/train/models/sampling.h"

namespace skew::train {
namespace {

// For small layers: nothing is gained by another precision.
Engine InFloat32(Engine engine) {
  engine.precision = at::kFloat;
  return engine;
}

class ConvolutionalAutoencoder final : public Autoencoder {
 public:
  ConvolutionalAutoencoder(TensorSet& tensors, int64_t latent, int64_t width, const Engine& engine,
                           at::Generator& random)
      : encoder_(tensors, "encoder", width, engine, random),
        posterior_(tensors, "posterior", encoder_.features(), 2 * latent, InFloat32(engine), random),
        decoder_(tensors, "decoder", latent, width, engine, random) {}

  at::Tensor Encode(const at::Tensor& images) const override { return posterior_.Forward(encoder_.Forward(images)); }
  at::Tensor Decode(const at::Tensor& z, Statistics statistics) const override {
    return decoder_.Forward(z, statistics);
  }

 private:
  ImageEncoder encoder_;
  Linear posterior_;
  ImageDecoder decoder_;
};

class FullyConnectedAutoencoder final : public Autoencoder {
 public:
  FullyConnectedAutoencoder(TensorSet& tensors, int64_t latent, int64_t width, const ModelInputs& inputs,
                            at::Generator& random)
      : height_(inputs.height),
        width_(inputs.width),
        encoder_(tensors, "encoder", height_ * width_, width, inputs.engine, random),
        posterior_(tensors, "posterior", width, 2 * latent, inputs.engine, random),
        decoder_(tensors, "decoder", latent, width, inputs.engine, random),
        pixels_(tensors, "pixels", width, height_ * width_, inputs.engine, random) {}

  at::Tensor Encode(const at::Tensor& images) const override {
    return posterior_.Forward(encoder_.Forward(images.flatten(1)).relu_());
  }
  at::Tensor Decode(const at::Tensor& z, Statistics) const override {
    return pixels_.Forward(decoder_.Forward(z).relu_()).view({z.size(0), 1, height_, width_});
  }

 private:
  int64_t height_;
  int64_t width_;
  Linear encoder_;
  Linear posterior_;
  Linear decoder_;
  Linear pixels_;
};

}  // namespace

Vae::Vae(Options options, TensorSet tensors, std::unique_ptr<Autoencoder> networks, at::Generator random)
    : options_(options),
      tensors_(std::move(tensors)),
      networks_(std::move(networks)),
      random_(std::move(random)),
      optimizer_(tensors_.parameters(), {options.rate, 0.9, 0.999, 1e-8, 0}) {}

std::unique_ptr<Vae> Vae::Convolutional(const v1::VaeSettings& settings, const ModelInputs& inputs) {
  at::Generator random = MakeGenerator(inputs.seed);
  TensorSet tensors;
  auto networks =
      std::make_unique<ConvolutionalAutoencoder>(tensors, settings.latent(), settings.width(), inputs.engine, random);
  const Options options{inputs.engine, settings.latent(), settings.learning_rate(),
                        SamplingStatistics(settings.sampling())};
  return std::unique_ptr<Vae>(new Vae(options, std::move(tensors), std::move(networks), std::move(random)));
}

std::unique_ptr<Vae> Vae::FullyConnected(const v1::VaeMlpSettings& settings, const ModelInputs& inputs) {
  at::Generator random = MakeGenerator(inputs.seed);
  TensorSet tensors;
  auto networks =
      std::make_unique<FullyConnectedAutoencoder>(tensors, settings.latent(), settings.width(), inputs, random);
  const Options options{inputs.engine, settings.latent(), settings.learning_rate(), Statistics::kRunning};
  return std::unique_ptr<Vae>(new Vae(options, std::move(tensors), std::move(networks), std::move(random)));
}

at::Tensor Vae::TrainStep(const at::Tensor& images) {
  const auto n = static_cast<double>(images.size(0));
  const at::Tensor posterior = networks_->Encode(images);
  const at::Tensor mean = posterior.narrow(1, 0, options_.latent);
  const at::Tensor log_variance = posterior.narrow(1, options_.latent, options_.latent);
  const at::Tensor noise = Noise(mean.sizes(), options_.engine, random_);
  const at::Tensor z = mean + noise * log_variance.mul(0.5).exp();
  const at::Tensor logits = networks_->Decode(z, Statistics::kBatchAndTrack);
  const at::Tensor reconstruction =
      at::binary_cross_entropy_with_logits(logits, images, {}, {}, at::Reduction::Sum).div(n);
  const at::Tensor divergence = (mean.square() + log_variance.exp() - log_variance - 1).sum().div(2 * n);
  const at::Tensor loss = reconstruction + divergence;
  optimizer_.Step(torch::autograd::grad({loss}, tensors_.parameters()));
  return at::stack({loss.detach(), reconstruction.detach(), divergence.detach()});
}

at::Tensor Vae::Generate(int64_t count, uint64_t seed) {
  const at::NoGradGuard no_grad;
  at::Generator random = MakeGenerator(seed);
  const at::Tensor z = Noise({count, options_.latent}, options_.engine, random);
  return networks_->Decode(z, options_.sampling).sigmoid_();
}

void Vae::Save(TensorMap& state) const {
  tensors_.Save("model.", state);
  optimizer_.Save("optimizer.", state);
  SaveRandom(random_, state);
}

absl::Status Vae::Load(const TensorMap& state) {
  SKEW_RETURN_IF_ERROR(tensors_.Load("model.", state));
  SKEW_RETURN_IF_ERROR(optimizer_.Load("optimizer.", state));
  return LoadRandom(state, random_);
}

}  // namespace skew::train

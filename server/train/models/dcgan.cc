#include "server/train/models/dcgan.h"

#include <ATen/ops/softplus.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/tanh.h>
#include <torch/csrc/autograd/autograd.h>

#include "common/status.h"
#include "server/train/models/sampling.h"

namespace skew::train {
namespace {

constexpr double kVerdictSd = 0.02;

// Mean binary cross entropy of logits against all-ones and all-zeros.
at::Tensor LossAsReal(const at::Tensor& logits) { return at::softplus(logits.neg()).mean(); }
at::Tensor LossAsGenerated(const at::Tensor& logits) { return at::softplus(logits).mean(); }

Adam::Options OptimizerOptions(double rate, double beta1) { return {rate, beta1, 0.999, 1e-8, 0}; }

}  // namespace

Dcgan::Dcgan(const v1::DcganSettings& settings, const ModelInputs& inputs)
    : engine_(inputs.engine),
      random_(MakeGenerator(inputs.seed)),
      latent_(settings.latent()),
      sampling_(SamplingStatistics(settings.sampling())),
      generator_(generator_tensors_, "generator", latent_, settings.width(), engine_, random_),
      discriminator_(discriminator_tensors_, "discriminator", settings.width(), engine_, random_),
      verdict_(NormalParameter(discriminator_tensors_, "discriminator.verdict", {discriminator_.features(), 1},
                               kVerdictSd, engine_, random_)),
      generator_optimizer_(generator_tensors_.parameters(),
                           OptimizerOptions(settings.generator_learning_rate(), settings.beta1())),
      discriminator_optimizer_(discriminator_tensors_.parameters(),
                               OptimizerOptions(settings.discriminator_learning_rate(), settings.beta1())) {}

at::Tensor Dcgan::TrainStep(const at::Tensor& images) {
  const at::Tensor z = Noise({images.size(0), latent_}, engine_, random_);
  const at::Tensor generated = generator_.Forward(z, Statistics::kBatchAndTrack).tanh();
  const at::Tensor loss_d = TrainDiscriminator(images.mul(2).sub_(1), generated.detach());
  const at::Tensor loss_g = TrainGenerator(generated);
  return at::stack({loss_d, loss_g});
}

at::Tensor Dcgan::Discriminate(const at::Tensor& images, Weights weights) const {
  const at::Tensor verdict = weights == Weights::kFrozen ? verdict_.detach() : verdict_;
  return discriminator_.Forward(images, weights).matmul(verdict);
}

at::Tensor Dcgan::TrainDiscriminator(const at::Tensor& real, const at::Tensor& generated) {
  const at::Tensor loss =
      LossAsReal(Discriminate(real, Weights::kTrained)) + LossAsGenerated(Discriminate(generated, Weights::kTrained));
  discriminator_optimizer_.Step(torch::autograd::grad({loss}, discriminator_tensors_.parameters()));
  return loss.detach();
}

at::Tensor Dcgan::TrainGenerator(const at::Tensor& generated) {
  const at::Tensor loss = LossAsReal(Discriminate(generated, Weights::kFrozen));
  generator_optimizer_.Step(torch::autograd::grad({loss}, generator_tensors_.parameters()));
  return loss.detach();
}

at::Tensor Dcgan::Generate(int64_t count, uint64_t seed) {
  const at::NoGradGuard no_grad;
  at::Generator random = MakeGenerator(seed);
  return generator_.Forward(Noise({count, latent_}, engine_, random), sampling_).tanh_().add_(1).div_(2);
}

void Dcgan::Save(TensorMap& state) const {
  generator_tensors_.Save("model.", state);
  discriminator_tensors_.Save("model.", state);
  generator_optimizer_.Save("optimizer.generator.", state);
  discriminator_optimizer_.Save("optimizer.discriminator.", state);
  SaveRandom(random_, state);
}

absl::Status Dcgan::Load(const TensorMap& state) {
  SKEW_RETURN_IF_ERROR(generator_tensors_.Load("model.", state));
  SKEW_RETURN_IF_ERROR(discriminator_tensors_.Load("model.", state));
  SKEW_RETURN_IF_ERROR(generator_optimizer_.Load("optimizer.generator.", state));
  SKEW_RETURN_IF_ERROR(discriminator_optimizer_.Load("optimizer.discriminator.", state));
  return LoadRandom(state, random_);
}

}  // namespace skew::train

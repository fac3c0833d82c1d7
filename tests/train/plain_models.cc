#include "tests/train/plain_models.h"

#include <ATen/ops/batch_norm.h>
#include <ATen/ops/binary_cross_entropy_with_logits.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/conv_transpose2d.h>
#include <ATen/ops/leaky_relu.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/ones_like.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/relu.h>
#include <ATen/ops/zeros_like.h>
#include <torch/csrc/autograd/autograd.h>

#include <array>
#include <cmath>
#include <map>

#include "server/train/engine/engine.h"

namespace skew::train {
namespace {

constexpr std::array<int64_t, 2> kTwo = {2, 2};
constexpr std::array<int64_t, 2> kOne = {1, 1};

// What a network is used for: batches of training, or images from the running statistics or those of their batch.
enum class Use { kTraining, kWithRunning, kWithBatch };

Use UseFor(v1::BatchNormMode mode) { return mode == v1::TRAIN ? Use::kWithBatch : Use::kWithRunning; }

// The parameters of one network by name, and Adam over them.
class Network {
 public:
  Network(const TensorMap& state, const std::string& prefix, at::ScalarType kind, double rate, double beta1)
      : rate_(rate), beta1_(beta1) {
    for (const auto& [name, tensor] : state) {
      if (name.rfind("model." + prefix, 0) != 0) continue;
      if (name.find("running") != std::string::npos) {
        running_[name.substr(6)] = tensor.detach().to(kind).clone();
        continue;
      }
      const at::Tensor parameter = tensor.detach().contiguous().to(kind).clone().requires_grad_(true);
      parameters_[name.substr(6)] = parameter;
      all_.push_back(parameter);
      first_.push_back(at::zeros_like(parameter.detach()));
      second_.push_back(at::zeros_like(parameter.detach()));
    }
  }

  const at::Tensor& operator[](const std::string& name) const { return parameters_.at(name); }

  // Training keeps the running statistics, where the network has some.
  at::Tensor BatchNorm(const at::Tensor& x, const std::string& name, Use use = Use::kTraining) const {
    const auto mean = use == Use::kWithBatch ? running_.end() : running_.find(name + ".running_mean");
    const auto variance = use == Use::kWithBatch ? running_.end() : running_.find(name + ".running_var");
    const auto optional = [this](const auto& found) {
      return found == running_.end() ? c10::optional<at::Tensor>() : c10::optional<at::Tensor>(found->second);
    };
    return at::batch_norm(x, parameters_.at(name + ".weight"), parameters_.at(name + ".bias"), optional(mean),
                          optional(variance), use != Use::kWithRunning, 0.1, 1e-5, false);
  }

  void Step(const at::Tensor& loss) {
    const std::vector<at::Tensor> gradients = torch::autograd::grad({loss}, all_);
    const at::NoGradGuard no_grad;
    ++steps_;
    const double correction1 = 1 - std::pow(beta1_, steps_);
    const double correction2 = 1 - std::pow(kBeta2, steps_);
    for (size_t i = 0; i < all_.size(); ++i) {
      first_[i].mul_(beta1_).add_(gradients[i], 1 - beta1_);
      second_[i].mul_(kBeta2).addcmul_(gradients[i], gradients[i], 1 - kBeta2);
      const at::Tensor root = (second_[i] / correction2).sqrt().add_(1e-8);
      all_[i].addcdiv_(first_[i], root, -rate_ / correction1);
    }
  }

 private:
  static constexpr double kBeta2 = 0.999;

  double rate_;
  double beta1_;
  std::map<std::string, at::Tensor> parameters_;
  std::map<std::string, at::Tensor> running_;
  std::vector<at::Tensor> all_;
  std::vector<at::Tensor> first_;
  std::vector<at::Tensor> second_;
  int steps_ = 0;
};

at::Generator RandomOf(const TensorMap& state) {
  at::Generator random = MakeGenerator(0);
  random.set_state(state.at("random"));
  return random;
}

at::Tensor Decode(const Network& net, const std::string& name, const at::Tensor& z, Use use = Use::kTraining) {
  const at::Tensor project = net[name + ".project"].permute({0, 3, 1, 2});
  at::Tensor x = at::conv_transpose2d(z.view({z.size(0), z.size(1), 1, 1}), project);
  x = at::relu(net.BatchNorm(x, name + ".norm4", use));
  x = at::relu(net.BatchNorm(at::conv_transpose2d(x, net[name + ".up7"], {}, kTwo, kOne), name + ".norm7", use));
  x = at::relu(net.BatchNorm(at::conv_transpose2d(x, net[name + ".up14"], {}, kTwo, kOne), name + ".norm14", use));
  return at::conv_transpose2d(x, net[name + ".up28"], {}, kTwo, kOne);
}

at::Tensor Encode(const Network& net, const std::string& name, const at::Tensor& images) {
  at::Tensor x = at::leaky_relu(at::conv2d(images, net[name + ".down14"], {}, kTwo, kOne), 0.2);
  x = at::leaky_relu(net.BatchNorm(at::conv2d(x, net[name + ".down7"], {}, kTwo, kOne), name + ".norm7"), 0.2);
  return at::leaky_relu(net.BatchNorm(at::conv2d(x, net[name + ".down3"], {}, kTwo, kOne), name + ".norm3"), 0.2);
}

class PlainDcgan final : public PlainModel {
 public:
  PlainDcgan(const v1::DcganSettings& settings, const TensorMap& state, at::ScalarType kind)
      : kind_(kind),
        latent_(settings.latent()),
        random_(RandomOf(state)),
        generator_(state, "generator", kind, settings.generator_learning_rate(), settings.beta1()),
        discriminator_(state, "discriminator", kind, settings.discriminator_learning_rate(), settings.beta1()) {}

  std::vector<double> TrainStep(const at::Tensor& images) override {
    const at::Tensor z = at::randn({images.size(0), latent_}, random_).to(kind_);
    const at::Tensor generated = Decode(generator_, "generator", z).tanh();
    const at::Tensor loss_d =
        Loss(Discriminate(images.to(kind_) * 2 - 1), true) + Loss(Discriminate(generated.detach()), false);
    discriminator_.Step(loss_d);
    const at::Tensor loss_g = Loss(Discriminate(generated), true);
    generator_.Step(loss_g);
    return {loss_d.item<double>(), loss_g.item<double>()};
  }

  at::Tensor Generate(int64_t count, uint64_t seed, v1::BatchNormMode mode) override {
    const at::NoGradGuard no_grad;
    const at::Tensor z = at::randn({count, latent_}, MakeGenerator(seed)).to(kind_);
    return ((Decode(generator_, "generator", z, UseFor(mode)).tanh() + 1) / 2).to(at::kFloat);
  }

 private:
  at::Tensor Discriminate(const at::Tensor& images) const {
    const at::Tensor features = Encode(discriminator_, "discriminator", images);
    const at::Tensor verdict = discriminator_["discriminator.verdict"];
    return at::conv2d(features, verdict.view({1, 3, 3, features.size(1)}).permute({0, 3, 1, 2})).flatten();
  }
  static at::Tensor Loss(const at::Tensor& logits, bool real) {
    return at::binary_cross_entropy_with_logits(logits, real ? at::ones_like(logits) : at::zeros_like(logits));
  }

  at::ScalarType kind_;
  int64_t latent_;
  at::Generator random_;
  Network generator_;
  Network discriminator_;
};

class PlainVae final : public PlainModel {
 public:
  PlainVae(int64_t latent, double rate, bool convolutional, const TensorMap& state, at::ScalarType kind)
      : kind_(kind),
        latent_(latent),
        convolutional_(convolutional),
        random_(RandomOf(state)),
        net_(state, "", kind, rate, 0.9) {}

  std::vector<double> TrainStep(const at::Tensor& images) override {
    const at::Tensor x = images.to(kind_);
    const at::Tensor posterior = at::linear(Hidden(x), net_["posterior.weight"], net_["posterior.bias"]);
    const at::Tensor mean = posterior.narrow(1, 0, latent_);
    const at::Tensor log_variance = posterior.narrow(1, latent_, latent_);
    const at::Tensor noise = at::randn(mean.sizes(), random_).to(kind_);
    const at::Tensor logits = Pixels(mean + noise * (log_variance / 2).exp());
    const auto n = static_cast<double>(images.size(0));
    const at::Tensor reconstruction =
        at::binary_cross_entropy_with_logits(logits, x.view_as(logits), {}, {}, at::Reduction::Sum) / n;
    const at::Tensor divergence = (1 + log_variance - mean.square() - log_variance.exp()).sum() / (-2 * n);
    net_.Step(reconstruction + divergence);
    return {(reconstruction + divergence).item<double>(), reconstruction.item<double>(), divergence.item<double>()};
  }

  at::Tensor Generate(int64_t count, uint64_t seed, v1::BatchNormMode mode) override {
    const at::NoGradGuard no_grad;
    const at::Tensor z = at::randn({count, latent_}, MakeGenerator(seed)).to(kind_);
    return Pixels(z, UseFor(mode)).sigmoid().view({count, 1, 28, 28}).to(at::kFloat);
  }

 private:
  at::Tensor Hidden(const at::Tensor& images) const {
    if (convolutional_) return Encode(net_, "encoder", images).permute({0, 2, 3, 1}).flatten(1);
    return at::relu(at::linear(images.flatten(1), net_["encoder.weight"], net_["encoder.bias"]));
  }
  at::Tensor Pixels(const at::Tensor& z, Use use = Use::kTraining) const {
    if (convolutional_) return Decode(net_, "decoder", z, use);
    const at::Tensor hidden = at::relu(at::linear(z, net_["decoder.weight"], net_["decoder.bias"]));
    return at::linear(hidden, net_["pixels.weight"], net_["pixels.bias"]);
  }

  at::ScalarType kind_;
  int64_t latent_;
  bool convolutional_;
  at::Generator random_;
  Network net_;
};

}  // namespace

std::unique_ptr<PlainModel> MakePlainModel(const v1::ModelSpec& spec, const TensorMap& state, at::ScalarType kind) {
  if (spec.has_dcgan()) return std::make_unique<PlainDcgan>(spec.dcgan(), state, kind);
  const bool convolutional = spec.has_vae();
  const int64_t latent = convolutional ? spec.vae().latent() : spec.vae_mlp().latent();
  const double rate = convolutional ? spec.vae().learning_rate() : spec.vae_mlp().learning_rate();
  return std::make_unique<PlainVae>(latent, rate, convolutional, state, kind);
}

}  // namespace skew::train

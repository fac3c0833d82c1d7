#include "tests/train/loss_difference.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <utility>
#include <vector>

#include "server/train/models/generative_model.h"
#include "tests/train/plain_models.h"
#include "tests/train/synthetic.h"

namespace skew::train {
namespace {

constexpr int64_t kBatch = 32;
constexpr uint64_t kBatches = 10;

using Step = std::function<std::vector<double>(const at::Tensor& images)>;

double Largest(int updates, const Step& one, const Step& other) {
  std::vector<at::Tensor> batches;
  for (uint64_t seed = 1; seed <= kBatches; ++seed) batches.push_back(SyntheticImages(kBatch, seed));
  double largest = 0;
  for (int update = 1; update <= updates; ++update) {
    const at::Tensor& images = batches[static_cast<size_t>(update) % batches.size()];
    const std::vector<double> a = one(images);
    const std::vector<double> b = other(images);
    double difference = 0;
    double scale = 0;
    if (a.size() != b.size()) return std::numeric_limits<double>::infinity();
    for (size_t i = 0; i < a.size(); ++i) {
      if (!std::isfinite(a[i]) || !std::isfinite(b[i])) return std::numeric_limits<double>::infinity();
      difference = std::max(difference, std::abs(a[i] - b[i]));
      scale = std::max(scale, std::abs(b[i]));
    }
    largest = std::max(largest, difference / scale);
  }
  return largest;
}

std::vector<double> Numbers(const at::Tensor& metrics) {
  std::vector<double> numbers;
  for (int64_t i = 0; i < metrics.numel(); ++i) numbers.push_back(metrics[i].item<double>());
  return numbers;
}

std::unique_ptr<GenerativeModel> Make(const v1::ModelSpec& spec, Convolutions how) {
  return std::move(MakeModel(spec, SyntheticInputs(1, how))).value();
}

}  // namespace

double LargestLossDifference(const v1::ModelSpec& spec, Convolutions how, int updates, at::ScalarType kind) {
  const auto model = Make(spec, how);
  TensorMap state;
  model->Save(state);
  const auto plain = MakePlainModel(WithDefaults(spec), state, kind);
  return Largest(
      updates, [&](const at::Tensor& images) { return Numbers(model->TrainStep(images)); },
      [&](const at::Tensor& images) { return plain->TrainStep(images); });
}

double LargestImageDifference(const v1::ModelSpec& spec, Convolutions how, int updates, v1::BatchNormMode mode) {
  const auto model = Make(spec, how);
  TensorMap state;
  model->Save(state);
  const auto plain = MakePlainModel(WithDefaults(spec), state, at::kFloat);
  for (int update = 0; update < updates; ++update) {
    const at::Tensor images = SyntheticImages(kBatch, static_cast<uint64_t>(update) % kBatches + 1);
    model->TrainStep(images);
    plain->TrainStep(images);
  }
  const at::Tensor difference = (model->Generate(kBatch, 77) - plain->Generate(kBatch, 77, mode)).abs().max();
  const auto largest = difference.item<double>();
  return std::isfinite(largest) ? largest : std::numeric_limits<double>::infinity();
}

double PlainLossDifference(const v1::ModelSpec& spec, int updates) {
  TensorMap state;
  Make(spec, Convolutions::kBuiltIn)->Save(state);
  const auto in_float = MakePlainModel(WithDefaults(spec), state, at::kFloat);
  const auto in_double = MakePlainModel(WithDefaults(spec), state, at::kDouble);
  return Largest(
      updates, [&](const at::Tensor& images) { return in_float->TrainStep(images); },
      [&](const at::Tensor& images) { return in_double->TrainStep(images); });
}

v1::ModelSpec Slowed(v1::ModelSpec spec) {
  spec = WithDefaults(spec);
  if (spec.has_dcgan()) {
    v1::DcganSettings& dcgan = *spec.mutable_dcgan();
    dcgan.set_generator_learning_rate(dcgan.generator_learning_rate() / 100);
    dcgan.set_discriminator_learning_rate(dcgan.discriminator_learning_rate() / 100);
  }
  if (spec.has_vae()) spec.mutable_vae()->set_learning_rate(spec.vae().learning_rate() / 100);
  if (spec.has_vae_mlp()) spec.mutable_vae_mlp()->set_learning_rate(spec.vae_mlp().learning_rate() / 100);
  return spec;
}

}  // namespace skew::train

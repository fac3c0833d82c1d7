#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "common/status.h"
#include "server/train/models/dcgan.h"
#include "server/train/models/generative_model.h"
#include "server/train/models/networks.h"
#include "server/train/models/resample.h"
#include "server/train/models/vae.h"

namespace skew::train {
namespace {

template <typename Value>
absl::Status CheckRange(absl::string_view field, Value value, Value low, Value high) {
  if (value >= low && value <= high) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(field, ": ", value, " is not between ", low, " and ", high));
}

absl::Status CheckRate(absl::string_view field, double rate) {
  if (rate > 0 && rate <= 1) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(field, ": ", rate, " is not above 0 and at most 1"));
}

absl::Status CheckImages(absl::string_view family, const ModelInputs& inputs) {
  if (inputs.height == kImageSide && inputs.width == kImageSide) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(family, " is for images of ", kImageSide, "x", kImageSide,
                                                 " pixels; the dataset's have ", inputs.height, "x", inputs.width));
}

absl::StatusOr<std::unique_ptr<GenerativeModel>> Make(const v1::DcganSettings& settings, const ModelInputs& inputs) {
  SKEW_RETURN_IF_ERROR(CheckRange("dcgan.width", settings.width(), 8, 256));
  SKEW_RETURN_IF_ERROR(CheckRange("dcgan.latent", settings.latent(), 1, 1024));
  SKEW_RETURN_IF_ERROR(CheckRate("dcgan.generator_learning_rate", settings.generator_learning_rate()));
  SKEW_RETURN_IF_ERROR(CheckRate("dcgan.discriminator_learning_rate", settings.discriminator_learning_rate()));
  if (!(settings.beta1() >= 0 && settings.beta1() < 1)) {
    return absl::InvalidArgumentError(absl::StrCat("dcgan.beta1: ", settings.beta1(), " is not from 0 to below 1"));
  }
  SKEW_RETURN_IF_ERROR(CheckImages("dcgan", inputs));
  return std::make_unique<Dcgan>(settings, inputs);
}

absl::StatusOr<std::unique_ptr<GenerativeModel>> Make(const v1::VaeSettings& settings, const ModelInputs& inputs) {
  SKEW_RETURN_IF_ERROR(CheckRange("vae.width", settings.width(), 8, 256));
  SKEW_RETURN_IF_ERROR(CheckRange("vae.latent", settings.latent(), 1, 1024));
  SKEW_RETURN_IF_ERROR(CheckRate("vae.learning_rate", settings.learning_rate()));
  SKEW_RETURN_IF_ERROR(CheckImages("vae", inputs));
  return Vae::Convolutional(settings, inputs);
}

absl::StatusOr<std::unique_ptr<GenerativeModel>> Make(const v1::VaeMlpSettings& settings, const ModelInputs& inputs) {
  SKEW_RETURN_IF_ERROR(CheckRange("vae_mlp.width", settings.width(), 8, 4096));
  SKEW_RETURN_IF_ERROR(CheckRange("vae_mlp.latent", settings.latent(), 1, 1024));
  SKEW_RETURN_IF_ERROR(CheckRate("vae_mlp.learning_rate", settings.learning_rate()));
  return Vae::FullyConnected(settings, inputs);
}

v1::Precision PrecisionSetting(const v1::ModelSpec& spec) {
  if (spec.has_dcgan()) return spec.dcgan().precision();
  if (spec.has_vae()) return spec.vae().precision();
  return spec.has_vae_mlp() ? spec.vae_mlp().precision() : v1::PRECISION_UNSPECIFIED;
}

void FillPrecision(auto& settings) {
  if (settings.precision() == v1::PRECISION_UNSPECIFIED) settings.set_precision(v1::AUTO);
}

void FillDefaults(v1::DcganSettings& settings) {
  if (!settings.has_width()) settings.set_width(64);
  if (!settings.has_latent()) settings.set_latent(100);
  if (!settings.has_generator_learning_rate()) settings.set_generator_learning_rate(2e-4);
  if (!settings.has_discriminator_learning_rate()) settings.set_discriminator_learning_rate(2e-4);
  if (!settings.has_beta1()) settings.set_beta1(0.5);
  if (settings.sampling() == v1::BATCH_NORM_MODE_UNSPECIFIED) settings.set_sampling(v1::EVAL);
  FillPrecision(settings);
}

void FillDefaults(v1::VaeSettings& settings) {
  if (!settings.has_width()) settings.set_width(64);
  if (!settings.has_latent()) settings.set_latent(16);
  if (!settings.has_learning_rate()) settings.set_learning_rate(1e-3);
  if (settings.sampling() == v1::BATCH_NORM_MODE_UNSPECIFIED) settings.set_sampling(v1::EVAL);
  FillPrecision(settings);
}

void FillDefaults(v1::VaeMlpSettings& settings) {
  if (!settings.has_width()) settings.set_width(400);
  if (!settings.has_latent()) settings.set_latent(20);
  if (!settings.has_learning_rate()) settings.set_learning_rate(1e-3);
  FillPrecision(settings);
}

}  // namespace

v1::ModelSpec WithDefaults(const v1::ModelSpec& spec) {
  v1::ModelSpec filled = spec;
  if (filled.has_dcgan()) FillDefaults(*filled.mutable_dcgan());
  if (filled.has_vae()) FillDefaults(*filled.mutable_vae());
  if (filled.has_vae_mlp()) FillDefaults(*filled.mutable_vae_mlp());
  return filled;
}

int32_t DefaultBatchSize(const v1::ModelSpec& spec) { return spec.has_vae_mlp() ? 128 : 64; }

v1::Precision ResolvedPrecision(const v1::ModelSpec& spec, const Engine& engine) {
  const v1::Precision asked = PrecisionSetting(WithDefaults(spec));
  if (asked != v1::AUTO) return asked;
  return PrefersBFloat16(engine) ? v1::BF16 : v1::FP32;
}

absl::StatusOr<std::unique_ptr<GenerativeModel>> MakeModel(const v1::ModelSpec& spec, const ModelInputs& asked) {
  const v1::ModelSpec filled = WithDefaults(spec);
  ModelInputs inputs = asked;
  inputs.engine.precision = ResolvedPrecision(filled, inputs.engine) == v1::BF16 ? at::kBFloat16 : at::kFloat;
  switch (filled.family_case()) {
    case v1::ModelSpec::kDcgan:
      return Make(filled.dcgan(), inputs);
    case v1::ModelSpec::kVae:
      return Make(filled.vae(), inputs);
    case v1::ModelSpec::kVaeMlp:
      return Make(filled.vae_mlp(), inputs);
    case v1::ModelSpec::kResample:
      return Resample::Make(inputs);
    case v1::ModelSpec::FAMILY_NOT_SET:
      break;
  }
  return absl::InvalidArgumentError("the model names no family that this worker knows");
}

}  // namespace skew::train

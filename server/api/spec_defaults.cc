#include "server/api/spec_defaults.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "common/image_measure_results.h"

namespace skew {
namespace {

// Sets a proto3 optional field that is absent.
#define SKEW_DEFAULT(message, field, value)                     \
  do {                                                          \
    if (!(message).has_##field()) (message).set_##field(value); \
  } while (false)

void FillPrecision(auto& settings) {
  if (settings.precision() == v1::PRECISION_UNSPECIFIED) settings.set_precision(v1::AUTO);
}

void FillDcgan(v1::DcganSettings& settings) {
  SKEW_DEFAULT(settings, width, 64);
  SKEW_DEFAULT(settings, latent, 100);
  SKEW_DEFAULT(settings, generator_learning_rate, 2e-4);
  SKEW_DEFAULT(settings, discriminator_learning_rate, 2e-4);
  SKEW_DEFAULT(settings, beta1, 0.5);
  if (settings.sampling() == v1::BATCH_NORM_MODE_UNSPECIFIED) settings.set_sampling(v1::EVAL);
  FillPrecision(settings);
}

void FillVae(v1::VaeSettings& settings) {
  SKEW_DEFAULT(settings, width, 64);
  SKEW_DEFAULT(settings, latent, 16);
  SKEW_DEFAULT(settings, learning_rate, 1e-3);
  if (settings.sampling() == v1::BATCH_NORM_MODE_UNSPECIFIED) settings.set_sampling(v1::EVAL);
  FillPrecision(settings);
}

void FillVaeMlp(v1::VaeMlpSettings& settings) {
  SKEW_DEFAULT(settings, width, 400);
  SKEW_DEFAULT(settings, latent, 20);
  SKEW_DEFAULT(settings, learning_rate, 1e-3);
  FillPrecision(settings);
}

void FillModel(v1::ModelSpec& model) {
  if (model.has_dcgan()) FillDcgan(*model.mutable_dcgan());
  if (model.has_vae()) FillVae(*model.mutable_vae());
  if (model.has_vae_mlp()) FillVaeMlp(*model.mutable_vae_mlp());
}

void FillClassifier(v1::ClassifierSpec& classifier) {
  SKEW_DEFAULT(classifier, epochs, 4);
  SKEW_DEFAULT(classifier, seed, 0);
}

void FillEvaluation(const v1::GenerationSpec& generation, v1::EvaluationSpec& evaluation) {
  SKEW_DEFAULT(evaluation, images, std::clamp(generation.images(), 1, 2000));
  SKEW_DEFAULT(evaluation, reject_below, 0.5);
  SKEW_DEFAULT(evaluation, measure_images, generation.images() >= kMeasuredImages);
  FillClassifier(*evaluation.mutable_classifier());
  for (v1::ClassifierSpec& judge : *evaluation.mutable_more_judges()) FillClassifier(judge);
}

void FillBias(v1::BiasSpec& bias) {
  if (bias.draw() == v1::SUBSET_DRAW_UNSPECIFIED) bias.set_draw(v1::PER_ITERATION);
  if (bias.profile().has_step()) {
    SKEW_DEFAULT(*bias.mutable_profile()->mutable_step(), minority_classes, bias.profile().classes_size() / 2);
  }
}

void FillTraining(v1::TrainingSpec& training) {
  if (!training.has_epochs()) SKEW_DEFAULT(training, steps, 6000);
  if (training.composition() == v1::BATCH_COMPOSITION_UNSPECIFIED) training.set_composition(v1::SHUFFLED);
  if (training.has_first_batches()) SKEW_DEFAULT(*training.mutable_first_batches(), batches, 200);
}

}  // namespace

void FillDefaults(v1::JobSpec& spec) {
  SKEW_DEFAULT(spec, iterations, 1);
  SKEW_DEFAULT(spec, seed, 0);
  SKEW_DEFAULT(spec, max_attempts, 3);
  if (spec.has_classifier()) {
    if (spec.name().empty()) spec.set_name(absl::StrCat(spec.dataset(), "-classifier"));
    FillClassifier(*spec.mutable_classifier());
    return;
  }
  if (spec.name().empty()) spec.set_name(absl::StrCat(spec.dataset(), "-study"));
  for (v1::ModelSpec& model : *spec.mutable_models()) FillModel(model);
  if (spec.has_stop()) SKEW_DEFAULT(*spec.mutable_stop(), min_iterations, 3);
  if (spec.has_bias()) FillBias(*spec.mutable_bias());
  FillTraining(*spec.mutable_training());
  SKEW_DEFAULT(*spec.mutable_generation(), images, 10000);
  FillEvaluation(spec.generation(), *spec.mutable_evaluation());
}

#undef SKEW_DEFAULT

}  // namespace skew

#include "server/store/run_shape.h"

#include <string>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/digest.h"

namespace skew {
namespace {

int64_t TwoDigits(int64_t value) {
  int64_t unit = 1;
  while (value / unit >= 100) unit *= 10;
  return (value + unit / 2) / unit * unit;
}

// See TrainingSpec.
int64_t Updates(const v1::TrainingSpec& training, const v1::ModelSpec& model, const v1::BiasPoint& point) {
  if (!training.has_epochs()) return training.steps();
  const int64_t batch = training.has_batch_size() ? training.batch_size() : model.has_vae_mlp() ? 128 : 64;
  int64_t images = 0;
  for (const auto& [label, count] : point.counts()) images += count;
  return TwoDigits((images + batch - 1) / batch * training.epochs());
}

std::string Describe(const v1::JobSpec& spec, const v1::ModelSpec& model, int64_t updates) {
  if (spec.has_classifier()) return absl::StrCat("classifier/", spec.dataset(), "/", spec.classifier().epochs());
  const v1::EvaluationSpec& evaluation = spec.evaluation();
  return absl::StrCat(spec.dataset(), "/", model.ShortDebugString(), "/", updates, "/", spec.training().batch_size(),
                      "/", spec.generation().images(), "/", evaluation.every_epochs(), "/", evaluation.every_steps(),
                      "/", evaluation.images());
}

}  // namespace

int64_t RunShapes::Of(const v1::Run& run) {
  const bool has_model = run.model_index() < spec_.models_size();
  const v1::ModelSpec& model = has_model ? spec_.models(run.model_index()) : v1::ModelSpec::default_instance();
  const int64_t updates = Updates(spec_.training(), model, run.bias_point());
  const auto [known, is_new] = known_.try_emplace({run.model_index(), updates}, 0);
  // 60 bits of the digest, which always parse.
  if (is_new) (void)absl::SimpleHexAtoi(Sha256Hex(Describe(spec_, model, updates)).substr(0, 15), &known->second);
  return known->second;
}

}  // namespace skew

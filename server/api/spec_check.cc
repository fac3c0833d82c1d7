#include "server/api/spec_check.h"

#include <algorithm>
#include <limits>
#include <map>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/expansion.h"
#include "common/proto_time.h"
#include "common/stats/sequential.h"
#include "common/status.h"
#include "server/api/bias_check.h"
#include "server/api/spec_findings.h"
#include "server/api/unknown_field.h"

namespace skew {
namespace {

constexpr int kMostFurtherJudges = 7;
constexpr int kMostModels = 256;
constexpr size_t kMostBytes = size_t{1} << 20;

void CheckDcgan(const v1::DcganSettings& settings, const std::string& field, SpecFindings& findings) {
  findings.CheckRange(field + ".width", settings.width(), 8, 256);
  findings.CheckRange(field + ".latent", settings.latent(), 1, 1024);
  findings.CheckRate(field + ".generator_learning_rate", settings.generator_learning_rate());
  findings.CheckRate(field + ".discriminator_learning_rate", settings.discriminator_learning_rate());
  if (!(settings.beta1() >= 0 && settings.beta1() < 1)) {
    findings.Add(field + ".beta1", absl::StrCat(settings.beta1(), " is not at least 0 and below 1"));
  }
}

void CheckVae(const v1::VaeSettings& settings, const std::string& field, SpecFindings& findings) {
  findings.CheckRange(field + ".width", settings.width(), 8, 256);
  findings.CheckRange(field + ".latent", settings.latent(), 1, 1024);
  findings.CheckRate(field + ".learning_rate", settings.learning_rate());
}

void CheckVaeMlp(const v1::VaeMlpSettings& settings, const std::string& field, SpecFindings& findings) {
  findings.CheckRange(field + ".width", settings.width(), 8, 4096);
  findings.CheckRange(field + ".latent", settings.latent(), 1, 1024);
  findings.CheckRate(field + ".learning_rate", settings.learning_rate());
}

void CheckSampling(v1::BatchNormMode mode, const std::string& field, SpecFindings& findings) {
  if (!v1::BatchNormMode_IsValid(mode))
    findings.Add(field + ".sampling", absl::StrCat(static_cast<int>(mode), " is neither EVAL nor TRAIN"));
}

void CheckPrecision(v1::Precision precision, const std::string& field, SpecFindings& findings) {
  if (!v1::Precision_IsValid(precision))
    findings.Add(field + ".precision", absl::StrCat(static_cast<int>(precision), " is none of AUTO, FP32, BF16"));
}

void CheckModel(const v1::ModelSpec& model, const std::string& field, SpecFindings& findings) {
  switch (model.family_case()) {
    case v1::ModelSpec::kDcgan:
      CheckDcgan(model.dcgan(), field + ".dcgan", findings);
      CheckSampling(model.dcgan().sampling(), field + ".dcgan", findings);
      CheckPrecision(model.dcgan().precision(), field + ".dcgan", findings);
      break;
    case v1::ModelSpec::kVae:
      CheckVae(model.vae(), field + ".vae", findings);
      CheckSampling(model.vae().sampling(), field + ".vae", findings);
      CheckPrecision(model.vae().precision(), field + ".vae", findings);
      break;
    case v1::ModelSpec::kVaeMlp:
      CheckVaeMlp(model.vae_mlp(), field + ".vae_mlp", findings);
      CheckPrecision(model.vae_mlp().precision(), field + ".vae_mlp", findings);
      break;
    case v1::ModelSpec::kResample:
      break;
    case v1::ModelSpec::FAMILY_NOT_SET:
      findings.Add(field, "no family; one of dcgan, vae, vae_mlp, resample is needed");
  }
}

void CheckModels(const v1::JobSpec& spec, SpecFindings& findings) {
  if (spec.models().empty()) findings.Add("models", "empty; at least one of dcgan, vae, vae_mlp, resample is needed");
  std::map<std::string, int> seen;
  for (int i = 0; i < spec.models_size(); ++i) {
    const std::string field = absl::StrCat("models[", i, "]");
    CheckModel(spec.models(i), field, findings);
    const auto [same, added] = seen.emplace(spec.models(i).ShortDebugString(), i);
    if (!added) findings.Add(field, absl::StrCat("has the same settings as models[", same->second, "]"));
  }
}

void CheckFirstBatches(const v1::FirstBatches& first, SpecFindings& findings) {
  if (first.order() == v1::BATCH_ORDER_UNSPECIFIED || !v1::BatchOrder_IsValid(first.order())) {
    findings.Add(
        "training.first_batches.order",
        absl::StrCat(static_cast<int>(first.order()), " is none of STRATIFIED, MAJORITY_FIRST, MINORITY_FIRST"));
  }
  findings.CheckRange("training.first_batches.batches", first.batches(), 1, 10'000);
}

void CheckTraining(const v1::TrainingSpec& training, SpecFindings& findings) {
  if (training.has_epochs() && training.has_steps()) {
    findings.Add("training", absl::StrCat("epochs (", training.epochs(), ") and steps (", training.steps(),
                                          ") are both set; the budget is one of the two"));
  }
  if (training.has_epochs()) findings.CheckRange("training.epochs", training.epochs(), 1, 100'000);
  if (training.has_steps()) findings.CheckRange("training.steps", training.steps(), 1, 100'000'000);
  if (training.has_batch_size()) findings.CheckRange("training.batch_size", training.batch_size(), 2, 4096);
  if (!v1::BatchComposition_IsValid(training.composition())) {
    findings.Add("training.composition",
                 absl::StrCat(static_cast<int>(training.composition()), " is neither SHUFFLED nor QUOTA"));
  }
  if (training.has_first_batches()) CheckFirstBatches(training.first_batches(), findings);
}

// The steps of the longest run must be countable.
void CheckLength(const v1::JobSpec& spec, SpecFindings& findings) {
  const int64_t epochs = spec.training().epochs();
  if (epochs < 1) return;
  int64_t images = 0;
  for (const auto& [label, count] : spec.bias().fixed()) images += std::max(count, 0);
  for (const int32_t count : spec.bias().varied().counts()) images += std::max(count, 0);
  images += int64_t{spec.bias().profile().classes_size()} * std::max(spec.bias().profile().images(), 0);
  // At least two images a step.
  if (images > (2 * int64_t{std::numeric_limits<int32_t>::max()} + 1) / epochs) {
    findings.Add("training.epochs", absl::StrCat(epochs, " epochs are more steps than can be counted"));
  }
}

void CheckClassifier(const v1::ClassifierSpec& classifier, const std::string& field, SpecFindings& findings) {
  findings.CheckRange(field + ".epochs", classifier.epochs(), 1, 100);
}

// Judges that are trained alike are one judge: their agreement would say nothing.
void CheckJudges(const v1::EvaluationSpec& evaluation, SpecFindings& findings) {
  CheckClassifier(evaluation.classifier(), "evaluation.classifier", findings);
  if (evaluation.more_judges_size() > kMostFurtherJudges) {
    findings.Add("evaluation.more_judges",
                 absl::StrCat(evaluation.more_judges_size(), " judges; at most ", kMostFurtherJudges, " are accepted"));
  }
  std::map<std::pair<int32_t, uint32_t>, std::string> seen;
  seen.emplace(std::pair(evaluation.classifier().epochs(), evaluation.classifier().seed()), "evaluation.classifier");
  for (int i = 0; i < evaluation.more_judges_size(); ++i) {
    const v1::ClassifierSpec& judge = evaluation.more_judges(i);
    const std::string field = absl::StrCat("evaluation.more_judges[", i, "]");
    CheckClassifier(judge, field, findings);
    const auto [same, added] = seen.emplace(std::pair(judge.epochs(), judge.seed()), field);
    if (!added) {
      findings.Add(field,
                   absl::StrCat("epochs ", judge.epochs(), " and seed ", judge.seed(), " are those of ", same->second));
    }
  }
}

void CheckEvaluation(const v1::EvaluationSpec& evaluation, SpecFindings& findings) {
  if (evaluation.has_every_epochs() && evaluation.has_every_steps()) {
    findings.Add("evaluation", absl::StrCat("every_epochs (", evaluation.every_epochs(), ") and every_steps (",
                                            evaluation.every_steps(), ") are both set; one of the two is right"));
  }
  if (evaluation.has_every_epochs())
    findings.CheckRange("evaluation.every_epochs", evaluation.every_epochs(), 1, 100'000);
  if (evaluation.has_every_steps())
    findings.CheckRange("evaluation.every_steps", evaluation.every_steps(), 1, 100'000'000);
  findings.CheckRange("evaluation.images", evaluation.images(), 1, 10'000'000);
  findings.CheckRange("evaluation.reject_below", evaluation.reject_below(), 0.0, 1.0);
  CheckJudges(evaluation, findings);
}

void CheckRunCount(const v1::JobSpec& spec, SpecFindings& findings) {
  const int64_t runs = CountRuns(spec);
  if (runs > kMostRuns) {
    findings.Add("iterations",
                 absl::StrCat(runs, " runs (models x bias points x iterations); at most ", kMostRuns, " are accepted"));
  }
}

void CheckStudy(const v1::JobSpec& spec, const v1::Dataset& dataset, SpecFindings& findings) {
  if (dataset.height() != 28 || dataset.width() != 28) {
    findings.Add("dataset", absl::StrCat("images of ", dataset.name(), " are ", dataset.height(), "x", dataset.width(),
                                         "; the networks need 28x28"));
  }
  CheckBias(spec.bias(), dataset, findings);
}

bool HasClass(const v1::BiasSpec& bias, int32_t label) {
  const auto& classes = bias.profile().classes();
  return bias.fixed().contains(label) || (bias.has_varied() && bias.varied().class_() == label) ||
         std::find(classes.begin(), classes.end(), label) != classes.end();
}

void CheckStop(const v1::JobSpec& spec, SpecFindings& findings) {
  if (!spec.has_stop()) return;
  const v1::StopRule& stop = spec.stop();
  if (!(stop.half_width() > 0 && stop.half_width() < 0.5)) {
    findings.Add("stop.half_width", absl::StrCat(stop.half_width(), " is not above 0 and below 0.5"));
  }
  if (spec.iterations() < stats::kFewestRunsToStop) {
    findings.Add("iterations", absl::StrCat(spec.iterations(), " leaves nothing to stop: at least ",
                                            stats::kFewestRunsToStop, " with a stop rule"));
  } else {
    findings.CheckRange("stop.min_iterations", stop.min_iterations(), stats::kFewestRunsToStop, spec.iterations());
  }
  if (!stop.has_class_()) {
    findings.Add("stop.class", "is required: whose share is to be known");
  } else if (!HasClass(spec.bias(), stop.class_())) {
    findings.Add("stop.class", absl::StrCat(stop.class_(), " is no class of the job"));
  }
}

// What needs no dataset.
void CheckSettings(const v1::JobSpec& spec, SpecFindings& findings) {
  CheckModels(spec, findings);
  CheckTraining(spec.training(), findings);
  CheckLength(spec, findings);
  findings.CheckRange("generation.images", spec.generation().images(), 1, 10'000'000);
  CheckEvaluation(spec.evaluation(), findings);
  CheckRunCount(spec, findings);
  CheckStop(spec, findings);
}

void CheckTraining(const v1::JobSpec& spec, SpecFindings& findings) {
  CheckClassifier(spec.classifier(), "classifier", findings);
  const std::pair<const char*, bool> others[] = {
      {"bias", spec.has_bias()},         {"models", !spec.models().empty()},    {"stop", spec.has_stop()},
      {"training", spec.has_training()}, {"generation", spec.has_generation()}, {"evaluation", spec.has_evaluation()}};
  for (const auto& [field, present] : others) {
    if (present) findings.Add(field, "must be absent from the training of a classifier");
  }
}

void CheckLabels(const v1::JobSpec& spec, SpecFindings& findings) {
  if (spec.labels_size() > kMostLabels) {
    findings.Add("labels", absl::StrCat(spec.labels_size(), " pairs; at most ", kMostLabels, " are accepted"));
  }
  for (const auto& [key, value] : spec.labels()) {
    if (key.empty() || key.size() > 63 || value.size() > 63) {
      findings.Add(absl::StrCat("labels[", key, "]"), "key (at least 1) and value have at most 63 bytes each");
    }
  }
}

void CheckTimeLimit(const google::protobuf::Duration& limit, SpecFindings& findings) {
  if (!IsValid(limit)) {
    findings.Add("time_limit", absl::StrCat(limit.seconds(), " seconds and ", limit.nanos(), " nanos are no duration"));
  } else if (FromProto(limit) < absl::Seconds(1)) {
    findings.Add("time_limit", absl::StrCat(absl::FormatDuration(FromProto(limit)), " is below 1s"));
  }
}

void CheckGeneral(const v1::JobSpec& spec, SpecFindings& findings) {
  if (spec.name().size() > 200)
    findings.Add("name", absl::StrCat(spec.name().size(), " bytes; at most 200 are accepted"));
  findings.CheckRange("iterations", spec.iterations(), 1, 1000);
  findings.CheckRange("max_attempts", spec.max_attempts(), 1, 20);
  if (spec.has_time_limit()) CheckTimeLimit(spec.time_limit(), findings);
  CheckLabels(spec, findings);
}

void CheckSize(const v1::JobSpec& spec, SpecFindings& findings) {
  if (const size_t bytes = spec.ByteSizeLong(); bytes > kMostBytes) {
    findings.Add("spec", absl::StrCat(bytes, " bytes; at most ", kMostBytes, " are accepted"));
  } else if (spec.models_size() > kMostModels) {
    findings.Add("models", absl::StrCat(spec.models_size(), " models; at most ", kMostModels, " are accepted"));
  }
}

}  // namespace

absl::Status CheckSpecSize(const v1::JobSpec& spec) {
  SpecFindings findings;
  CheckSize(spec, findings);
  return findings.size() == 0 ? absl::OkStatus() : InvalidFields(findings.Take());
}

std::vector<v1::FieldViolation> CheckSpec(const v1::JobSpec& spec, const absl::StatusOr<v1::Dataset>& dataset) {
  SpecFindings findings;
  CheckSize(spec, findings);
  if (findings.size() > 0) return findings.Take();
  if (const std::string unknown = FindUnknownField(spec); !unknown.empty()) {
    // Ignored, it would be another experiment than the one that was asked for.
    findings.Add("spec", absl::StrCat(unknown, " is not known to this server; is the client newer?"));
  }
  CheckGeneral(spec, findings);
  if (spec.dataset().empty()) {
    findings.Add("dataset", "missing");
  } else if (!dataset.ok()) {
    findings.Add("dataset", std::string(dataset.status().message()));
  }
  if (spec.has_classifier()) {
    CheckTraining(spec, findings);
  } else {
    if (dataset.ok()) CheckStudy(spec, *dataset, findings);
    CheckSettings(spec, findings);
  }
  return findings.Take();
}

}  // namespace skew

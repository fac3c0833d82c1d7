#include "server/train/evaluator.h"

#include <algorithm>

#include "absl/status/status.h"
#include "common/status.h"
#include "server/train/data/random.h"
#include "server/train/eval/histogram.h"
#include "server/train/eval/sample_grid.h"

namespace skew::train {
namespace {

// Images generated at once: part of what a histogram is a function of.
constexpr int64_t kChunk = 500;
constexpr int64_t kSamples = 64;
// Of the histogram's images: how many are generated at most in search of rare classes.
constexpr int64_t kMostTimes = 5;

}  // namespace

absl::StatusOr<at::Tensor> Evaluator::GenerateChunk(int64_t step, int64_t done, int64_t count) {
  if (stop_->raised()) return absl::CancelledError("asked to stop");
  const uint64_t seed =
      DeriveSeed("generation", {options_.seed, static_cast<uint64_t>(step), static_cast<uint64_t>(done)});
  return model_->Generate(count, seed);
}

absl::Status Evaluator::SearchRareClasses(int64_t step, int64_t done, GeneratedFeatures& features) {
  const int64_t most = kMostTimes * done;
  for (; !features.Complete() && done < most; done += kChunk) {
    SKEW_ASSIGN_OR_RETURN(const at::Tensor chunk, GenerateChunk(step, done, kChunk));
    features.Add(classifier_->Judge(chunk));
  }
  return absl::OkStatus();
}

absl::StatusOr<v1::ClassHistogram> Evaluator::Count(int64_t step, int64_t images,
                                                    const std::vector<FurtherJudge>& more_judges,
                                                    GeneratedFeatures* features) {
  HistogramBuilder histogram(options_.job_classes, options_.classes, options_.reject_below);
  std::vector<HistogramBuilder> more;
  for (const FurtherJudge& judge : more_judges) {
    more.emplace_back(options_.job_classes, judge.classifier->classes(), options_.reject_below);
  }
  for (int64_t done = 0; done < images; done += kChunk) {
    SKEW_ASSIGN_OR_RETURN(const at::Tensor chunk, GenerateChunk(step, done, std::min(kChunk, images - done)));
    const Judgement judgement = classifier_->Judge(chunk);
    histogram.Add(judgement.probabilities);
    for (size_t i = 0; i < more.size(); ++i) more[i].Add(more_judges[i].classifier->Judge(chunk).probabilities);
    if (features != nullptr) features->Add(judgement);
  }
  if (features != nullptr) SKEW_RETURN_IF_ERROR(SearchRareClasses(step, images, *features));
  v1::ClassHistogram judged = histogram.Build();
  judged.set_step(static_cast<int32_t>(step));
  judged.set_classifier_digest(options_.classifier_digest);
  for (size_t i = 0; i < more.size(); ++i) {
    v1::ClassHistogram& further = *judged.add_more_judges();
    further = more[i].Build();
    further.set_classifier_digest(more_judges[i].digest);
  }
  return judged;
}

absl::StatusOr<v1::ClassHistogram> Evaluator::Judge(int64_t step, int64_t images) {
  return Count(step, images, {}, nullptr);
}

absl::StatusOr<v1::ClassHistogram> Evaluator::JudgeFinal(int64_t step, int64_t images, GeneratedFeatures* features) {
  return Count(step, images, options_.more_judges, features);
}

at::Tensor Evaluator::Samples() { return model_->Generate(kSamples, DeriveSeed("samples", {options_.seed})); }

at::Tensor Evaluator::SamplesByClass(int64_t per_class) {
  const at::Tensor images = model_->Generate(kChunk, DeriveSeed("samples by class", {options_.seed}));
  const std::vector<int32_t> labels =
      AcceptedClasses(classifier_->Judge(images).probabilities, options_.classes, options_.reject_below);
  return FirstOfEachClass(images, labels, options_.job_classes, per_class);
}

}  // namespace skew::train

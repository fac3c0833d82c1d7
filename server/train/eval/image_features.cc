#include "server/train/eval/image_features.h"

#include <ATen/ops/cat.h>
#include <ATen/ops/stack.h>

#include <algorithm>
#include <cstddef>
#include <utility>

#include "common/apportion.h"
#include "common/status.h"
#include "server/train/data/image_tensor.h"
#include "server/train/data/random.h"
#include "server/train/eval/histogram.h"
#include "server/train/run_settings.h"

namespace skew::train {
namespace {

// In place of a job's seed, so that all jobs have the same real images beside them.
constexpr uint32_t kReferenceSeed = 0x5ce3;

int64_t CountOf(const LabelledImages& images, int32_t label) {
  return std::count(images.labels.begin(), images.labels.end(), static_cast<uint8_t>(label));
}

// `total` images in the proportions of `point`, or as many as every class has enough for.
v1::BiasPoint Scaled(v1::BiasPoint point, const LabelledImages& images, int64_t total) {
  const int64_t trained = TrainingImages(point);
  for (const auto& [label, count] : point.counts()) {
    if (count > 0) total = std::min(total, CountOf(images, label) * trained / count);
  }
  Apportion(total, *point.mutable_counts());
  return point;
}

v1::BiasPoint Balanced(const v1::BiasPoint& point) {
  v1::BiasPoint balanced;
  for (const auto& [label, count] : point.counts()) (*balanced.mutable_counts())[label] = 1;
  return balanced;
}

v1::BiasPoint OnlyClass(int32_t label, const LabelledImages& images, int64_t count) {
  v1::BiasPoint point;
  (*point.mutable_counts())[label] = static_cast<int32_t>(std::min(count, CountOf(images, label)));
  return point;
}

std::vector<int64_t> OfLabel(const Subset& subset, int32_t label) {
  std::vector<int64_t> indices;
  for (size_t i = 0; i < subset.indices.size(); ++i) {
    if (subset.labels[i] == label) indices.push_back(subset.indices[i]);
  }
  return indices;
}

// Features of images of one split: those that are asked for are judged together, each once.
class SplitFeatures {
 public:
  explicit SplitFeatures(const LabelledImages& images) : images_(images) {}

  void Ask(const std::vector<int64_t>& indices) { asked_.insert(asked_.end(), indices.begin(), indices.end()); }

  void Judge(const Classifier& classifier) {
    std::sort(asked_.begin(), asked_.end());
    asked_.erase(std::unique(asked_.begin(), asked_.end()), asked_.end());
    features_ = classifier.Judge(ToTensor(images_.images, asked_)).features;
  }

  at::Tensor Of(const std::vector<int64_t>& indices) const {
    std::vector<int64_t> rows;
    rows.reserve(indices.size());
    for (const int64_t index : indices) {
      rows.push_back(std::lower_bound(asked_.begin(), asked_.end(), index) - asked_.begin());
    }
    return features_.index_select(0, TensorOfInts(rows));
  }

 private:
  const LabelledImages& images_;
  std::vector<int64_t> asked_;
  at::Tensor features_;
};

}  // namespace

stats::Features ViewOf(const at::Tensor& rows) {
  return {{static_cast<const float*>(rows.data_ptr()), static_cast<size_t>(rows.numel())},
          static_cast<int>(rows.size(0)),
          static_cast<int>(rows.size(1))};
}

GeneratedFeatures::GeneratedFeatures(std::vector<int32_t> job_classes, int32_t dataset_classes, double reject_below,
                                     MeasuredNumbers numbers)
    : job_classes_(std::move(job_classes)),
      dataset_classes_(dataset_classes),
      reject_below_(reject_below),
      numbers_(numbers) {
  for (const int32_t label : job_classes_) of_class_[label];
}

void GeneratedFeatures::Add(const Judgement& judgement) {
  const int64_t taken = std::min(numbers_.all - images_, judgement.features.size(0));
  if (taken > 0) all_.push_back(judgement.features.narrow(0, 0, taken));
  images_ += std::max<int64_t>(taken, 0);
  const std::vector<int32_t> classes = AcceptedClasses(judgement.probabilities, dataset_classes_, reject_below_);
  for (size_t i = 0; i < classes.size(); ++i) {
    const auto found = of_class_.find(classes[i]);
    if (found == of_class_.end() || static_cast<int64_t>(found->second.size()) == numbers_.of_class) continue;
    found->second.push_back(judgement.features[static_cast<int64_t>(i)]);
  }
}

bool GeneratedFeatures::Complete() const {
  return std::all_of(of_class_.begin(), of_class_.end(),
                     [&](const auto& one) { return static_cast<int64_t>(one.second.size()) == numbers_.of_class; });
}

at::Tensor GeneratedFeatures::all() const { return at::cat(all_); }

at::Tensor GeneratedFeatures::OfClass(int32_t label) const {
  const std::vector<at::Tensor>& rows = of_class_.at(label);
  return rows.empty() ? all_.front().narrow(0, 0, 0) : at::stack(rows);
}

absl::StatusOr<RealFeatures> JudgeRealImages(const DatasetContent& dataset, const v1::BiasPoint& bias_point,
                                             const Subset& trained, const Classifier& classifier,
                                             const MeasuredNumbers& numbers) {
  const auto draw = [&](const v1::BiasPoint& point) { return DrawSubset(dataset, point, kReferenceSeed, 0); };
  SKEW_ASSIGN_OR_RETURN(const Subset in_proportion, draw(Scaled(bias_point, dataset.train, numbers.all)));
  SKEW_ASSIGN_OR_RETURN(const Subset balanced, draw(Scaled(Balanced(bias_point), dataset.train, numbers.all)));
  SplitFeatures train(dataset.train);
  for (const Subset* subset : {&in_proportion, &balanced, &trained}) train.Ask(subset->indices);
  std::map<int32_t, Subset> references;
  for (const auto& [label, count] : bias_point.counts()) {
    SKEW_ASSIGN_OR_RETURN(references[label], draw(OnlyClass(label, dataset.train, numbers.real_of_class)));
    train.Ask(references[label].indices);
  }
  train.Judge(classifier);
  const std::vector<int64_t> held_out = SplitTest(dataset).held_out;
  RealFeatures real;
  real.in_proportion = train.Of(in_proportion.indices);
  real.balanced = train.Of(balanced.indices);
  for (const auto& [label, reference] : references) {
    std::vector<int64_t> held_out_of_class;
    for (const int64_t index : held_out) {
      if (dataset.test.labels[static_cast<size_t>(index)] == label) held_out_of_class.push_back(index);
    }
    real.classes[label] = {train.Of(reference.indices), train.Of(OfLabel(trained, label)),
                           classifier.Judge(ToTensor(dataset.test.images, held_out_of_class)).features};
  }
  return real;
}

}  // namespace skew::train

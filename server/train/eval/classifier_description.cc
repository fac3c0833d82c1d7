#include <algorithm>
#include <cstddef>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "server/train/data/image_tensor.h"
#include "server/train/data/subset.h"
#include "server/train/eval/classifier.h"

namespace skew::train {
namespace {

absl::Status CheckFits(const Classifier& classifier, const DatasetContent& dataset) {
  const IdxImages& images = dataset.test.images;
  if (images.height == classifier.height() && images.width == classifier.width() &&
      dataset.classes <= classifier.classes()) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "a classifier of ", classifier.classes(), " classes of images of ", classifier.height(), "x", classifier.width(),
      " pixels for a dataset of ", dataset.classes, " classes, ", images.height, "x", images.width));
}

// The most likely class of every image and its probability, of [n, classes].
struct Decisions {
  std::vector<int64_t> classes;
  std::vector<float> confidences;
};

Decisions MostLikely(const at::Tensor& probabilities) {
  const auto [largest, predicted] = probabilities.max(1);
  const at::Tensor confidences = largest.contiguous();
  const at::Tensor classes = predicted.contiguous();
  const auto* const labels = static_cast<const int64_t*>(classes.data_ptr());
  const auto* const values = static_cast<const float*>(confidences.data_ptr());
  return {{labels, labels + classes.numel()}, {values, values + confidences.numel()}};
}

// Counts in the layout of v1::Classifier.confusion.
class Confusion {
 public:
  explicit Confusion(int32_t classes)
      : classes_(classes), counts_(static_cast<size_t>(classes) * static_cast<size_t>(classes)) {}

  void Add(int64_t truth, int64_t predicted) { ++counts_[static_cast<size_t>(truth * classes_ + predicted)]; }

  int64_t Right() const {
    int64_t right = 0;
    for (int64_t c = 0; c < classes_; ++c) right += counts_[static_cast<size_t>(c * classes_ + c)];
    return right;
  }

  const std::vector<int32_t>& counts() const { return counts_; }

 private:
  int64_t classes_;
  std::vector<int32_t> counts_;
};

// In the layout of v1::Classifier.confidences.
class Confidences {
 public:
  explicit Confidences(int32_t classes)
      : classes_(classes), entries_(static_cast<size_t>(classes) * static_cast<size_t>(classes)) {}

  void Add(int64_t truth, int64_t predicted, float confidence) {
    entries_[static_cast<size_t>(truth * classes_ + predicted)].push_back(confidence);
  }

  std::vector<float> InTurn() const {
    std::vector<float> all;
    for (std::vector<float> entry : entries_) {
      std::sort(entry.begin(), entry.end());
      all.insert(all.end(), entry.begin(), entry.end());
    }
    return all;
  }

 private:
  int64_t classes_;
  std::vector<std::vector<float>> entries_;
};

// Mean softmax outputs in the layout of v1::Classifier.mean_posteriors.
class MeanPosteriors {
 public:
  explicit MeanPosteriors(int32_t classes)
      : classes_(static_cast<size_t>(classes)), sums_(classes_ * classes_), images_(classes_) {}

  void Add(size_t truth, const float* probabilities) {
    for (size_t j = 0; j < classes_; ++j) sums_[truth * classes_ + j] += static_cast<double>(probabilities[j]);
    ++images_[truth];
  }

  std::vector<double> Means() const {
    std::vector<double> means = sums_;
    for (size_t i = 0; i < means.size(); ++i) means[i] /= std::max(1.0, images_[i / classes_]);
    return means;
  }

 private:
  size_t classes_;
  std::vector<double> sums_;
  std::vector<double> images_;
};

}  // namespace

absl::StatusOr<v1::Classifier> Describe(const Classifier& classifier, const DatasetContent& dataset) {
  if (absl::Status status = CheckFits(classifier, dataset); !status.ok()) return status;
  const at::Tensor probabilities = classifier.Judge(ToTensor(dataset.test.images)).probabilities.contiguous();
  const auto* const outputs = static_cast<const float*>(probabilities.data_ptr());
  const Decisions decisions = MostLikely(probabilities);
  const std::vector<uint8_t>& labels = dataset.test.labels;
  Confusion all(classifier.classes());
  for (size_t i = 0; i < labels.size(); ++i) all.Add(labels[i], decisions.classes[i]);
  Confusion calibration(classifier.classes());
  MeanPosteriors posteriors(classifier.classes());
  Confidences confidences(classifier.classes());
  for (const int64_t image : SplitTest(dataset).calibration) {
    const auto i = static_cast<size_t>(image);
    calibration.Add(labels[i], decisions.classes[i]);
    confidences.Add(labels[i], decisions.classes[i], decisions.confidences[i]);
    posteriors.Add(labels[i], outputs + image * classifier.classes());
  }
  v1::Classifier description;
  description.set_digest(classifier.Digest());
  description.set_dataset_digest(dataset.digest);
  description.set_classes(classifier.classes());
  description.set_test_accuracy(static_cast<double>(all.Right()) / static_cast<double>(labels.size()));
  description.mutable_confusion()->Assign(calibration.counts().begin(), calibration.counts().end());
  const std::vector<float> in_turn = confidences.InTurn();
  description.mutable_confidences()->Assign(in_turn.begin(), in_turn.end());
  const std::vector<double> means = posteriors.Means();
  description.mutable_mean_posteriors()->Assign(means.begin(), means.end());
  description.mutable_test_confusion()->Assign(all.counts().begin(), all.counts().end());
  return description;
}

}  // namespace skew::train

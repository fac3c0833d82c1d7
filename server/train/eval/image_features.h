// Generated and real images as points in the classifier's feature space: what ImageMeasures is computed from.
#ifndef SKEW_SERVER_TRAIN_EVAL_IMAGE_FEATURES_H_
#define SKEW_SERVER_TRAIN_EVAL_IMAGE_FEATURES_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

#include "absl/status/statusor.h"
#include "common/data/dataset.h"
#include "common/image_measure_results.h"
#include "common/stats/features.h"
#include "server/train/data/subset.h"
#include "server/train/eval/classifier.h"
#include "server/train/torch.h"
#include "skew/v1/run.pb.h"

namespace skew::train {

// How many images are measured: a constant of the product, so that figures of different runs are comparable.
struct MeasuredNumbers {
  int64_t all = kMeasuredImages;
  int64_t of_class = 500;
  int64_t real_of_class = 2000;
};

// Lends rows of features, float32 [n, d] on the CPU and contiguous.
stats::Features ViewOf(const at::Tensor& rows);

// The generated images that are measured, filled as they are judged.
class GeneratedFeatures {
 public:
  // As HistogramBuilder's.
  GeneratedFeatures(std::vector<int32_t> job_classes, int32_t dataset_classes, double reject_below,
                    MeasuredNumbers numbers = {});

  void Add(const Judgement& judgement);

  // Whether there are enough of every class.
  bool Complete() const;

  // float32 [n, d]: the first images, however judged, at most numbers.all; and the first of those accepted as a class
  // of the job, at most numbers.of_class. At least one image was added.
  at::Tensor all() const;
  at::Tensor OfClass(int32_t label) const;

  const MeasuredNumbers& numbers() const { return numbers_; }
  const std::vector<int32_t>& job_classes() const { return job_classes_; }

 private:
  std::vector<int32_t> job_classes_;
  int32_t dataset_classes_;
  double reject_below_;
  MeasuredNumbers numbers_;
  int64_t images_ = 0;
  std::vector<at::Tensor> all_;
  // Rows of single images.
  std::map<int32_t, std::vector<at::Tensor>> of_class_;
};

// The real images they are measured beside. Apart from the run's training set, the choice is the same for every run on
// the dataset with the same class proportions.
struct RealFeatures {
  // Of the training split: in the proportions of the training set, and with equally frequent classes.
  at::Tensor in_proportion;
  at::Tensor balanced;
  struct OfClass {
    // Of the training split; the training set's own; of the held-out half of the test split.
    at::Tensor reference;
    at::Tensor trained;
    at::Tensor held_out;
  };
  std::map<int32_t, OfClass> classes;
};

// Judges every image that it takes once. INVALID_ARGUMENT when a class of the training set has no image.
absl::StatusOr<RealFeatures> JudgeRealImages(const DatasetContent& dataset, const v1::BiasPoint& bias_point,
                                             const Subset& trained, const Classifier& classifier,
                                             const MeasuredNumbers& numbers = {});

}  // namespace skew::train

#endif  // SKEW_SERVER_TRAIN_EVAL_IMAGE_FEATURES_H_

// The judge of generated images.
#ifndef SKEW_SERVER_TRAIN_EVAL_CLASSIFIER_H_
#define SKEW_SERVER_TRAIN_EVAL_CLASSIFIER_H_

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/data/dataset.h"
#include "server/train/eval/classifier_training.h"  // IWYU pragma: export
#include "server/train/eval/judge_network.h"
#include "server/train/torch.h"
#include "skew/v1/run.pb.h"

namespace skew::train {

// What a classifier says of n images; both on the CPU.
struct Judgement {
  // Softmax outputs, float32 [n, classes].
  at::Tensor probabilities;
  // The layer before the last, float32 [n, features]: what distances between sets of images are computed from.
  at::Tensor features;
};

// A trained network together with what it was trained on. Judging changes nothing, so one classifier may be used by
// several threads.
class Classifier {
 public:
  // `network` has learned from the dataset with this digest.
  Classifier(std::unique_ptr<JudgeNetwork> network, std::string dataset_digest)
      : network_(std::move(network)), dataset_digest_(std::move(dataset_digest)) {}

  // Reads a file that Save wrote. NOT_FOUND or another error of the file system, or DATA_LOSS when it is damaged or no
  // such file; all name the path.
  static absl::StatusOr<std::unique_ptr<Classifier>> Load(const std::string& path, at::Device device);

  // Writes atomically: the line "skew classifier 1", the weights and their shape as SerializeTensors has them, and the
  // hex SHA-256 of all that. Errors of the file system.
  absl::Status Save(const std::string& path) const;

  // Judges images (float32 [n, 1, height, width], 0 to 1, any device), `batch` at a time. n may be 0.
  Judgement Judge(const at::Tensor& images, int64_t batch = 500) const;

  // Hex SHA-256 over the dataset's digest and every tensor's name, shape and bytes: equal for equal weights, whatever
  // the device, the file and the version of LibTorch.
  std::string Digest() const;

  int32_t classes() const { return network_->shape().classes; }
  int32_t height() const { return network_->shape().height; }
  int32_t width() const { return network_->shape().width; }
  const std::string& dataset_digest() const { return dataset_digest_; }

 private:
  std::unique_ptr<JudgeNetwork> network_;
  std::string dataset_digest_;
};

// Digest, classes, accuracy and confusion counts on the test split of `dataset` (the confusion's halves are those of
// SplitTest). Name and job stay for the caller to set. INVALID_ARGUMENT when the dataset has another image size or
// more classes than the classifier.
absl::StatusOr<v1::Classifier> Describe(const Classifier& classifier, const DatasetContent& dataset);

}  // namespace skew::train

#endif  // SKEW_SERVER_TRAIN_EVAL_CLASSIFIER_H_

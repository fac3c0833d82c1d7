// Counts what a classifier says of generated images.
#ifndef SKEW_SERVER_TRAIN_EVAL_HISTOGRAM_H_
#define SKEW_SERVER_TRAIN_EVAL_HISTOGRAM_H_

#include <cstdint>
#include <vector>

#include "server/train/torch.h"
#include "skew/v1/run.pb.h"

namespace skew::train {

// Every image is one of: rejected (its largest softmax output is below `reject_below`, or is not a number), off-support
// (its most likely class, the first of equals, is not one of the job's), or counted for its class. So
// sum(counts) + rejected + off_support = images always holds.
class HistogramBuilder {
 public:
  // `job_classes` are each in 0 .. dataset_classes-1.
  HistogramBuilder(const std::vector<int32_t>& job_classes, int32_t dataset_classes, double reject_below);

  // float32 [n, dataset_classes] on any device; n may be 0.
  void Add(const at::Tensor& probabilities);

  // What has been added so far: images, counts (of every class of the job, 0 included), rejected, off_support, both by
  // class, and mean_posterior (one entry per class of the dataset; all 0 when nothing was added).
  v1::ClassHistogram Build() const;

 private:
  void AddImage(const float* probabilities);

  int32_t dataset_classes_;
  double reject_below_;
  // All but mean_posterior.
  v1::ClassHistogram counted_;
  // Sums over images.
  std::vector<double> posterior_;
};

// The class of every image in the same probabilities, -1 where it is rejected.
std::vector<int32_t> AcceptedClasses(const at::Tensor& probabilities, int32_t dataset_classes, double reject_below);

}  // namespace skew::train

#endif  // SKEW_SERVER_TRAIN_EVAL_HISTOGRAM_H_

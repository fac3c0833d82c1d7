#include "server/train/eval/histogram.h"

#include <algorithm>
#include <cstddef>

namespace skew::train {
namespace {

// The first of the largest.
int32_t MostLikely(const float* probabilities, int32_t classes) {
  return static_cast<int32_t>(std::max_element(probabilities, probabilities + classes) - probabilities);
}

// Written so that NaN, which a broken generator makes, is rejected.
bool IsAccepted(float largest, double reject_below) { return static_cast<double>(largest) >= reject_below; }

}  // namespace

HistogramBuilder::HistogramBuilder(const std::vector<int32_t>& job_classes, int32_t dataset_classes,
                                   double reject_below)
    : dataset_classes_(dataset_classes), reject_below_(reject_below), posterior_(static_cast<size_t>(dataset_classes)) {
  for (const int32_t label : job_classes) (*counted_.mutable_counts())[label] = 0;
}

void HistogramBuilder::Add(const at::Tensor& probabilities) {
  const at::Tensor rows = probabilities.detach().cpu().contiguous();
  const auto* row = static_cast<const float*>(rows.data_ptr());
  for (int64_t i = 0; i < rows.size(0); ++i, row += dataset_classes_) AddImage(row);
}

void HistogramBuilder::AddImage(const float* probabilities) {
  const int32_t label = MostLikely(probabilities, dataset_classes_);
  for (size_t i = 0; i < posterior_.size(); ++i) posterior_[i] += static_cast<double>(probabilities[i]);
  counted_.set_images(counted_.images() + 1);
  if (!IsAccepted(probabilities[label], reject_below_)) {
    counted_.set_rejected(counted_.rejected() + 1);
    ++(*counted_.mutable_rejected_classes())[label];
  } else if (counted_.counts().contains(label)) {
    ++(*counted_.mutable_counts())[label];
  } else {
    counted_.set_off_support(counted_.off_support() + 1);
    ++(*counted_.mutable_off_support_classes())[label];
  }
}

v1::ClassHistogram HistogramBuilder::Build() const {
  v1::ClassHistogram histogram = counted_;
  const double images = std::max(1, counted_.images());
  for (const double sum : posterior_) histogram.add_mean_posterior(sum / images);
  return histogram;
}

std::vector<int32_t> AcceptedClasses(const at::Tensor& probabilities, int32_t dataset_classes, double reject_below) {
  const at::Tensor rows = probabilities.detach().cpu().contiguous();
  const auto* row = static_cast<const float*>(rows.data_ptr());
  std::vector<int32_t> classes;
  for (int64_t i = 0; i < rows.size(0); ++i, row += dataset_classes) {
    const int32_t label = MostLikely(row, dataset_classes);
    classes.push_back(IsAccepted(row[label], reject_below) ? label : -1);
  }
  return classes;
}

}  // namespace skew::train

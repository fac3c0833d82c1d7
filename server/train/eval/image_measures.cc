#include "server/train/eval/image_measures.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/stats/frechet.h"
#include "common/stats/kernels.h"
#include "common/stats/neighbours.h"
#include "common/status.h"
#include "spdlog/spdlog.h"

namespace skew::train {
namespace {

// Of real images, this share has a nearer neighbour than a pair of images has that count as the same.
constexpr double kNearShare = 0.01;

bool IsFinite(const at::Tensor& rows) { return rows.isfinite().all().item<bool>(); }

// What a measure came out as; nothing, said in the log, when it could not be taken.
template <typename Value>
std::optional<Value> Taken(const char* name, const absl::StatusOr<Value>& measure) {
  if (measure.ok()) return *measure;
  spdlog::warn("no {}: {}", name, std::string(measure.status().message()));
  return std::nullopt;
}

absl::StatusOr<double> Frechet(const stats::Features& a, const stats::Features& b) {
  SKEW_ASSIGN_OR_RETURN(const stats::Gaussian of_a, stats::FitGaussian(a));
  SKEW_ASSIGN_OR_RETURN(const stats::Gaussian of_b, stats::FitGaussian(b));
  return stats::FrechetDistance(of_a, of_b);
}

v1::SampleMeasures Compare(const at::Tensor& generated_rows, const at::Tensor& real_rows) {
  const stats::Features generated = ViewOf(generated_rows);
  const stats::Features real = ViewOf(real_rows);
  v1::SampleMeasures measures;
  measures.set_images(generated.rows);
  measures.set_real_images(real.rows);
  if (const auto frechet = Taken("Frechet distance", Frechet(generated, real))) measures.set_frechet(*frechet);
  if (const auto distance = Taken("kernel distance", stats::KernelDistance(generated, real))) {
    measures.set_kernel_distance(*distance);
  }
  if (const auto fidelity = Taken("precision and recall", stats::MeasureFidelity(real, generated))) {
    measures.set_precision(fidelity->precision);
    measures.set_recall(fidelity->recall);
    measures.set_density(fidelity->density);
    measures.set_coverage(fidelity->coverage);
  }
  if (const auto vendi = Taken("Vendi score", stats::VendiScore(generated))) measures.set_vendi(*vendi);
  const at::Tensor as_many = real_rows.narrow(0, 0, std::min(generated_rows.size(0), real_rows.size(0)));
  if (const auto vendi = Taken("Vendi score of real images", stats::VendiScore(ViewOf(as_many)))) {
    measures.set_real_vendi(*vendi);
  }
  return measures;
}

void AddMemorisation(const at::Tensor& generated, const RealFeatures::OfClass& real, v1::SampleMeasures& measures) {
  const auto copying = Taken(
      "measure of copying", stats::MeasureMemorisation(ViewOf(generated), ViewOf(real.trained), ViewOf(real.held_out)));
  if (!copying.has_value()) return;
  measures.set_copy_distance_ratio(copying->distance_ratio);
  measures.set_copied(copying->copied);
  measures.set_real_copied(copying->copied_held_out);
}

// Below which two images count as the same.
float NearDistance(const at::Tensor& real) {
  // The nearest row is the image itself.
  std::vector<float> nearest = stats::FindTwoNearest(ViewOf(real), ViewOf(real)).second;
  const auto at = nearest.begin() + static_cast<std::ptrdiff_t>(kNearShare * static_cast<double>(nearest.size()));
  std::nth_element(nearest.begin(), at, nearest.end());
  return *at;
}

void AddSupport(const at::Tensor& generated, const at::Tensor& real, v1::SampleMeasures& measures) {
  if (real.size(0) < 2) return;
  const auto estimate = Taken("estimate of support", stats::EstimateSupport(ViewOf(generated), NearDistance(real)));
  if (!estimate.has_value()) return;
  measures.set_near_pairs(estimate->near_pairs);
  if (std::isfinite(estimate->support)) measures.set_support(estimate->support);
  measures.set_support_low(estimate->interval.low);
  if (std::isfinite(estimate->interval.high)) measures.set_support_high(estimate->interval.high);
}

v1::SampleMeasures MeasureClass(const at::Tensor& generated, const RealFeatures::OfClass& real) {
  v1::SampleMeasures measures = Compare(generated, real.reference);
  AddMemorisation(generated, real, measures);
  AddSupport(generated, real.reference, measures);
  return measures;
}

}  // namespace

v1::ImageMeasures MeasureImages(const GeneratedFeatures& generated, const RealFeatures& real) {
  v1::ImageMeasures measures;
  const at::Tensor all = generated.all();
  if (!IsFinite(all)) {
    spdlog::warn("no measures of images: their features are not numbers");
    return measures;
  }
  *measures.mutable_all() = Compare(all, real.in_proportion);
  if (const auto frechet = Taken("Frechet distance", Frechet(ViewOf(all), ViewOf(real.balanced)))) {
    measures.set_frechet_balanced(*frechet);
  }
  if (const auto distance = Taken("kernel distance", stats::KernelDistance(ViewOf(all), ViewOf(real.balanced)))) {
    measures.set_kernel_distance_balanced(*distance);
  }
  for (const int32_t label : generated.job_classes()) {
    const at::Tensor of_class = generated.OfClass(label);
    if (of_class.size(0) < generated.numbers().of_class) continue;
    (*measures.mutable_classes())[label] = MeasureClass(of_class, real.classes.at(label));
  }
  return measures;
}

}  // namespace skew::train

#include "server/train/engine/loss_series.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/stack.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/status.h"

namespace skew::train {
namespace {

constexpr char kLosses[] = "losses";

}  // namespace

absl::Status LossSeries::Flush() {
  if (pending_.empty()) return absl::OkStatus();
  const at::Tensor rows = at::stack(std::exchange(pending_, {})).cpu().contiguous();
  const auto* const data = static_cast<const float*>(rows.data_ptr());
  const auto width = static_cast<int64_t>(names_.size());
  for (int64_t row = 0; row < rows.size(0); ++row) SKEW_RETURN_IF_ERROR(Append(data + row * width));
  return absl::OkStatus();
}

absl::Status LossSeries::Append(const float* metrics) {
  const int64_t step = read_steps() + 1;
  for (size_t i = 0; i < names_.size(); ++i) {
    if (!std::isfinite(metrics[i])) {
      return absl::OutOfRangeError(absl::StrCat(names_[i], " is ", metrics[i], " at step ", step));
    }
  }
  values_.insert(values_.end(), metrics, metrics + names_.size());
  return absl::OkStatus();
}

std::map<std::string, double> LossSeries::MeansAfter(int64_t step) const {
  std::map<std::string, double> means;
  const int64_t last = read_steps();
  if (step >= last) return means;
  const size_t width = names_.size();
  for (size_t i = 0; i < width; ++i) {
    double sum = 0;
    for (auto row = static_cast<size_t>(step); row < static_cast<size_t>(last); ++row) sum += values_[row * width + i];
    means[names_[i]] = sum / static_cast<double>(last - step);
  }
  return means;
}

std::string LossSeries::Csv() const {
  std::string csv = absl::StrCat("step,", absl::StrJoin(names_, ","), "\n");
  const auto width = static_cast<std::ptrdiff_t>(names_.size());
  for (int64_t step = 1; step <= read_steps(); ++step) {
    const auto row = values_.begin() + (step - 1) * width;
    absl::StrAppend(&csv, step, ",", absl::StrJoin(row, row + width, ","), "\n");
  }
  return csv;
}

void LossSeries::Save(TensorMap& state) const {
  at::Tensor tensor = at::empty({read_steps(), static_cast<int64_t>(names_.size())}, at::kFloat);
  if (!values_.empty()) std::memcpy(tensor.data_ptr(), values_.data(), values_.size() * sizeof(float));
  state[kLosses] = std::move(tensor);
}

absl::Status LossSeries::Load(const TensorMap& state) {
  SKEW_ASSIGN_OR_RETURN(const at::Tensor saved, GetTensor(state, kLosses));
  const bool fits = saved.scalar_type() == at::kFloat && saved.dim() == 2 && saved.is_contiguous() &&
                    saved.size(1) == static_cast<int64_t>(names_.size());
  if (!fits) return absl::DataLossError("tensor 'losses' does not fit the model's metrics");
  const auto* const data = static_cast<const float*>(saved.data_ptr());
  values_.assign(data, data + saved.numel());
  pending_.clear();
  return absl::OkStatus();
}

}  // namespace skew::train

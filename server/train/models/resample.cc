#include "server/train/models/resample.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace skew::train {

Resample::Resample(const ModelInputs& inputs)
    : images_(inputs.held_out_images), counts_(inputs.bias_point.counts().begin(), inputs.bias_point.counts().end()) {
  for (const auto& [label, count] : counts_) total_ += static_cast<uint64_t>(count);
  for (size_t i = 0; i < inputs.held_out_labels.size(); ++i) {
    positions_[inputs.held_out_labels[i]].push_back(static_cast<int64_t>(i));
  }
}

absl::StatusOr<std::unique_ptr<Resample>> Resample::Make(const ModelInputs& inputs) {
  auto model = std::unique_ptr<Resample>(new Resample(inputs));
  for (const auto& [label, count] : model->counts_) {
    if (count > 0 && model->positions_[label].empty()) {
      return absl::InvalidArgumentError(absl::StrCat("class ", label, " has no image in the test split to resample"));
    }
  }
  return model;
}

// There is nothing to train; trains() says so.
at::Tensor Resample::TrainStep(const at::Tensor&) { return {}; }

int64_t Resample::DrawImage(Random& random) const {
  uint64_t ticket = random.Below(total_);
  auto drawn = counts_.begin();
  while (ticket >= static_cast<uint64_t>(drawn->second)) {
    ticket -= static_cast<uint64_t>(drawn->second);
    ++drawn;
  }
  const std::vector<int64_t>& candidates = positions_.at(drawn->first);
  return candidates[random.Below(candidates.size())];
}

at::Tensor Resample::Generate(int64_t count, uint64_t seed) {
  Random random(seed);
  std::vector<int64_t> chosen;
  chosen.reserve(static_cast<size_t>(count));
  for (int64_t i = 0; i < count; ++i) chosen.push_back(DrawImage(random));
  const at::Tensor positions = TensorOfInts(chosen).to(images_.device());
  return images_.index_select(0, positions);
}

}  // namespace skew::train

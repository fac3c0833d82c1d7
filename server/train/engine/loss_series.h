// The losses of a training, update by update.
#ifndef SKEW_SERVER_TRAIN_ENGINE_LOSS_SERIES_H_
#define SKEW_SERVER_TRAIN_ENGINE_LOSS_SERIES_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "server/train/engine/tensor_map.h"
#include "server/train/torch.h"

namespace skew::train {

// Reading a number back from a device waits for everything before it, so the metrics of the newest updates stay there
// as tensors until Flush. Updates are numbered from 1.
class LossSeries {
 public:
  // One name per metric; may be empty.
  explicit LossSeries(std::vector<std::string> names) : names_(std::move(names)) {}

  // The metrics of the next update: [names] float32 on any device.
  void Add(at::Tensor metrics) { pending_.push_back(std::move(metrics)); }

  // Updates added, and how many of them are not read back yet.
  int64_t steps() const { return read_steps() + pending(); }
  int64_t pending() const { return static_cast<int64_t>(pending_.size()); }

  // Reads everything back. OUT_OF_RANGE, naming metric, value and update, when one is NaN or infinite.
  absl::Status Flush();

  // Mean of every metric over the updates after `step` that have been read back; empty when there are none.
  std::map<std::string, double> MeansAfter(int64_t step) const;

  // "step,<names>" and one line per update that has been read back.
  std::string Csv() const;

  // As tensor "losses" [updates, names]. Save what has been flushed.
  void Save(TensorMap& state) const;
  // DATA_LOSS when it is missing or has another shape.
  absl::Status Load(const TensorMap& state);

 private:
  int64_t read_steps() const { return names_.empty() ? 0 : static_cast<int64_t>(values_.size() / names_.size()); }
  absl::Status Append(const float* metrics);

  std::vector<std::string> names_;
  // Row by row.
  std::vector<float> values_;
  std::vector<at::Tensor> pending_;
};

}  // namespace skew::train

#endif  // SKEW_SERVER_TRAIN_ENGINE_LOSS_SERIES_H_

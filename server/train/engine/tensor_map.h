// Named tensors: the state of models, optimisers and runs, and their form on disk.
#ifndef SKEW_SERVER_TRAIN_ENGINE_TENSOR_MAP_H_
#define SKEW_SERVER_TRAIN_ENGINE_TENSOR_MAP_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "server/train/torch.h"

namespace skew::train {

// In the order of the names, so that equal maps have equal bytes.
using TensorMap = std::map<std::string, at::Tensor>;

// The format of torch.save: Python reads it as a dict of tensors with torch.load.
std::string SerializeTensors(const TensorMap& tensors);

// DATA_LOSS when `bytes` is not such a file of named tensors. They are on the CPU and take no more memory than it.
absl::StatusOr<TensorMap> ParseTensors(absl::string_view bytes);

// Whole numbers and text as tensors, so that one map holds everything. Getters: DATA_LOSS, naming `name`, when it is
// missing or of another kind.
at::Tensor TensorOfInts(const std::vector<int64_t>& values);
at::Tensor TensorOfText(absl::string_view text);
absl::StatusOr<at::Tensor> GetTensor(const TensorMap& tensors, const std::string& name);
absl::StatusOr<std::vector<int64_t>> GetInts(const TensorMap& tensors, const std::string& name, size_t count);
absl::StatusOr<std::string> GetText(const TensorMap& tensors, const std::string& name);

// The tensors of one model or part of it, by name. Handles are shared: who adds a tensor keeps using it.
class TensorSet {
 public:
  // A tensor that is trained: its gradient is recorded from now on.
  at::Tensor AddParameter(const std::string& name, const at::Tensor& value);
  // A tensor that belongs to the state but is not trained.
  at::Tensor AddBuffer(const std::string& name, const at::Tensor& value);

  const std::vector<at::Tensor>& parameters() const { return parameters_; }
  const TensorMap& all() const { return all_; }

  // Adds copies, under prefix + name.
  void Save(absl::string_view prefix, TensorMap& state) const;
  // Overwrites every tensor in place. DATA_LOSS, naming it, when one is missing or has another shape.
  absl::Status Load(absl::string_view prefix, const TensorMap& state);

 private:
  TensorMap all_;
  std::vector<at::Tensor> parameters_;
};

}  // namespace skew::train

#endif  // SKEW_SERVER_TRAIN_ENGINE_TENSOR_MAP_H_

#include "server/train/engine/tensor_map.h"

#include <ATen/ops/empty.h>
#include <torch/csrc/jit/serialization/pickle.h>

#include <cstring>
#include <exception>

#include "absl/strings/str_cat.h"
#include "common/status.h"

namespace skew::train {
namespace {

absl::Status Mismatch(const std::string& name, absl::string_view problem) {
  return absl::DataLossError(absl::StrCat("tensor '", name, "' ", problem));
}

}  // namespace

std::string SerializeTensors(const TensorMap& tensors) {
  c10::Dict<std::string, at::Tensor> dict;
  for (const auto& [name, tensor] : tensors) dict.insert(name, tensor.detach().cpu().contiguous());
  const std::vector<char> bytes = torch::jit::pickle_save(dict);
  return {bytes.begin(), bytes.end()};
}

absl::StatusOr<TensorMap> ParseTensors(absl::string_view bytes) {
  TensorMap tensors;
  try {
    const c10::IValue value = torch::jit::pickle_load(std::vector<char>(bytes.begin(), bytes.end()));
    for (const auto& entry : value.toGenericDict()) tensors[entry.key().toStringRef()] = entry.value().toTensor();
  } catch (const std::exception& error) {
    // The reader has no other way to say that the content is not what it expects.
    return absl::DataLossError(absl::StrCat("not a file of named tensors: ", error.what()));
  }
  return tensors;
}

at::Tensor TensorOfInts(const std::vector<int64_t>& values) {
  at::Tensor tensor = at::empty({static_cast<int64_t>(values.size())}, at::kLong);
  if (!values.empty()) std::memcpy(tensor.data_ptr(), values.data(), values.size() * sizeof(int64_t));
  return tensor;
}

at::Tensor TensorOfText(absl::string_view text) {
  at::Tensor tensor = at::empty({static_cast<int64_t>(text.size())}, at::kByte);
  if (!text.empty()) std::memcpy(tensor.data_ptr(), text.data(), text.size());
  return tensor;
}

absl::StatusOr<at::Tensor> GetTensor(const TensorMap& tensors, const std::string& name) {
  const auto found = tensors.find(name);
  if (found == tensors.end()) return Mismatch(name, "is missing");
  return found->second;
}

absl::StatusOr<std::vector<int64_t>> GetInts(const TensorMap& tensors, const std::string& name, size_t count) {
  SKEW_ASSIGN_OR_RETURN(const at::Tensor tensor, GetTensor(tensors, name));
  if (tensor.scalar_type() != at::kLong || tensor.numel() != static_cast<int64_t>(count)) {
    return Mismatch(name, absl::StrCat("does not hold ", count, " whole numbers"));
  }
  const auto* const data = static_cast<const int64_t*>(tensor.contiguous().data_ptr());
  return std::vector<int64_t>(data, data + count);
}

absl::StatusOr<std::string> GetText(const TensorMap& tensors, const std::string& name) {
  SKEW_ASSIGN_OR_RETURN(const at::Tensor tensor, GetTensor(tensors, name));
  if (tensor.scalar_type() != at::kByte || !tensor.is_contiguous()) return Mismatch(name, "does not hold text");
  return std::string(static_cast<const char*>(tensor.data_ptr()), static_cast<size_t>(tensor.numel()));
}

at::Tensor TensorSet::AddParameter(const std::string& name, const at::Tensor& value) {
  const at::Tensor parameter = value.detach().requires_grad_(true);
  all_[name] = parameter;
  parameters_.push_back(parameter);
  return parameter;
}

at::Tensor TensorSet::AddBuffer(const std::string& name, const at::Tensor& value) {
  all_[name] = value;
  return value;
}

void TensorSet::Save(absl::string_view prefix, TensorMap& state) const {
  for (const auto& [name, tensor] : all_) state[absl::StrCat(prefix, name)] = tensor.detach().clone();
}

absl::Status TensorSet::Load(absl::string_view prefix, const TensorMap& state) {
  const at::NoGradGuard no_grad;
  for (auto& [name, tensor] : all_) {
    SKEW_ASSIGN_OR_RETURN(const at::Tensor saved, GetTensor(state, absl::StrCat(prefix, name)));
    if (saved.sizes() != tensor.sizes()) return Mismatch(name, "has another shape than the model's");
    tensor.copy_(saved);
  }
  return absl::OkStatus();
}

}  // namespace skew::train

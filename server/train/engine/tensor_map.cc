#include "server/train/engine/tensor_map.h"

#include <ATen/ops/empty.h>
#include <torch/csrc/jit/serialization/pickle.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/status.h"
#include "server/train/engine/tensor_archive.h"

namespace skew::train {
namespace {

absl::Status Mismatch(const std::string& name, absl::string_view problem) {
  return absl::DataLossError(absl::StrCat("tensor '", name, "' ", problem));
}

struct StorageType {
  absl::string_view name;
  at::ScalarType type;
};
constexpr StorageType kStorageTypes[] = {
    {"FloatStorage", at::kFloat},   {"LongStorage", at::kLong}, {"ByteStorage", at::kByte},
    {"DoubleStorage", at::kDouble}, {"IntStorage", at::kInt},   {"ShortStorage", at::kShort},
    {"CharStorage", at::kChar},     {"HalfStorage", at::kHalf}, {"BFloat16Storage", at::kBFloat16}};

// Elements of the tensor; -1 when its numbers are no sizes, or no steps of a tensor whose elements follow each other.
int64_t CountElements(const TensorDescription& description) {
  constexpr int64_t kMost = int64_t{1} << 40;  // also where one size is 0 and the others allocate nothing
  if (description.strides.size() != description.sizes.size()) return -1;
  int64_t step = 1;
  bool is_empty = false;
  for (size_t i = description.sizes.size(); i > 0; --i) {
    const int64_t size = description.sizes[i - 1];
    if (size < 0 || size > kMost / step) return -1;
    if (size > 1 && !is_empty && description.strides[i - 1] != step) return -1;
    is_empty = is_empty || size == 0;
    step *= std::max<int64_t>(size, 1);
  }
  return is_empty ? 0 : step;
}

// A copy of its part of the storage, which bounds what is allocated.
absl::StatusOr<at::Tensor> MakeTensor(const TensorDescription& description, absl::string_view storage) {
  const auto* const type = std::find_if(std::begin(kStorageTypes), std::end(kStorageTypes),
                                        [&](const StorageType& one) { return one.name == description.storage_type; });
  if (type == std::end(kStorageTypes)) return Mismatch(description.name, "has an unknown type");
  const auto element = static_cast<int64_t>(c10::elementSize(type->type));
  const int64_t elements = static_cast<int64_t>(storage.size()) / element;
  if (description.storage_size != elements || elements * element != static_cast<int64_t>(storage.size())) {
    return Mismatch(description.name, "has not as much content as it says");
  }
  const int64_t count = CountElements(description);
  if (count < 0 || description.offset < 0 || description.offset > elements || count > elements - description.offset) {
    return Mismatch(description.name, "has sizes that its content has not");
  }
  at::Tensor tensor = at::empty(description.sizes, type->type);
  if (count > 0) {
    std::memcpy(tensor.data_ptr(), storage.data() + description.offset * element, static_cast<size_t>(count * element));
  }
  return tensor;
}

}  // namespace

std::string SerializeTensors(const TensorMap& tensors) {
  c10::Dict<std::string, at::Tensor> dict;
  for (const auto& [name, tensor] : tensors) dict.insert(name, tensor.detach().cpu().contiguous());
  const std::vector<char> bytes = torch::jit::pickle_save(dict);
  return {bytes.begin(), bytes.end()};
}

absl::StatusOr<TensorMap> ParseTensors(absl::string_view bytes) {
  SKEW_ASSIGN_OR_RETURN(const auto records, ReadArchive(bytes));
  const auto pickle = records.find("archive/data.pkl");
  if (pickle == records.end()) return absl::DataLossError("an archive without a description of its tensors");
  SKEW_ASSIGN_OR_RETURN(const std::vector<TensorDescription> descriptions, ReadTensorPickle(pickle->second));
  TensorMap tensors;
  for (const TensorDescription& description : descriptions) {
    const auto storage = records.find(absl::StrCat("archive/data/", description.storage_key));
    if (storage == records.end()) return Mismatch(description.name, "has no content");
    SKEW_ASSIGN_OR_RETURN(at::Tensor tensor, MakeTensor(description, storage->second));
    if (!tensors.emplace(description.name, std::move(tensor)).second)
      return Mismatch(description.name, "is there twice");
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
  const at::Tensor contiguous = tensor.contiguous();
  const auto* const data = static_cast<const int64_t*>(contiguous.data_ptr());
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

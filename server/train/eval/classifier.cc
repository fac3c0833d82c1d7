#include "server/train/eval/classifier.h"

#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/softmax.h>

#include <algorithm>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "common/digest.h"
#include "common/file.h"
#include "common/status.h"

namespace skew::train {
namespace {

constexpr absl::string_view kFirstLine = "skew classifier 1\n";
constexpr size_t kDigestDigits = 64;
constexpr size_t kMaxBytes = size_t{1} << 28;

constexpr char kShape[] = "shape";
constexpr char kDataset[] = "dataset";
constexpr char kWeights[] = "weights.";

// The tensors between the first line and the digest.
absl::StatusOr<TensorMap> ParseFile(absl::string_view bytes) {
  if (!absl::StartsWith(bytes, kFirstLine)) return absl::DataLossError("not a classifier file of this version");
  if (bytes.size() < kFirstLine.size() + kDigestDigits) return absl::DataLossError("truncated");
  const absl::string_view content = bytes.substr(0, bytes.size() - kDigestDigits);
  if (Sha256Hex(content) != bytes.substr(content.size())) return absl::DataLossError("its digest does not match");
  return ParseTensors(content.substr(kFirstLine.size()));
}

absl::StatusOr<std::unique_ptr<Classifier>> Restore(absl::string_view bytes, at::Device device) {
  SKEW_ASSIGN_OR_RETURN(const TensorMap state, ParseFile(bytes));
  SKEW_ASSIGN_OR_RETURN(const std::vector<int64_t> numbers, GetInts(state, kShape, 3));
  SKEW_ASSIGN_OR_RETURN(std::string dataset_digest, GetText(state, kDataset));
  const JudgeShape shape{static_cast<int32_t>(numbers[0]), static_cast<int32_t>(numbers[1]),
                         static_cast<int32_t>(numbers[2])};
  absl::StatusOr<std::unique_ptr<JudgeNetwork>> network = JudgeNetwork::Make(shape, device, 0);
  if (!network.ok()) return absl::DataLossError(network.status().message());
  SKEW_RETURN_IF_ERROR((*network)->tensors().Load(kWeights, state));
  return std::make_unique<Classifier>(*std::move(network), std::move(dataset_digest));
}

void AddTensor(const std::string& name, const at::Tensor& tensor, Sha256& digest) {
  const at::Tensor plain = tensor.detach().cpu().contiguous();
  digest.Add(absl::StrCat(name, " ", absl::StrJoin(plain.sizes(), "x"), "\n"));
  digest.Add({static_cast<const char*>(plain.data_ptr()), plain.nbytes()});
}

}  // namespace

absl::StatusOr<std::unique_ptr<Classifier>> Classifier::Load(const std::string& path, at::Device device) {
  SKEW_ASSIGN_OR_RETURN(const std::string bytes, ReadFile(path, kMaxBytes));
  absl::StatusOr<std::unique_ptr<Classifier>> classifier = Restore(bytes, device);
  if (!classifier.ok()) return Annotate(classifier.status(), path);
  return classifier;
}

absl::Status Classifier::Save(const std::string& path) const {
  TensorMap state;
  state[kShape] = TensorOfInts({classes(), height(), width()});
  state[kDataset] = TensorOfText(dataset_digest_);
  network_->tensors().Save(kWeights, state);
  std::string bytes = absl::StrCat(kFirstLine, SerializeTensors(state));
  absl::StrAppend(&bytes, Sha256Hex(bytes));
  return WriteFileAtomically(path, bytes);
}

Judgement Classifier::Judge(const at::Tensor& images, int64_t batch) const {
  const at::NoGradGuard no_grad;
  // The empty beginnings give the result its shape when there is no image.
  std::vector<at::Tensor> probabilities = {at::empty({0, classes()})};
  std::vector<at::Tensor> features = {at::empty({0, JudgeNetwork::kFeatures})};
  for (int64_t begin = 0; begin < images.size(0); begin += batch) {
    const int64_t count = std::min(batch, images.size(0) - begin);
    const at::Tensor part = images.narrow(0, begin, count).to(network_->device());
    const JudgeNetwork::Output output = network_->Forward(part, Statistics::kRunning);
    probabilities.push_back(at::softmax(output.logits, 1).cpu());
    features.push_back(output.features.cpu());
  }
  return {at::cat(probabilities), at::cat(features)};
}

std::string Classifier::Digest() const {
  Sha256 digest;
  digest.Add(absl::StrCat(dataset_digest_, "\n"));
  for (const auto& [name, tensor] : network_->tensors().all()) AddTensor(name, tensor, digest);
  return digest.HexDigest();
}

}  // namespace skew::train

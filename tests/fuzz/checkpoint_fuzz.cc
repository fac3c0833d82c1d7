// Checkpoints and other files of tensors. The first byte says what the rest is: a checkpoint's file as it is, one
// without its digest, which is added; the tensors in it; their description, for which an archive is made; or a file
// beside an older checkpoint that is whole.
#include <cstring>
#include <fstream>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "common/digest.h"
#include "server/train/engine/checkpoint.h"
#include "server/train/engine/tensor_archive.h"
#include "server/train/engine/tensor_map.h"
#include "tests/fuzz/target.h"
#include "tests/testing/temp_folder.h"

namespace skew::train {
namespace {

using fuzz::Require;

enum Kind : uint8_t { kFile, kContent, kTensors, kPickle, kFolder, kKinds };

at::Tensor Floats(at::IntArrayRef sizes) {
  int64_t count = 1;
  for (const int64_t size : sizes) count *= size;
  return TensorOfInts(std::vector<int64_t>(static_cast<size_t>(count), 3)).to(at::kFloat).reshape(sizes);
}

Checkpoint Example(int64_t step) {
  Checkpoint checkpoint;
  checkpoint.step = step;
  checkpoint.state["weight"] = Floats({2, 3});
  checkpoint.state["scale"] = Floats({});
  checkpoint.state["batches"] = TensorOfInts({step, -1, 7, 0});
  checkpoint.state["name"] = TensorOfText("vae");
  checkpoint.state["none"] = Floats({0, 2});
  return checkpoint;
}

bool AreEqual(const at::Tensor& a, const at::Tensor& b) {
  return a.scalar_type() == b.scalar_type() && a.sizes() == b.sizes() &&
         (a.numel() == 0 || std::memcmp(a.data_ptr(), b.data_ptr(), a.nbytes()) == 0);
}

// What the worker does with what it reads.
void Use(const TensorMap& state) {
  TensorSet model;
  model.AddParameter("weight", Floats({2, 3}));
  model.AddBuffer("scale", Floats({}));
  const absl::Status loaded = model.Load("", state);
  Require(loaded.ok() || absl::IsDataLoss(loaded), loaded.ToString());
  for (const auto& [name, tensor] : state) {
    Require(tensor.is_contiguous() && tensor.device().is_cpu(), name);
    const auto ints = GetInts(state, name, 4);
    Require(ints.ok() || absl::IsDataLoss(ints.status()), ints.status().ToString());
    const auto text = GetText(state, name);
    Require(text.ok() || absl::IsDataLoss(text.status()), text.status().ToString());
  }
}

// What was read is written and reads as the same.
void CheckTensors(const absl::StatusOr<TensorMap>& read) {
  if (!read.ok()) return Require(absl::IsDataLoss(read.status()), read.status().ToString());
  Use(*read);
  const absl::StatusOr<TensorMap> again = ParseTensors(SerializeTensors(*read));
  Require(again.ok() && again->size() == read->size(), again.status().ToString());
  for (const auto& [name, tensor] : *read) {
    const auto found = again->find(name);
    Require(found != again->end() && AreEqual(tensor, found->second), absl::StrCat("'", name, "' has changed"));
  }
}

void CheckCheckpoint(absl::string_view bytes) {
  const absl::StatusOr<Checkpoint> read = ParseCheckpoint(bytes);
  if (!read.ok()) return Require(absl::IsDataLoss(read.status()), read.status().ToString());
  CheckTensors(read->state);
  const absl::StatusOr<Checkpoint> again = ParseCheckpoint(SerializeCheckpoint(*read));
  Require(again.ok() && again->step == read->step, again.status().ToString());
}

void RunFolder(absl::string_view bytes) {
  static const TempFolder temp;
  static const bool written = CheckpointFolder(temp.path()).Write(Example(5)).ok();
  Require(written, "cannot write a checkpoint");
  std::ofstream(temp.path() + "/checkpoint-7.ckpt", std::ios::binary | std::ios::trunc) << bytes;
  std::vector<std::string> problems;
  const absl::StatusOr<std::optional<Checkpoint>> read = CheckpointFolder(temp.path()).ReadNewest(problems);
  Require(read.ok(), read.status().ToString());
  const std::optional<Checkpoint>& newest = *read;
  Require(newest.has_value(), "a damaged checkpoint hides one that is whole");
  Require(problems.empty() || newest->step == 5, "a problem, and yet no older checkpoint");
}

std::string ZipNumber(uint64_t value, size_t bytes) {
  std::string text;
  for (size_t i = 0; i < bytes; ++i) text.push_back(static_cast<char>(value >> 8 * i & 0xff));
  return text;
}

// A zip archive of records that are stored as they are.
class ArchiveWriter {
 public:
  void Add(const std::string& name, absl::string_view content) {
    const size_t offset = bytes_.size();
    const std::string sizes = absl::StrCat(ZipNumber(content.size(), 4), ZipNumber(content.size(), 4),
                                           ZipNumber(name.size(), 2), ZipNumber(0, 2));
    absl::StrAppend(&bytes_, "PK\3\4", std::string(14, '\0'), sizes, name, content);
    absl::StrAppend(&directory_, "PK\1\2", std::string(16, '\0'), sizes, std::string(10, '\0'), ZipNumber(offset, 4),
                    name);
    ++records_;
  }

  std::string Take() const {
    return absl::StrCat(bytes_, directory_, "PK\5\6", std::string(4, '\0'), ZipNumber(records_, 2),
                        ZipNumber(records_, 2), ZipNumber(directory_.size(), 4), ZipNumber(bytes_.size(), 4),
                        ZipNumber(0, 2));
  }

 private:
  std::string bytes_;
  std::string directory_;
  size_t records_ = 0;
};

// Contents of 0 to 64 bytes for what the description names.
std::string ArchiveWith(absl::string_view pickle) {
  ArchiveWriter writer;
  for (size_t i = 0; i <= 8; ++i) writer.Add(absl::StrCat("archive/data/", i), std::string(8 * i, '\1'));
  writer.Add("archive/data.pkl", pickle);
  return writer.Take();
}

std::string PickleOf(const TensorMap& tensors) {
  const std::string bytes = SerializeTensors(tensors);
  return std::string(ReadArchive(bytes).value().at("archive/data.pkl"));
}

}  // namespace
}  // namespace skew::train

namespace skew::fuzz {

std::vector<std::string> Seeds() {
  const std::string file = train::SerializeCheckpoint(train::Example(3));
  const std::string tensors = train::SerializeTensors(train::Example(3).state);
  const std::string pickle = train::PickleOf(train::Example(3).state);
  const auto input = [](train::Kind kind, absl::string_view bytes) {
    return absl::StrCat(std::string(1, static_cast<char>(kind)), bytes);
  };
  return {input(train::kFile, file),
          input(train::kContent, absl::string_view(file).substr(0, file.size() - 64)),
          input(train::kTensors, tensors),
          input(train::kTensors, train::SerializeTensors({})),
          input(train::kTensors, train::ArchiveWith(pickle)),
          input(train::kPickle, pickle),
          input(train::kPickle, train::PickleOf({{"weight", train::Floats({2})}})),
          input(train::kFolder, file),
          input(train::kFolder, file.substr(0, 100))};
}

}  // namespace skew::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const absl::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0] % skew::train::kKinds) {
    case skew::train::kFile:
      skew::train::CheckCheckpoint(bytes);
      break;
    case skew::train::kContent:
      skew::train::CheckCheckpoint(absl::StrCat(bytes, skew::Sha256Hex(bytes)));
      break;
    case skew::train::kTensors:
      skew::train::CheckTensors(skew::train::ParseTensors(bytes));
      break;
    case skew::train::kPickle:
      skew::train::CheckTensors(skew::train::ParseTensors(skew::train::ArchiveWith(bytes)));
      break;
    default:
      skew::train::RunFolder(bytes);
  }
  return 0;
}

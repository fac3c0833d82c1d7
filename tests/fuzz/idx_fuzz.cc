// The files of a dataset. The first byte says what the rest is: the content of an images file or of a labels file,
// plain or as it is on disk (perhaps gzip); or the four files of a dataset, each after its length in two bytes.
#include <zlib.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "common/data/dataset.h"
#include "common/data/idx.h"
#include "tests/fuzz/target.h"
#include "tests/testing/temp_folder.h"

namespace skew::fuzz {
namespace {

enum Kind : uint8_t { kImages, kLabels, kFile, kDataset, kKinds };

constexpr const char* kMembers[] = {"train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte",
                                    "t10k-labels-idx1-ubyte"};

const std::string& Folder() {
  static const TempFolder folder;
  return folder.path();
}

void Write(const std::string& path, absl::string_view content) {
  std::ofstream out(path, std::ios::binary | std::ios::trunc);
  out << content;
  Require(out.flush().good(), absl::StrCat("cannot write ", path));
}

void CheckError(const absl::Status& status, absl::string_view name) {
  Require(absl::IsDataLoss(status), status.ToString());
  Require(status.message().find(name.data(), 0, name.size()) != absl::string_view::npos,
          absl::StrCat("the message does not name ", name, ": ", status.message()));
}

void RunImages(absl::string_view bytes) {
  const absl::StatusOr<IdxImages> images = ParseIdxImages(bytes, "images");
  if (!images.ok()) return CheckError(images.status(), "images");
  Require(images->count > 0 && images->height > 0 && images->width > 0, "no images");
  const int64_t pixels = int64_t{images->count} * images->height * images->width;
  Require(static_cast<int64_t>(images->pixels.size()) == pixels && bytes.size() == images->pixels.size() + 16,
          "the number of pixels is not what the header says");
}

void RunLabels(absl::string_view bytes) {
  const absl::StatusOr<std::vector<uint8_t>> labels = ParseIdxLabels(bytes, "labels");
  if (!labels.ok()) return CheckError(labels.status(), "labels");
  Require(!labels->empty() && bytes.size() == labels->size() + 8, "the number of labels is not what the header says");
}

void RunFile(absl::string_view bytes) {
  const std::string path = Folder() + "/file";
  Write(path, bytes);
  const absl::StatusOr<std::string> content = ReadMaybeGzip(path);
  if (!content.ok()) return CheckError(content.status(), path);
  RunImages(*content);
  RunLabels(*content);
}

void CheckContent(const DatasetContent& content) {
  Require(content.classes >= 2 && content.classes <= 256, absl::StrCat(content.classes, " classes"));
  int64_t images = 0;
  const v1::Dataset dataset = DescribeDataset("fuzzed", content);
  Require(dataset.problem().empty() && dataset.digest().size() == 64, dataset.ShortDebugString());
  for (const auto& [label, count] : dataset.train_counts()) {
    Require(label >= 0 && label < dataset.classes() && count > 0, dataset.ShortDebugString());
    images += count;
  }
  Require(images == content.train.images.count, "images without a class");
}

void RunDataset(absl::string_view bytes) {
  for (const char* member : kMembers) {
    const size_t wanted = bytes.size() < 2 ? 0 : static_cast<uint8_t>(bytes[0]) * 256U + static_cast<uint8_t>(bytes[1]);
    bytes.remove_prefix(std::min<size_t>(2, bytes.size()));
    Write(absl::StrCat(Folder(), "/", member), bytes.substr(0, wanted));
    bytes.remove_prefix(std::min(wanted, bytes.size()));
  }
  const absl::StatusOr<DatasetContent> content = ReadDataset(Folder());
  if (content.ok()) return CheckContent(*content);
  CheckError(content.status(), Folder());
  Require(!DescribeDataset("fuzzed", content).problem().empty(), "a damaged dataset without a problem");
}

std::string BigEndian(uint32_t value, int bytes) {
  std::string text;
  for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) text.push_back(static_cast<char>(value >> shift & 0xff));
  return text;
}

std::string ImagesFile(uint32_t count, uint32_t height, uint32_t width) {
  return absl::StrCat(BigEndian(0x803, 4), BigEndian(count, 4), BigEndian(height, 4), BigEndian(width, 4),
                      std::string(size_t{count} * height * width, '\x7f'));
}

std::string LabelsFile(absl::string_view labels) {
  return absl::StrCat(BigEndian(0x801, 4), BigEndian(static_cast<uint32_t>(labels.size()), 4), labels);
}

std::string Gzip(const std::string& content) {
  z_stream stream{};
  Require(deflateInit2(&stream, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK, "zlib");
  std::string packed(content.size() + 100, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(content.data()));
  stream.avail_in = static_cast<uInt>(content.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  Require(deflate(&stream, Z_FINISH) == Z_STREAM_END, "zlib");
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  return packed;
}

std::string DatasetInput(const std::vector<std::string>& files) {
  std::string input(1, static_cast<char>(kDataset));
  for (const std::string& file : files) absl::StrAppend(&input, BigEndian(static_cast<uint32_t>(file.size()), 2), file);
  return input;
}

std::string Input(Kind kind, const std::string& bytes) {
  return absl::StrCat(std::string(1, static_cast<char>(kind)), bytes);
}

}  // namespace

std::vector<std::string> Seeds() {
  const std::string images = ImagesFile(3, 4, 5);
  const std::string labels = LabelsFile("\1\2\3");
  return {Input(kImages, images),
          Input(kLabels, labels),
          Input(kFile, images),
          Input(kFile, labels),
          Input(kFile, Gzip(images)),
          Input(kFile, Gzip(labels)),
          Input(kImages, ImagesFile(1, 28, 28)),
          Input(kFile, Gzip(ImagesFile(40, 28, 28))),
          DatasetInput({images, labels, images, labels}),
          DatasetInput({Gzip(images), Gzip(labels), ImagesFile(1, 4, 5), LabelsFile("\1")})};
}

}  // namespace skew::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const absl::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0] % skew::fuzz::kKinds) {
    case skew::fuzz::kImages:
      skew::fuzz::RunImages(bytes);
      break;
    case skew::fuzz::kLabels:
      skew::fuzz::RunLabels(bytes);
      break;
    case skew::fuzz::kFile:
      skew::fuzz::RunFile(bytes);
      break;
    default:
      skew::fuzz::RunDataset(bytes);
  }
  return 0;
}

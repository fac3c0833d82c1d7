#include "tests/testing/synthetic_dataset.h"

#include <cstdlib>
#include <filesystem>

#include "common/file.h"

namespace skew {
namespace {

void AppendBigEndian(uint32_t value, std::string& bytes) {
  for (int shift = 24; shift >= 0; shift -= 8) bytes.push_back(static_cast<char>((value >> shift) & 0xff));
}

void MustWrite(const std::string& path, const std::string& bytes) {
  if (!WriteFileAtomically(path, bytes).ok()) std::abort();
}

void WriteSplit(const std::string& prefix, int32_t classes, int32_t per_class) {
  const auto count = static_cast<uint32_t>(classes * per_class);
  std::string images;
  std::string labels;
  AppendBigEndian(0x803, images);
  AppendBigEndian(count, images);
  AppendBigEndian(28, images);
  AppendBigEndian(28, images);
  AppendBigEndian(0x801, labels);
  AppendBigEndian(count, labels);
  for (uint32_t i = 0; i < count; ++i) {
    const auto label = static_cast<int32_t>(i % static_cast<uint32_t>(classes));
    labels.push_back(static_cast<char>(label));
    images.append(size_t{28} * 28, static_cast<char>(20 * label + static_cast<int32_t>(i % 7)));
  }
  MustWrite(prefix + "-images-idx3-ubyte", images);
  MustWrite(prefix + "-labels-idx1-ubyte", labels);
}

}  // namespace

void WriteSyntheticDataset(const std::string& folder, int32_t classes, int32_t train_per_class,
                           int32_t test_per_class) {
  std::filesystem::create_directories(folder);
  WriteSplit(folder + "/train", classes, train_per_class);
  WriteSplit(folder + "/t10k", classes, test_per_class);
}

}  // namespace skew

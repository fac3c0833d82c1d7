#include "tests/train/synthetic.h"

#include <ATen/ops/rand.h>

#include <fstream>

#include "absl/strings/string_view.h"

namespace skew::train {
namespace {

constexpr int64_t kSide = 28;
constexpr int64_t kTrainingImages = 60 * kSyntheticClasses;
constexpr int64_t kTestImages = 30 * kSyntheticClasses;

std::string BigEndian(int64_t value) {
  std::string bytes;
  for (int shift = 24; shift >= 0; shift -= 8) bytes.push_back(static_cast<char>((value >> shift) & 0xff));
  return bytes;
}

void WriteText(const std::string& path, absl::string_view content) { std::ofstream(path, std::ios::binary) << content; }

void WriteSplit(const std::string& prefix, int64_t n, uint64_t seed) {
  const at::Tensor pixels = SyntheticImages(n, seed).mul(255).to(at::kByte).contiguous();
  const absl::string_view bytes(static_cast<const char*>(pixels.data_ptr()), static_cast<size_t>(pixels.numel()));
  WriteText(prefix + "-images-idx3-ubyte",
            BigEndian(0x803) + BigEndian(n) + BigEndian(kSide) + BigEndian(kSide) + std::string(bytes));
  std::string labels;
  for (int64_t i = 0; i < n; ++i) labels.push_back(static_cast<char>(i % kSyntheticClasses));
  WriteText(prefix + "-labels-idx1-ubyte", BigEndian(0x801) + BigEndian(n) + labels);
}

}  // namespace

at::Tensor SyntheticImages(int64_t n, uint64_t seed) {
  at::Tensor images = at::rand({n, 1, kSide, kSide}, MakeGenerator(seed)).mul_(0.2);
  for (int64_t i = 0; i < n; ++i) {
    const int64_t place = 2 + 8 * (i % kSyntheticClasses);
    images[i][0].narrow(0, place, 8).narrow(1, place, 8).add_(0.75);
  }
  return images;
}

void WriteSyntheticDataset(const std::string& folder) {
  WriteSplit(folder + "/train", kTrainingImages, 1);
  WriteSplit(folder + "/t10k", kTestImages, 2);
}

ModelInputs SyntheticInputs(uint64_t seed, Convolutions how) {
  ModelInputs inputs;
  inputs.engine.convolutions = how;
  inputs.seed = seed;
  inputs.height = kSide;
  inputs.width = kSide;
  return inputs;
}

v1::ModelSpec TinyDcgan(v1::Precision precision) {
  v1::ModelSpec spec;
  spec.mutable_dcgan()->set_precision(precision);
  spec.mutable_dcgan()->set_width(8);
  spec.mutable_dcgan()->set_latent(10);
  return spec;
}

v1::ModelSpec TinyVae(v1::Precision precision) {
  v1::ModelSpec spec;
  spec.mutable_vae()->set_precision(precision);
  spec.mutable_vae()->set_width(8);
  spec.mutable_vae()->set_latent(4);
  return spec;
}

v1::ModelSpec TinyVaeMlp(v1::Precision precision) {
  v1::ModelSpec spec;
  spec.mutable_vae_mlp()->set_precision(precision);
  spec.mutable_vae_mlp()->set_width(16);
  spec.mutable_vae_mlp()->set_latent(4);
  return spec;
}

}  // namespace skew::train

#include "server/train/models/networks.h"

#include "absl/strings/str_cat.h"

namespace skew::train {
namespace {

constexpr double kWeightSd = 0.02;
constexpr double kLeak = 0.2;
// Of the images that the decoder starts from.
constexpr int64_t kSide = 4;
constexpr ConvolutionShape kHalve = {2, 1};
constexpr ConvolutionShape kDouble = {2, 1};

at::Tensor Use(const at::Tensor& weight, Weights weights) {
  return weights == Weights::kFrozen ? weight.detach() : weight;
}

}  // namespace

ImageDecoder::ImageDecoder(TensorSet& tensors, const std::string& name, int64_t latent, int64_t width,
                           const Engine& engine, at::Generator& random)
    : engine_(engine),
      project_(NormalParameter(tensors, absl::StrCat(name, ".project"), {latent, kSide, kSide, 4 * width}, kWeightSd,
                               engine, random)),
      norm4_(tensors, absl::StrCat(name, ".norm4"), 4 * width, kWeightSd, engine, random),
      up7_(NormalKernel(tensors, absl::StrCat(name, ".up7"), {4 * width, 2 * width, 3, 3}, kWeightSd, engine, random)),
      norm7_(tensors, absl::StrCat(name, ".norm7"), 2 * width, kWeightSd, engine, random),
      up14_(NormalKernel(tensors, absl::StrCat(name, ".up14"), {2 * width, width, 4, 4}, kWeightSd, engine, random)),
      norm14_(tensors, absl::StrCat(name, ".norm14"), width, kWeightSd, engine, random),
      up28_(NormalKernel(tensors, absl::StrCat(name, ".up28"), {width, 1, 4, 4}, kWeightSd, engine, random)) {}

at::Tensor ImageDecoder::Forward(const at::Tensor& z, Statistics statistics) const {
  const at::Tensor projected = z.matmul(project_.flatten(1)).to(engine_.precision);
  at::Tensor x = projected.view({z.size(0), kSide, kSide, project_.size(3)}).permute({0, 3, 1, 2});
  x = norm4_.Forward(x, statistics, 0);
  x = ConvTranspose2d(x, up7_, kDouble, engine_);
  x = norm7_.Forward(x, statistics, 0);
  x = ConvTranspose2d(x, up14_, kDouble, engine_);
  x = norm14_.Forward(x, statistics, 0);
  return ConvTranspose2d(x, up28_, kDouble, engine_).to(at::kFloat);
}

ImageEncoder::ImageEncoder(TensorSet& tensors, const std::string& name, int64_t width, const Engine& engine,
                           at::Generator& random)
    : engine_(engine),
      width_(width),
      down14_(NormalKernel(tensors, absl::StrCat(name, ".down14"), {width, 1, 4, 4}, kWeightSd, engine, random)),
      down7_(NormalKernel(tensors, absl::StrCat(name, ".down7"), {2 * width, width, 4, 4}, kWeightSd, engine, random)),
      norm7_(tensors, absl::StrCat(name, ".norm7"), 2 * width, kWeightSd, engine, random),
      down3_(
          NormalKernel(tensors, absl::StrCat(name, ".down3"), {4 * width, 2 * width, 4, 4}, kWeightSd, engine, random)),
      norm3_(tensors, absl::StrCat(name, ".norm3"), 4 * width, kWeightSd, engine, random) {}

at::Tensor ImageEncoder::Forward(const at::Tensor& images, Weights weights) const {
  at::Tensor x = Activate(Convolution(images, Use(down14_, weights), kHalve, engine_), kLeak);
  x = Convolution(x, Use(down7_, weights), kHalve, engine_);
  x = norm7_.Forward(x, Statistics::kBatch, kLeak, weights);
  x = Convolution(x, Use(down3_, weights), kHalve, engine_);
  x = norm3_.Forward(x, Statistics::kBatch, kLeak, weights);
  return x.permute({0, 2, 3, 1}).flatten(1).to(at::kFloat);
}

}  // namespace skew::train

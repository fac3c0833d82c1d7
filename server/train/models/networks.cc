#include "server/train/models/networks.h"

#include <ATen/ops/leaky_relu.h>
#include <ATen/ops/relu.h>

#include "absl/strings/str_cat.h"

namespace skew::train {
namespace {

constexpr double kWeightSd = 0.02;
constexpr double kLeak = 0.2;
constexpr ConvolutionShape kHalve = {2, 1};
constexpr ConvolutionShape kDouble = {2, 1};

at::Tensor Use(const at::Tensor& weight, Weights weights) {
  return weights == Weights::kFrozen ? weight.detach() : weight;
}

}  // namespace

ImageDecoder::ImageDecoder(TensorSet& tensors, const std::string& name, int64_t latent, int64_t width,
                           const Engine& engine, at::Generator& random)
    : how_(engine.transposed_convolution),
      channels_(4 * width),
      project_(NormalParameter(tensors, absl::StrCat(name, ".project"), {latent, channels_ * 16}, kWeightSd, engine,
                               random)),
      norm4_(tensors, absl::StrCat(name, ".norm4"), channels_, kWeightSd, engine, random),
      up7_(NormalParameter(tensors, absl::StrCat(name, ".up7"), {channels_, 2 * width, 3, 3}, kWeightSd, engine,
                           random)),
      norm7_(tensors, absl::StrCat(name, ".norm7"), 2 * width, kWeightSd, engine, random),
      up14_(NormalParameter(tensors, absl::StrCat(name, ".up14"), {2 * width, width, 4, 4}, kWeightSd, engine, random)),
      norm14_(tensors, absl::StrCat(name, ".norm14"), width, kWeightSd, engine, random),
      up28_(NormalParameter(tensors, absl::StrCat(name, ".up28"), {width, 1, 4, 4}, kWeightSd, engine, random)) {}

at::Tensor ImageDecoder::Forward(const at::Tensor& z, Statistics statistics) const {
  at::Tensor x = z.matmul(project_).view({z.size(0), channels_, 4, 4});
  x = norm4_.Forward(x, statistics).relu_();
  x = ConvTranspose2d(x, up7_, kDouble, how_);
  x = norm7_.Forward(x, statistics).relu_();
  x = ConvTranspose2d(x, up14_, kDouble, how_);
  x = norm14_.Forward(x, statistics).relu_();
  return ConvTranspose2d(x, up28_, kDouble, how_);
}

ImageEncoder::ImageEncoder(TensorSet& tensors, const std::string& name, int64_t width, const Engine& engine,
                           at::Generator& random)
    : width_(width),
      down14_(NormalParameter(tensors, absl::StrCat(name, ".down14"), {width, 1, 4, 4}, kWeightSd, engine, random)),
      down7_(
          NormalParameter(tensors, absl::StrCat(name, ".down7"), {2 * width, width, 4, 4}, kWeightSd, engine, random)),
      norm7_(tensors, absl::StrCat(name, ".norm7"), 2 * width, kWeightSd, engine, random),
      down3_(NormalParameter(tensors, absl::StrCat(name, ".down3"), {4 * width, 2 * width, 4, 4}, kWeightSd, engine,
                             random)),
      norm3_(tensors, absl::StrCat(name, ".norm3"), 4 * width, kWeightSd, engine, random) {}

at::Tensor ImageEncoder::Forward(const at::Tensor& images, Weights weights) const {
  at::Tensor x = at::leaky_relu(Convolution(images, Use(down14_, weights), kHalve), kLeak);
  x = Convolution(x, Use(down7_, weights), kHalve);
  x = at::leaky_relu(norm7_.Forward(x, Statistics::kBatch, weights), kLeak);
  x = Convolution(x, Use(down3_, weights), kHalve);
  x = at::leaky_relu(norm3_.Forward(x, Statistics::kBatch, weights), kLeak);
  return x.flatten(1);
}

}  // namespace skew::train

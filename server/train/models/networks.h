// The two convolutional networks on 28x28 grey images that `dcgan` and `vae` are made of.
#ifndef SKEW_SERVER_TRAIN_MODELS_NETWORKS_H_
#define SKEW_SERVER_TRAIN_MODELS_NETWORKS_H_

#include <cstdint>
#include <string>

#include "server/train/engine/engine.h"
#include "server/train/engine/tensor_map.h"
#include "server/train/models/layers.h"
#include "server/train/torch.h"

namespace skew::train {

// Side of the images, in pixels.
inline constexpr int64_t kImageSide = 28;

// Latent vectors to images: DCGAN's generator (Radford et al. 2015), and the decoder of `vae`.
//
//   z [n, latent] -k4-> [n, 4w, 4, 4] -BN, ReLU, transposed convolution k3 s2 p1-> [n, 2w, 7, 7]
//     -BN, ReLU, k4 s2 p1-> [n, w, 14, 14] -BN, ReLU, k4 s2 p1-> [n, 1, 28, 28]
//
// The first transposed convolution, on a 1x1 image, is computed as a matrix product, always in float32. Weights start
// as N(0, 0.02^2).
class ImageDecoder {
 public:
  ImageDecoder(TensorSet& tensors, const std::string& name, int64_t latent, int64_t width, const Engine& engine,
               at::Generator& random);

  // Before the output's tanh or sigmoid; float32 in any precision.
  at::Tensor Forward(const at::Tensor& z, Statistics statistics) const;

 private:
  Engine engine_;
  at::Tensor project_;
  BatchNorm norm4_;
  at::Tensor up7_;
  BatchNorm norm7_;
  at::Tensor up14_;
  BatchNorm norm14_;
  at::Tensor up28_;
};

// Images to features: DCGAN's discriminator without its last layer, and the encoder of `vae`.
//
//   x [n, 1, 28, 28] -convolution k4 s2 p1, LeakyReLU 0.2-> [n, w, 14, 14] -k4 s2 p1, BN, LeakyReLU-> [n, 2w, 7, 7]
//     -k4 s2 p1, BN, LeakyReLU-> [n, 4w, 3, 3]
//
// Only ever used with the statistics of the batch. Weights start as N(0, 0.02^2).
class ImageEncoder {
 public:
  ImageEncoder(TensorSet& tensors, const std::string& name, int64_t width, const Engine& engine, at::Generator& random);

  // Float32 [n, features()], flattened in the order row, column, channel.
  at::Tensor Forward(const at::Tensor& images, Weights weights = Weights::kTrained) const;

  int64_t features() const { return 9 * 4 * width_; }

 private:
  Engine engine_;
  int64_t width_;
  at::Tensor down14_;
  at::Tensor down7_;
  BatchNorm norm7_;
  at::Tensor down3_;
  BatchNorm norm3_;
};

}  // namespace skew::train

#endif  // SKEW_SERVER_TRAIN_MODELS_NETWORKS_H_

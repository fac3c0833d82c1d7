// Convolutions computed by our own kernels (see kernels.h), without unfolding and without changes of layout.
#ifndef SKEW_SERVER_TRAIN_ENGINE_DIRECT_CONVOLUTION_H_
#define SKEW_SERVER_TRAIN_ENGINE_DIRECT_CONVOLUTION_H_

#include <cstdint>

#include "server/train/engine/gather.h"
#include "server/train/engine/kernels.h"
#include "server/train/torch.h"

namespace skew::train {

// Square kernels, the same in both directions.
struct ConvolutionShape {
  int64_t stride = 1;
  int64_t padding = 0;
};

// One convolution from a large image to a small one, and the two gradients that belong to it. Every multiplication of
// activations by weights is a matrix product whose rows are picked from the images by pointers, pixel by pixel: an
// image is never unfolded in memory. Threads divide results, never sums, so that the numbers do not depend on their
// count.
//
//   large  [n, in, h, w]     float32 when `in` is 1, else the kernels' kind; channels last in memory
//   small  [n, out, h', w']  the kernels' kind; channels last in memory
//   weight [out, in, k, k]   float32; fastest with `out` innermost, then `in` (see TapMajor)
//
// Where `in` is 1 the k*k pixels under the kernel stand for channels: there is too little else to multiply.
class DirectConvolution {
 public:
  // `kernels` is borrowed. Images of `height` x `width`, the large ones.
  DirectConvolution(const Kernels* kernels, const at::Tensor& weight, ConvolutionShape shape, int64_t height,
                    int64_t width);

  // Whether these kernels can compute a convolution with such a weight: channels come in eights.
  static bool Supports(const at::Tensor& weight);

  // The convolution: small from large.
  at::Tensor Forward(const at::Tensor& large) const;
  // Its gradient by the large image, given that by the small one; also the transposed convolution of a small image.
  at::Tensor InputGradient(const at::Tensor& small) const;
  // Its gradient by the weight, given that by the small image. In TapMajor's layout.
  at::Tensor WeightGradient(const at::Tensor& small, const at::Tensor& large) const;

 private:
  bool thin() const { return inputs_ == 1; }
  // Of what the products see: the k*k pixels under the kernel when thin.
  int64_t large_channels() const { return thin() ? grid_.taps() : inputs_; }
  ConvolutionGrid product_grid() const;
  at::ScalarType kind() const { return kernels_->per_lane == 2 ? at::kBFloat16 : at::kFloat; }
  const float* weight() const { return static_cast<const float*>(weight_.data_ptr()); }

  // Between a thin large image [n, 1, h, w] and [n, k*k, h', w']: the pixels under the kernel, and sums over them.
  at::Tensor Unfold(const at::Tensor& large) const;
  at::Tensor Fold(const at::Tensor& unfolded) const;

  const Kernels* kernels_;
  // [k, k, in, out]
  at::Tensor weight_;
  int64_t outputs_;
  int64_t inputs_;
  ConvolutionGrid grid_;
};

// The same tensor with its last two dimensions outermost in memory and its first innermost: the layout in which a
// weight [out, in, k, k] is used and its gradient made.
at::Tensor TapMajor(const at::Tensor& weight);

}  // namespace skew::train

#endif  // SKEW_SERVER_TRAIN_ENGINE_DIRECT_CONVOLUTION_H_

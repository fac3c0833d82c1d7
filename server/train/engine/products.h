// Matrix products of images by weights and of images by images, on the kernels.
#ifndef SKEW_SERVER_TRAIN_ENGINE_PRODUCTS_H_
#define SKEW_SERVER_TRAIN_ENGINE_PRODUCTS_H_

#include <cstdint>

#include "server/train/engine/gather.h"
#include "server/train/engine/kernels.h"
#include "server/train/torch.h"

namespace skew::train {

// The greatest number of channels that the functions below take.
inline constexpr int64_t kMostChannels = 4096;

// Activations [images][pixels][channels] of the kernels' kind (or float, where said).
struct Pixels {
  void* data = nullptr;
  int64_t images = 0;
  int64_t pixels = 0;
  int64_t channels = 0;
};

// The weights of a product for positions of the kernel: value (depth d, column c) at position t is at
// data[t * position + d * by_depth + c * by_column]. One of the last two is 1.
struct WeightView {
  const float* data = nullptr;
  int64_t position = 0;
  int64_t by_depth = 0;
  int64_t by_column = 0;
};

// result[image][targets] = gathered source [.., taps * source.channels] times weights [taps * source.channels,
// result.channels]. Writes the pixels in gather.targets only. source.channels is a multiple of 8.
void MultiplyGathered(const Kernels& kernels, const Gather& gather, const Pixels& source, const WeightView& weights,
                      const Pixels& result, bool to_float);

// result[tap][i][j] = sum over images and small pixels of large[LargePixel(small, tap)][i] small[pixel][j], where
// result is [grid.taps()][large.channels][small.channels] floats. large.channels is a multiple of 8.
void MultiplyOuter(const Kernels& kernels, const ConvolutionGrid& grid, const Pixels& large, const Pixels& small,
                   float* result);

}  // namespace skew::train

#endif  // SKEW_SERVER_TRAIN_ENGINE_PRODUCTS_H_

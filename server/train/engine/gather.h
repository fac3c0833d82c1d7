// Which pixels meet in a convolution.
#ifndef SKEW_SERVER_TRAIN_ENGINE_GATHER_H_
#define SKEW_SERVER_TRAIN_ENGINE_GATHER_H_

#include <cstdint>
#include <vector>

namespace skew::train {

// Result pixels that take the same positions of the kernel: pixel targets[i] is the sum, over t, of the source's pixel
// sources[i * taps.size() + t] (-1: outside, a zero) times the weights at position taps[t] of the kernel.
struct Gather {
  std::vector<int32_t> taps;
  std::vector<int32_t> sources;
  std::vector<int32_t> targets;
};

// A convolution from images of height x width to smaller ones.
struct ConvolutionGrid {
  int64_t kernel = 1;
  int64_t stride = 1;
  int64_t padding = 0;
  int64_t height = 0;
  int64_t width = 0;

  int64_t small_height() const { return (height + 2 * padding - kernel) / stride + 1; }
  int64_t small_width() const { return (width + 2 * padding - kernel) / stride + 1; }
  int64_t pixels() const { return height * width; }
  int64_t small_pixels() const { return small_height() * small_width(); }
  int64_t taps() const { return kernel * kernel; }
};

// The large image's pixel under position `tap` of the kernel at pixel `small`, or -1.
int32_t LargePixel(const ConvolutionGrid& grid, int64_t small, int64_t tap);

// The small image from the large one.
Gather GatherForward(const ConvolutionGrid& grid);

// The large image from the small one, as the gradient does: one gather for every remainder of row and column by the
// stride. Together they reach every pixel of the large image once.
std::vector<Gather> GatherBackward(const ConvolutionGrid& grid);

}  // namespace skew::train

#endif  // SKEW_SERVER_TRAIN_ENGINE_GATHER_H_

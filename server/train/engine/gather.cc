#include "server/train/engine/gather.h"

namespace skew::train {
namespace {

// The positions of the kernel, along one axis, that reach pixels of this remainder by the stride.
std::vector<int64_t> TapsOf(const ConvolutionGrid& grid, int64_t remainder) {
  std::vector<int64_t> taps;
  for (int64_t tap = (remainder + grid.padding) % grid.stride; tap < grid.kernel; tap += grid.stride) {
    taps.push_back(tap);
  }
  return taps;
}

// The small image's coordinate that `tap` takes to `large`, along one axis of `size` small pixels, or -1.
int64_t SmallCoordinate(const ConvolutionGrid& grid, int64_t large, int64_t tap, int64_t size) {
  const int64_t scaled = large + grid.padding - tap;
  if (scaled < 0 || scaled / grid.stride >= size) return -1;
  return scaled / grid.stride;
}

Gather GatherRemainders(const ConvolutionGrid& grid, int64_t row, int64_t column) {
  const std::vector<int64_t> tap_rows = TapsOf(grid, row);
  const std::vector<int64_t> tap_columns = TapsOf(grid, column);
  Gather gather;
  for (const int64_t ty : tap_rows) {
    for (const int64_t tx : tap_columns) gather.taps.push_back(static_cast<int32_t>(ty * grid.kernel + tx));
  }
  for (int64_t y = row; y < grid.height; y += grid.stride) {
    for (int64_t x = column; x < grid.width; x += grid.stride) {
      gather.targets.push_back(static_cast<int32_t>(y * grid.width + x));
      for (const int64_t ty : tap_rows) {
        for (const int64_t tx : tap_columns) {
          const int64_t sy = SmallCoordinate(grid, y, ty, grid.small_height());
          const int64_t sx = SmallCoordinate(grid, x, tx, grid.small_width());
          gather.sources.push_back(static_cast<int32_t>(sy < 0 || sx < 0 ? -1 : sy * grid.small_width() + sx));
        }
      }
    }
  }
  return gather;
}

}  // namespace

int32_t LargePixel(const ConvolutionGrid& grid, int64_t small, int64_t tap) {
  const int64_t y = small / grid.small_width() * grid.stride - grid.padding + tap / grid.kernel;
  const int64_t x = small % grid.small_width() * grid.stride - grid.padding + tap % grid.kernel;
  const bool inside = y >= 0 && y < grid.height && x >= 0 && x < grid.width;
  return static_cast<int32_t>(inside ? y * grid.width + x : -1);
}

Gather GatherForward(const ConvolutionGrid& grid) {
  Gather gather;
  for (int64_t tap = 0; tap < grid.taps(); ++tap) gather.taps.push_back(static_cast<int32_t>(tap));
  for (int64_t pixel = 0; pixel < grid.small_pixels(); ++pixel) {
    gather.targets.push_back(static_cast<int32_t>(pixel));
    for (int64_t tap = 0; tap < grid.taps(); ++tap) gather.sources.push_back(LargePixel(grid, pixel, tap));
  }
  return gather;
}

std::vector<Gather> GatherBackward(const ConvolutionGrid& grid) {
  std::vector<Gather> gathers;
  for (int64_t row = 0; row < grid.stride; ++row) {
    for (int64_t column = 0; column < grid.stride; ++column) gathers.push_back(GatherRemainders(grid, row, column));
  }
  return gathers;
}

}  // namespace skew::train

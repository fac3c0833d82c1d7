#include "server/train/engine/products.h"

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>

#include <algorithm>
#include <vector>

namespace skew::train {
namespace {

constexpr int64_t kLaneBytes = 4;
// Tiles of rows that one panel is used for before the next one comes: their images stay in the second-level cache.
constexpr int64_t kTilesPerBlock = 8;
// Pixels that are added up before the next tile of an outer product comes: their panel stays in the first-level cache.
constexpr int64_t kOuterPixels = 400;

// What lies outside an image.
alignas(64) constexpr float kZeros[kMostChannels] = {};

int64_t CeilDiv(int64_t a, int64_t b) { return (a + b - 1) / b; }

// Memory for `lanes` lanes; contents are arbitrary.
at::Tensor Scratch(int64_t lanes) { return at::empty({lanes}); }

void* Advance(void* data, int64_t bytes) { return static_cast<char*>(data) + bytes; }
const void* Advance(const void* data, int64_t bytes) { return static_cast<const char*>(data) + bytes; }

// Panels [columns / 32][taps][lanes][32] of the weights that a gather takes.
at::Tensor PackWeights(const Kernels& kernels, const Gather& gather, const WeightView& weights, int64_t depth,
                       int64_t columns) {
  const auto taps = static_cast<int64_t>(gather.taps.size());
  const int64_t tap_lanes = depth / kernels.per_lane * RowsTile::kColumns;
  const int64_t panels = CeilDiv(columns, RowsTile::kColumns);
  at::Tensor packed = Scratch(panels * taps * tap_lanes);
  at::parallel_for(0, panels * taps, 8, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t column = i / taps * RowsTile::kColumns;
      const int64_t count = std::min(RowsTile::kColumns, columns - column);
      const float* const from = weights.data + gather.taps[static_cast<size_t>(i % taps)] * weights.position;
      void* const to = Advance(packed.data_ptr(), i * tap_lanes * kLaneBytes);
      if (weights.by_column == 1) {
        kernels.pack_panel(from + column, weights.by_depth, depth, count, to);
      } else {
        kernels.pack_panel_transposed(from + column * weights.by_column, weights.by_column, depth, count, to);
      }
    }
  });
  return packed;
}

// The pointers of the tiles of one block of rows.
class GatheredRows {
 public:
  GatheredRows(const Gather& gather, const Pixels& source, const Pixels& result, int64_t number_bytes,
               int64_t result_bytes)
      : gather_(gather),
        source_(source),
        result_(result),
        taps_(static_cast<int64_t>(gather.taps.size())),
        pixels_(static_cast<int64_t>(gather.targets.size())),
        source_row_(source.channels * number_bytes),
        result_row_(result.channels * result_bytes),
        sources_(static_cast<size_t>(kTilesPerBlock * RowsTile::kRows * taps_)),
        results_(static_cast<size_t>(kTilesPerBlock * RowsTile::kRows)) {}

  int64_t rows() const { return source_.images * pixels_; }

  // Points at rows `first` and on; what is beyond the last one reads zeros and writes into `discard`.
  void Point(int64_t first) {
    for (int64_t i = 0; i < kTilesPerBlock * RowsTile::kRows; ++i) PointRow(i, first + i);
  }

  const void* const* sources(int64_t tile) const { return &sources_[Index(tile * RowsTile::kRows * taps_)]; }
  // Shifted by `bytes`, but for the discarded rows.
  void* const* Results(int64_t tile, int64_t bytes) {
    for (int64_t i = 0; i < RowsTile::kRows; ++i) {
      void* const result = results_[Index(tile * RowsTile::kRows + i)];
      shifted_[i] = result == nullptr ? discard_ : Advance(result, bytes);
    }
    return shifted_;
  }

 private:
  static size_t Index(int64_t i) { return static_cast<size_t>(i); }

  void PointRow(int64_t slot, int64_t row) {
    const int64_t tile = slot / RowsTile::kRows;
    const void** const to = &sources_[Index(tile * RowsTile::kRows * taps_ + slot % RowsTile::kRows)];
    const bool inside = row < rows();
    const int64_t image = row / pixels_;
    const int64_t pixel = row % pixels_;
    const void* const base = Advance(source_.data, image * source_.pixels * source_row_);
    for (int64_t tap = 0; tap < taps_; ++tap) {
      const int32_t from = inside ? gather_.sources[Index(pixel * taps_ + tap)] : -1;
      to[tap * RowsTile::kRows] = from < 0 ? kZeros : Advance(base, from * source_row_);
    }
    const int64_t target = inside ? image * result_.pixels + gather_.targets[Index(pixel)] : 0;
    results_[Index(slot)] = inside ? Advance(result_.data, target * result_row_) : nullptr;
  }

  const Gather& gather_;
  const Pixels& source_;
  const Pixels& result_;
  int64_t taps_;
  int64_t pixels_;
  int64_t source_row_;
  int64_t result_row_;
  std::vector<const void*> sources_;
  std::vector<void*> results_;
  void* shifted_[RowsTile::kRows] = {};
  float discard_[RowsTile::kColumns] = {};
};

// Lanes of OuterTile from the images of some groups; the images of a group share lanes.
class PackedImages {
 public:
  // Blocks of `width` channels, for up to `groups` groups. `spare` pixels of zeros follow every image.
  PackedImages(const Kernels& kernels, const Pixels& images, int64_t width, int64_t spare, int64_t groups)
      : kernels_(kernels),
        images_(images),
        width_(width),
        block_lanes_((images.pixels + spare) * width),
        blocks_(CeilDiv(images.channels, width)),
        groups_(groups),
        lanes_(static_cast<size_t>(groups * blocks_ * block_lanes_)) {}

  int64_t blocks() const { return blocks_; }
  // Lanes from one group to the next.
  int64_t group_stride() const { return block_lanes_; }
  const float* Block(int64_t block) const { return &lanes_[static_cast<size_t>(block * groups_ * block_lanes_)]; }

  // Overwrites the lanes with `count` groups from `first` on.
  void Pack(int64_t first, int64_t count) {
    const int64_t image_bytes = images_.pixels * images_.channels * kLaneBytes / kernels_.per_lane;
    for (int64_t group = 0; group < count; ++group) {
      const int64_t image = (first + group) * kernels_.per_lane;
      const void* const data = Advance(images_.data, image * image_bytes);
      const bool paired = kernels_.per_lane == 2 && image + 1 < images_.images;
      float* const to = &lanes_[static_cast<size_t>(group * block_lanes_)];
      kernels_.pack_pixels(data, paired ? Advance(data, image_bytes) : nullptr, images_.pixels, images_.channels,
                           width_, groups_ * block_lanes_, to);
    }
  }

 private:
  const Kernels& kernels_;
  const Pixels& images_;
  int64_t width_;
  int64_t block_lanes_;
  int64_t blocks_;
  int64_t groups_;
  // Zeros at first, which the spare pixels stay.
  std::vector<float> lanes_;
};

// For every tap, where the lanes of the pixels under it are: the spare pixel for those outside.
std::vector<int32_t> OuterOffsets(const ConvolutionGrid& grid) {
  std::vector<int32_t> offsets;
  for (int64_t tap = 0; tap < grid.taps(); ++tap) {
    for (int64_t small = 0; small < grid.small_pixels(); ++small) {
      const int32_t pixel = LargePixel(grid, small, tap);
      offsets.push_back((pixel < 0 ? static_cast<int32_t>(grid.pixels()) : pixel) *
                        static_cast<int32_t>(OuterTile::kRows));
    }
  }
  return offsets;
}

}  // namespace

void MultiplyGathered(const Kernels& kernels, const Gather& gather, const Pixels& source, const WeightView& weights,
                      const Pixels& result, bool to_float) {
  const at::Tensor panels = PackWeights(kernels, gather, weights, source.channels, result.channels);
  const int64_t number_bytes = kLaneBytes / kernels.per_lane;
  const int64_t result_bytes = to_float ? kLaneBytes : number_bytes;
  const auto multiply = to_float ? kernels.rows_to_float : kernels.rows;
  constexpr int64_t kBlock = kTilesPerBlock * RowsTile::kRows;
  const int64_t rows = source.images * static_cast<int64_t>(gather.targets.size());
  RowsTile shape;
  shape.taps = static_cast<int64_t>(gather.taps.size());
  shape.lanes = source.channels / kernels.per_lane;
  const int64_t panel_bytes = shape.taps * shape.lanes * RowsTile::kColumns * kLaneBytes;
  at::parallel_for(0, CeilDiv(rows, kBlock), 1, [&](int64_t begin, int64_t end) {
    GatheredRows gathered(gather, source, result, number_bytes, result_bytes);
    RowsTile tile = shape;
    for (int64_t block = begin; block < end; ++block) {
      gathered.Point(block * kBlock);
      const int64_t tiles = std::min(kTilesPerBlock, CeilDiv(rows - block * kBlock, RowsTile::kRows));
      for (int64_t column = 0; column < result.channels; column += RowsTile::kColumns) {
        tile.panel = Advance(panels.data_ptr(), column / RowsTile::kColumns * panel_bytes);
        tile.columns = std::min(RowsTile::kColumns, result.channels - column);
        for (int64_t i = 0; i < tiles; ++i) {
          tile.sources = gathered.sources(i);
          tile.results = gathered.Results(i, column * result_bytes);
          multiply(tile);
        }
      }
    }
  });
}

void MultiplyOuter(const Kernels& kernels, const ConvolutionGrid& grid, const Pixels& large, const Pixels& small,
                   float* result) {
  const std::vector<int32_t> offsets = OuterOffsets(grid);
  const int64_t groups = CeilDiv(small.images, kernels.per_lane);
  const int64_t at_once = std::min(groups, std::max<int64_t>(1, kOuterPixels / small.pixels));
  const int64_t tiles = CeilDiv(small.channels, OuterTile::kColumns) * grid.taps();
  // Every thread packs what it needs into its own second-level cache.
  at::parallel_for(0, tiles, CeilDiv(tiles, at::get_num_threads()), [&](int64_t begin, int64_t end) {
    PackedImages rows(kernels, large, OuterTile::kRows, 1, at_once);
    PackedImages panels(kernels, small, OuterTile::kColumns, 0, at_once);
    OuterTile tile;
    tile.group_stride = rows.group_stride();
    tile.pixels = small.pixels;
    tile.stride = small.channels;
    for (int64_t group = 0; group < groups; group += at_once) {
      tile.groups = std::min(at_once, groups - group);
      tile.grow = group > 0;
      rows.Pack(group, tile.groups);
      panels.Pack(group, tile.groups);
      for (int64_t i = begin; i < end; ++i) {
        const int64_t tap = i % grid.taps();
        const int64_t column = i / grid.taps() * OuterTile::kColumns;
        tile.offsets = &offsets[static_cast<size_t>(tap * small.pixels)];
        tile.panel = panels.Block(i / grid.taps());
        tile.columns = std::min(OuterTile::kColumns, small.channels - column);
        for (int64_t block = 0; block < rows.blocks(); ++block) {
          tile.sources = rows.Block(block);
          tile.result = result + (tap * large.channels + block * OuterTile::kRows) * small.channels + column;
          kernels.outer(tile);
        }
      }
    }
  });
}

}  // namespace skew::train

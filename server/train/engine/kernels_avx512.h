// The kernels as templates over the kind of activations; included by the units that are compiled for AVX-512 only.
//
// Nothing but intrinsics may be included here: an inline function of another header, compiled for AVX-512, could take
// the place of the one that the rest of the program calls. For the same reason everything has internal linkage.
#ifndef SKEW_SERVER_TRAIN_ENGINE_KERNELS_AVX512_H_
#define SKEW_SERVER_TRAIN_ENGINE_KERNELS_AVX512_H_

#if defined(__GNUC__) && !defined(__clang__)
// GCC 12 takes the deliberately undefined operands of its own intrinsics for mistakes.
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif

#include <immintrin.h>

#include <cstdint>

#include "server/train/engine/kernels.h"

namespace skew::train {
namespace {

constexpr int64_t kVector = 16;
constexpr int kRows = 8;
// Channels that the loops over pixels hold in registers.
constexpr int kVectors = 4;
// Rows whose sums are added up before they join the others: keeps float sums accurate.
constexpr int64_t kSumRows = 128;

inline __mmask16 MaskOf(int64_t count) {
  if (count >= kVector) return 0xffff;
  return count <= 0 ? __mmask16{0} : static_cast<__mmask16>((1U << count) - 1);
}

inline int64_t Smaller(int64_t a, int64_t b) { return a < b ? a : b; }

// A 16x16 matrix of lanes, turned over.
inline void Transpose(__m512i (&r)[16]) {
  __m512i a[16];
  __m512i b[16];
  for (int i = 0; i < 16; i += 2) {
    a[i] = _mm512_unpacklo_epi32(r[i], r[i + 1]);
    a[i + 1] = _mm512_unpackhi_epi32(r[i], r[i + 1]);
  }
  for (int i = 0; i < 16; i += 4) {
    b[i] = _mm512_unpacklo_epi64(a[i], a[i + 2]);
    b[i + 1] = _mm512_unpackhi_epi64(a[i], a[i + 2]);
    b[i + 2] = _mm512_unpacklo_epi64(a[i + 1], a[i + 3]);
    b[i + 3] = _mm512_unpackhi_epi64(a[i + 1], a[i + 3]);
  }
  for (int j = 0; j < 4; ++j) {
    const __m512i c0 = _mm512_shuffle_i32x4(b[j], b[4 + j], 0x88);
    const __m512i c1 = _mm512_shuffle_i32x4(b[j], b[4 + j], 0xdd);
    const __m512i c2 = _mm512_shuffle_i32x4(b[8 + j], b[12 + j], 0x88);
    const __m512i c3 = _mm512_shuffle_i32x4(b[8 + j], b[12 + j], 0xdd);
    r[j] = _mm512_shuffle_i32x4(c0, c2, 0x88);
    r[4 + j] = _mm512_shuffle_i32x4(c1, c3, 0x88);
    r[8 + j] = _mm512_shuffle_i32x4(c0, c2, 0xdd);
    r[12 + j] = _mm512_shuffle_i32x4(c1, c3, 0xdd);
  }
}

struct FloatResults {
  using Number = float;
  static void Store(Number* to, __mmask16 mask, __m512 values) { _mm512_mask_storeu_ps(to, mask, values); }
};

// `Kind` is what multiplies lanes and converts activations; `Result` what stores.
template <typename Kind, typename Result>
void Rows(const RowsTile& tile) {
  __m512 sums[kRows][2];
  for (int i = 0; i < kRows; ++i) sums[i][0] = sums[i][1] = _mm512_setzero_ps();
  const auto* panel = static_cast<const float*>(tile.panel);
  for (int64_t tap = 0; tap < tile.taps; ++tap) {
    const float* rows[kRows];
    for (int i = 0; i < kRows; ++i) rows[i] = static_cast<const float*>(tile.sources[tap * kRows + i]);
    for (int64_t k = 0; k < tile.lanes; ++k, panel += RowsTile::kColumns) {
      const __m512 b0 = _mm512_loadu_ps(panel);
      const __m512 b1 = _mm512_loadu_ps(panel + kVector);
#pragma GCC unroll 8
      for (int i = 0; i < kRows; ++i) {
        const __m512 a = _mm512_set1_ps(rows[i][k]);
        sums[i][0] = Kind::MultiplyAdd(a, b0, sums[i][0]);
        sums[i][1] = Kind::MultiplyAdd(a, b1, sums[i][1]);
      }
    }
  }
  const __mmask16 mask0 = MaskOf(tile.columns);
  const __mmask16 mask1 = MaskOf(tile.columns - kVector);
  for (int i = 0; i < kRows; ++i) {
    auto* const to = static_cast<typename Result::Number*>(tile.results[i]);
    Result::Store(to, mask0, sums[i][0]);
    if (mask1 != 0) Result::Store(to + kVector, mask1, sums[i][1]);
  }
}

template <typename Kind>
void Outer(const OuterTile& tile) {
  const __mmask16 mask0 = MaskOf(tile.columns);
  const __mmask16 mask1 = MaskOf(tile.columns - kVector);
  __m512 sums[kRows][2];
  for (int i = 0; i < kRows; ++i) {
    sums[i][0] = sums[i][1] = _mm512_setzero_ps();
    if (!tile.grow) continue;
    sums[i][0] = _mm512_maskz_loadu_ps(mask0, tile.result + i * tile.stride);
    sums[i][1] = _mm512_maskz_loadu_ps(mask1, tile.result + i * tile.stride + kVector);
  }
  const auto* source = static_cast<const float*>(tile.sources);
  const auto* panel = static_cast<const float*>(tile.panel);
  for (int64_t group = 0; group < tile.groups; ++group, source += tile.group_stride) {
    for (int64_t pixel = 0; pixel < tile.pixels; ++pixel, panel += OuterTile::kColumns) {
      const float* const row = source + tile.offsets[pixel];
      const __m512 b0 = _mm512_loadu_ps(panel);
      const __m512 b1 = _mm512_loadu_ps(panel + kVector);
#pragma GCC unroll 8
      for (int i = 0; i < kRows; ++i) {
        const __m512 a = _mm512_set1_ps(row[i]);
        sums[i][0] = Kind::MultiplyAdd(a, b0, sums[i][0]);
        sums[i][1] = Kind::MultiplyAdd(a, b1, sums[i][1]);
      }
    }
  }
  for (int i = 0; i < kRows; ++i) {
    _mm512_mask_storeu_ps(tile.result + i * tile.stride, mask0, sums[i][0]);
    _mm512_mask_storeu_ps(tile.result + i * tile.stride + kVector, mask1, sums[i][1]);
  }
}

template <typename Kind>
void PackPanel(const float* weights, int64_t stride, int64_t depth, int64_t columns, void* panel) {
  auto* lanes = static_cast<int32_t*>(panel);
  for (int64_t k = 0; k < depth; k += Kind::kPerLane, lanes += RowsTile::kColumns) {
    for (int64_t j = 0; j < RowsTile::kColumns; j += kVector) {
      const float* const row = weights + k * stride + j;
      _mm512_storeu_si512(lanes + j, Kind::LanesDown(row, stride, MaskOf(columns - j)));
    }
  }
}

template <typename Kind>
void PackPanelTransposed(const float* weights, int64_t stride, int64_t depth, int64_t columns, void* panel) {
  const int64_t lanes = depth / Kind::kPerLane;
  auto* const to = static_cast<int32_t*>(panel);
  for (int64_t j = 0; j < RowsTile::kColumns; j += kVector) {
    for (int64_t k = 0; k < lanes; k += kVector) {
      __m512i block[16];
      for (int i = 0; i < 16; ++i) {
        const int64_t valid = j + i < columns ? (lanes - k) * Kind::kPerLane : 0;
        const float* const row = valid > 0 ? weights + (j + i) * stride + k * Kind::kPerLane : weights;
        block[i] = Kind::LanesAlong(row, valid);
      }
      Transpose(block);
      const int64_t rows = Smaller(kVector, lanes - k);
      for (int64_t i = 0; i < rows; ++i) _mm512_storeu_si512(to + (k + i) * RowsTile::kColumns + j, block[i]);
    }
  }
}

template <typename Kind>
void PackPixels(const void* first, const void* second, int64_t pixels, int64_t channels, int64_t width,
                int64_t block_stride, void* lanes) {
  const auto* a = static_cast<const typename Kind::Number*>(first);
  const auto* b = static_cast<const typename Kind::Number*>(second);
  auto* to = static_cast<int32_t*>(lanes);
  // Vectors go to one block of 32 channels, or halves of them to two blocks of 8.
  const int64_t half = width < kVector ? block_stride : kVector / 2;
  const int64_t packed_channels = (channels + width - 1) / width * width;
  for (int64_t pixel = 0; pixel < pixels; ++pixel, a += channels, to += width) {
    for (int64_t c = 0; c < packed_channels; c += kVector) {
      const __m512i packed = Kind::LanesAcross(a + c, b == nullptr ? nullptr : b + c, MaskOf(channels - c));
      int32_t* const block = to + c / width * block_stride + c % width;
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(block), _mm512_castsi512_si256(packed));
      if (c + kVector / 2 < packed_channels) {
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(block + half), _mm512_extracti64x4_epi64(packed, 1));
      }
    }
    if (b != nullptr) b += channels;
  }
}

template <typename Kind>
void FromFloat(const float* values, int64_t count, void* activations) {
  auto* const to = static_cast<typename Kind::Number*>(activations);
  for (int64_t i = 0; i < count; i += kVector) {
    const __mmask16 mask = MaskOf(count - i);
    Kind::Store(to + i, mask, _mm512_maskz_loadu_ps(mask, values + i));
  }
}

// Calls body(channel, masks) for every kVectors vectors of channels.
template <typename Body>
inline void ForChannelBlocks(int64_t channels, const Body& body) {
  for (int64_t c = 0; c < channels; c += kVectors * kVector) {
    __mmask16 masks[kVectors];
    for (int v = 0; v < kVectors; ++v) masks[v] = MaskOf(channels - c - v * kVector);
    body(c, masks);
  }
}

// Per-channel numbers of one block.
struct Block {
  __m512 v[kVectors];

  static Block Load(const float* values, const __mmask16 (&masks)[kVectors]) {
    Block block;
    for (int i = 0; i < kVectors; ++i) block.v[i] = _mm512_maskz_loadu_ps(masks[i], values + i * kVector);
    return block;
  }
  static Block Zero() {
    Block block;
    for (__m512& one : block.v) one = _mm512_setzero_ps();
    return block;
  }
  void Add(const Block& other) {
    for (int i = 0; i < kVectors; ++i) v[i] = _mm512_add_ps(v[i], other.v[i]);
  }
  void Store(float* values, const __mmask16 (&masks)[kVectors]) const {
    for (int i = 0; i < kVectors; ++i) _mm512_mask_storeu_ps(values + i * kVector, masks[i], v[i]);
  }
};

template <typename Kind>
void Sums(const Normalisation& n, const void* x, float* sums) {
  ForChannelBlocks(n.channels, [&](int64_t c, const __mmask16(&masks)[kVectors]) {
    const auto* row = static_cast<const typename Kind::Number*>(x) + c;
    Block total = Block::Zero();
    for (int64_t begin = 0; begin < n.rows; begin += kSumRows) {
      Block part = Block::Zero();
      const int64_t end = Smaller(n.rows, begin + kSumRows);
      for (int64_t r = begin; r < end; ++r, row += n.channels) {
#pragma GCC unroll 4
        for (int i = 0; i < kVectors; ++i) {
          part.v[i] = _mm512_add_ps(part.v[i], Kind::Load(row + i * kVector, masks[i]));
        }
      }
      total.Add(part);
    }
    total.Store(sums + c, masks);
  });
}

template <typename Kind>
void SquareSums(const Normalisation& n, const void* x, float* sums) {
  ForChannelBlocks(n.channels, [&](int64_t c, const __mmask16(&masks)[kVectors]) {
    const auto* row = static_cast<const typename Kind::Number*>(x) + c;
    const Block mean = Block::Load(n.mean + c, masks);
    Block total = Block::Zero();
    for (int64_t begin = 0; begin < n.rows; begin += kSumRows) {
      Block part = Block::Zero();
      const int64_t end = Smaller(n.rows, begin + kSumRows);
      for (int64_t r = begin; r < end; ++r, row += n.channels) {
#pragma GCC unroll 4
        for (int i = 0; i < kVectors; ++i) {
          const __m512 d = _mm512_sub_ps(Kind::Load(row + i * kVector, masks[i]), mean.v[i]);
          part.v[i] = _mm512_fmadd_ps(d, d, part.v[i]);
        }
      }
      total.Add(part);
    }
    total.Store(sums + c, masks);
  });
}

template <typename Kind>
void Normalise(const Normalisation& n, const void* x, void* y) {
  const __m512 slope = _mm512_set1_ps(n.slope);
  ForChannelBlocks(n.channels, [&](int64_t c, const __mmask16(&masks)[kVectors]) {
    const auto* from = static_cast<const typename Kind::Number*>(x) + c;
    auto* to = static_cast<typename Kind::Number*>(y) + c;
    const Block scale = Block::Load(n.scale + c, masks);
    const Block shift = Block::Load(n.shift + c, masks);
    for (int64_t r = 0; r < n.rows; ++r, from += n.channels, to += n.channels) {
#pragma GCC unroll 4
      for (int i = 0; i < kVectors; ++i) {
        const __m512 value = _mm512_fmadd_ps(Kind::Load(from + i * kVector, masks[i]), scale.v[i], shift.v[i]);
        const __mmask16 below = _mm512_cmp_ps_mask(value, _mm512_setzero_ps(), _CMP_LE_OQ);
        Kind::Store(to + i * kVector, masks[i], _mm512_mask_mul_ps(value, below, value, slope));
      }
    }
  });
}

// dy activation'(x * scale + shift)
inline __m512 Through(__m512 x, __m512 dy, __m512 scale, __m512 shift, __m512 slope) {
  const __mmask16 below = _mm512_cmp_ps_mask(_mm512_fmadd_ps(x, scale, shift), _mm512_setzero_ps(), _CMP_LE_OQ);
  return _mm512_mask_mul_ps(dy, below, dy, slope);
}

template <typename Kind>
void GradientSums(const Normalisation& n, const void* x, const void* dy, float* sums, float* products) {
  const __m512 slope = _mm512_set1_ps(n.slope);
  ForChannelBlocks(n.channels, [&](int64_t c, const __mmask16(&masks)[kVectors]) {
    const auto* rx = static_cast<const typename Kind::Number*>(x) + c;
    const auto* ry = static_cast<const typename Kind::Number*>(dy) + c;
    const Block scale = Block::Load(n.scale + c, masks);
    const Block shift = Block::Load(n.shift + c, masks);
    const Block mean = Block::Load(n.mean + c, masks);
    Block sum = Block::Zero();
    Block product = Block::Zero();
    for (int64_t begin = 0; begin < n.rows; begin += kSumRows) {
      Block s = Block::Zero();
      Block p = Block::Zero();
      const int64_t end = Smaller(n.rows, begin + kSumRows);
      for (int64_t r = begin; r < end; ++r, rx += n.channels, ry += n.channels) {
#pragma GCC unroll 4
        for (int i = 0; i < kVectors; ++i) {
          const __m512 value = Kind::Load(rx + i * kVector, masks[i]);
          const __m512 g = Through(value, Kind::Load(ry + i * kVector, masks[i]), scale.v[i], shift.v[i], slope);
          s.v[i] = _mm512_add_ps(s.v[i], g);
          p.v[i] = _mm512_fmadd_ps(g, _mm512_sub_ps(value, mean.v[i]), p.v[i]);
        }
      }
      sum.Add(s);
      product.Add(p);
    }
    sum.Store(sums + c, masks);
    product.Store(products + c, masks);
  });
}

template <typename Kind>
void Gradient(const Normalisation& n, const void* x, const void* dy, const float* offset, const float* by_x, void* dx) {
  const __m512 slope = _mm512_set1_ps(n.slope);
  ForChannelBlocks(n.channels, [&](int64_t c, const __mmask16(&masks)[kVectors]) {
    const auto* rx = static_cast<const typename Kind::Number*>(x) + c;
    const auto* ry = static_cast<const typename Kind::Number*>(dy) + c;
    auto* to = static_cast<typename Kind::Number*>(dx) + c;
    const Block scale = Block::Load(n.scale + c, masks);
    const Block shift = Block::Load(n.shift + c, masks);
    const Block factor = Block::Load(by_x + c, masks);
    // offset + by_x (x - mean), as constant - by_x x
    Block constant = Block::Load(offset + c, masks);
    const Block mean = Block::Load(n.mean + c, masks);
    for (int64_t r = 0; r < n.rows; ++r, rx += n.channels, ry += n.channels, to += n.channels) {
#pragma GCC unroll 4
      for (int i = 0; i < kVectors; ++i) {
        const __m512 value = Kind::Load(rx + i * kVector, masks[i]);
        const __m512 g = Through(value, Kind::Load(ry + i * kVector, masks[i]), scale.v[i], shift.v[i], slope);
        const __m512 trend = _mm512_fmadd_ps(factor.v[i], _mm512_sub_ps(value, mean.v[i]), constant.v[i]);
        Kind::Store(to + i * kVector, masks[i], _mm512_fmsub_ps(scale.v[i], g, trend));
      }
    }
  });
}

template <typename Kind>
constexpr Kernels TableOf() {
  return {Kind::kPerLane,  Rows<Kind, Kind>,          Rows<Kind, FloatResults>, Outer<Kind>,
          PackPanel<Kind>, PackPanelTransposed<Kind>, PackPixels<Kind>,         FromFloat<Kind>,
          Sums<Kind>,      SquareSums<Kind>,          Normalise<Kind>,          GradientSums<Kind>,
          Gradient<Kind>};
}

}  // namespace
}  // namespace skew::train

#endif  // SKEW_SERVER_TRAIN_ENGINE_KERNELS_AVX512_H_

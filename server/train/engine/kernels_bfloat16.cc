// Compiled for AVX-512 with AVX512_BF16; see kernels_avx512.h.
#include "server/train/engine/kernels_avx512.h"

namespace skew::train {
namespace {

struct BFloat16 {
  using Number = uint16_t;
  static constexpr int64_t kPerLane = 2;

  static __m512 MultiplyAdd(__m512 a, __m512 b, __m512 sum) {
    return _mm512_dpbf16_ps(sum, reinterpret_cast<__m512bh>(a), reinterpret_cast<__m512bh>(b));
  }
  static __m512 Load(const Number* from, __mmask16 mask) { return _mm512_castsi512_ps(Upper(Halves(from, mask))); }
  static void Store(Number* to, __mmask16 mask, __m512 values) {
    _mm256_mask_storeu_epi16(to, mask, reinterpret_cast<__m256i>(_mm512_cvtneps_pbh(values)));
  }

  // Two rows, `stride` apart, below each other in every lane.
  static __m512i LanesDown(const float* row, int64_t stride, __mmask16 mask) {
    const __m512i first = Rounded(_mm512_maskz_loadu_ps(mask, row));
    const __m512i second = Rounded(_mm512_maskz_loadu_ps(mask, row + stride));
    return _mm512_or_si512(first, _mm512_slli_epi32(second, 16));
  }
  // 2 * 16 numbers of a row, in pairs.
  static __m512i LanesAlong(const float* row, int64_t count) {
    const __m512 first = _mm512_maskz_loadu_ps(MaskOf(count), row);
    const __m512 second =
        count > kVector ? _mm512_maskz_loadu_ps(MaskOf(count - kVector), row + kVector) : _mm512_setzero_ps();
    return reinterpret_cast<__m512i>(_mm512_cvtne2ps_pbh(second, first));
  }
  // The same channels of two images.
  static __m512i LanesAcross(const Number* first, const Number* second, __mmask16 mask) {
    const __m512i lower = _mm512_cvtepu16_epi32(Halves(first, mask));
    return second == nullptr ? lower : _mm512_or_si512(lower, Upper(Halves(second, mask)));
  }

 private:
  static __m256i Halves(const Number* from, __mmask16 mask) { return _mm256_maskz_loadu_epi16(mask, from); }
  static __m512i Upper(__m256i halves) { return _mm512_slli_epi32(_mm512_cvtepu16_epi32(halves), 16); }
  static __m512i Rounded(__m512 values) {
    return _mm512_cvtepu16_epi32(reinterpret_cast<__m256i>(_mm512_cvtneps_pbh(values)));
  }
};

constexpr Kernels kTable = TableOf<BFloat16>();

}  // namespace

const Kernels* BFloat16Kernels() {
  static const bool supported = __builtin_cpu_supports("avx512bf16");
  return supported && FloatKernels() != nullptr ? &kTable : nullptr;
}

}  // namespace skew::train

// Compiled for AVX-512; see kernels_avx512.h.
#include "server/train/engine/kernels_avx512.h"

namespace skew::train {
namespace {

struct Float {
  using Number = float;
  static constexpr int64_t kPerLane = 1;

  static __m512 MultiplyAdd(__m512 a, __m512 b, __m512 sum) { return _mm512_fmadd_ps(a, b, sum); }
  static __m512 Load(const Number* from, __mmask16 mask) { return _mm512_maskz_loadu_ps(mask, from); }
  static void Store(Number* to, __mmask16 mask, __m512 values) { _mm512_mask_storeu_ps(to, mask, values); }

  static __m512i LanesDown(const float* row, int64_t, __mmask16 mask) { return _mm512_maskz_loadu_epi32(mask, row); }
  static __m512i LanesAlong(const float* row, int64_t count) { return _mm512_maskz_loadu_epi32(MaskOf(count), row); }
  static __m512i LanesAcross(const Number* first, const Number*, __mmask16 mask) {
    return _mm512_maskz_loadu_epi32(mask, first);
  }
};

void UpdateAdam(const AdamCoefficients& c, int64_t count, const float* gradients, float* parameters, float* first,
                float* second) {
  const __m512 beta1 = _mm512_set1_ps(c.beta1);
  const __m512 beta2 = _mm512_set1_ps(c.beta2);
  const __m512 rest1 = _mm512_set1_ps(c.rest1);
  const __m512 rest2 = _mm512_set1_ps(c.rest2);
  const __m512 epsilon = _mm512_set1_ps(c.epsilon);
  const __m512 rate = _mm512_set1_ps(c.rate);
  const __m512 scale = _mm512_set1_ps(c.scale);
  const __m512 keep = _mm512_set1_ps(c.keep);
  for (int64_t i = 0; i < count; i += kVector) {
    const __mmask16 mask = MaskOf(count - i);
    const __m512 g = _mm512_maskz_loadu_ps(mask, gradients + i);
    const __m512 m = _mm512_fmadd_ps(beta1, _mm512_maskz_loadu_ps(mask, first + i), _mm512_mul_ps(rest1, g));
    const __m512 v =
        _mm512_fmadd_ps(beta2, _mm512_maskz_loadu_ps(mask, second + i), _mm512_mul_ps(_mm512_mul_ps(rest2, g), g));
    const __m512 root = _mm512_fmadd_ps(_mm512_sqrt_ps(v), scale, epsilon);
    const __m512 change = _mm512_div_ps(_mm512_mul_ps(rate, m), root);
    const __m512 p = _mm512_fmsub_ps(keep, _mm512_maskz_loadu_ps(mask, parameters + i), change);
    _mm512_mask_storeu_ps(first + i, mask, m);
    _mm512_mask_storeu_ps(second + i, mask, v);
    _mm512_mask_storeu_ps(parameters + i, mask, p);
  }
}

constexpr Kernels kTable = TableOf<Float>();

}  // namespace

const Kernels* FloatKernels() {
  static const bool supported = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                                __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq");
  return supported ? &kTable : nullptr;
}

AdamKernel VectorAdam() { return FloatKernels() != nullptr ? UpdateAdam : nullptr; }

}  // namespace skew::train

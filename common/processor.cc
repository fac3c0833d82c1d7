#include "common/processor.h"

#if defined(__x86_64__)

#include <algorithm>
#include <chrono>

namespace skew {
namespace {

using Nanoseconds = std::chrono::nanoseconds;

constexpr int kTurns = 1000;
// The shortest of them counts: the others were interrupted, or came before the clock had risen.
constexpr int kRounds = 20;

// kTurns times the instruction on 12 sums, more than it takes to hide the latency of two multipliers, all of zeros. As
// text, because it must be in registers however this file is compiled.
#define SKEW_TIME_OF(instruction, time)                                                                           \
  do {                                                                                                            \
    int turns = kTurns;                                                                                           \
    const auto start = std::chrono::steady_clock::now();                                                          \
    asm volatile(                                                                                                 \
        "vzeroall\n"                                                                                              \
        "1:\n" instruction " %%zmm12, %%zmm12, %%zmm0\n" instruction " %%zmm12, %%zmm12, %%zmm1\n" instruction    \
        " %%zmm12, %%zmm12, %%zmm2\n" instruction " %%zmm12, %%zmm12, %%zmm3\n" instruction                       \
        " %%zmm12, %%zmm12, %%zmm4\n" instruction " %%zmm12, %%zmm12, %%zmm5\n" instruction                       \
        " %%zmm12, %%zmm12, %%zmm6\n" instruction " %%zmm12, %%zmm12, %%zmm7\n" instruction                       \
        " %%zmm12, %%zmm12, %%zmm8\n" instruction " %%zmm12, %%zmm12, %%zmm9\n" instruction                       \
        " %%zmm12, %%zmm12, %%zmm10\n" instruction                                                                \
        " %%zmm12, %%zmm12, %%zmm11\n"                                                                            \
        "dec %0\n"                                                                                                \
        "jnz 1b\n"                                                                                                \
        "vzeroupper\n"                                                                                            \
        : "+r"(turns)                                                                                             \
        :                                                                                                         \
        : "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", \
          "xmm12", "xmm13", "xmm14", "xmm15");                                                                    \
    time = std::min<Nanoseconds>(time, std::chrono::steady_clock::now() - start);                                 \
  } while (false)

bool Measure() {
  if (__builtin_cpu_supports("avx512bf16") == 0) return false;
  Nanoseconds floats = Nanoseconds::max();
  Nanoseconds bfloat16s = Nanoseconds::max();
  for (int round = 0; round < kRounds; ++round) {
    SKEW_TIME_OF("vfmadd231ps", floats);
    SKEW_TIME_OF("vdpbf16ps", bfloat16s);
  }
  // The latter multiplies two pairs in every lane.
  return bfloat16s < 2 * floats;
}

#undef SKEW_TIME_OF

}  // namespace

bool MultipliesBFloat16Faster() {
  static const bool faster = Measure();
  return faster;
}

}  // namespace skew

#else

namespace skew {

bool MultipliesBFloat16Faster() { return false; }

}  // namespace skew

#endif

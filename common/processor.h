// What the processor of this machine is good at.
#ifndef SKEW_COMMON_PROCESSOR_H_
#define SKEW_COMMON_PROCESSOR_H_

namespace skew {

// Whether products of bfloat16 numbers take less time here than as many of float32 numbers. False without AVX512_BF16.
//
// Measured once in a process, in less than a millisecond, because having the instruction does not tell: where one
// VDPBF16PS takes as long as one fused multiply-add (AMD Zen 4), it does twice the products in that time; where it
// takes four times as long (Intel Sapphire and Emerald Rapids, which mean it to be done in tiles), it does half of
// them. No processor is known in between, so a busy machine does not change the answer.
bool MultipliesBFloat16Faster();

}  // namespace skew

#endif  // SKEW_COMMON_PROCESSOR_H_

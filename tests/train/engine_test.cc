#include "server/train/engine/engine.h"

#include <ATen/ops/randn.h>

#include <algorithm>

#include "absl/status/status.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "common/processor.h"
#include "gtest/gtest.h"
#include "server/train/engine/kernels.h"
#include "server/train/engine/memory_cap.h"
#include "server/train/engine/ops.h"
#include "server/train/models/generative_model.h"
#include "tests/train/synthetic.h"

// Stands in for LibTorch's own function, which a LibTorch without CUDA does not have.
namespace c10::cuda::CUDACachingAllocator {
double fraction_set = 0;
int index_set = -1;
void setMemoryFraction(double fraction, int device) {
  fraction_set = fraction;
  index_set = device;
}
}  // namespace c10::cuda::CUDACachingAllocator

namespace skew::train {
namespace {

// Of one of the DCGAN's larger convolutions.
absl::Duration TimeOfConvolution(const at::Tensor& input, const at::Tensor& weight, at::ScalarType precision) {
  Engine engine = *EngineFor("cpu");
  engine.precision = precision;
  const at::Tensor activations = input.to(precision);
  const absl::Time start = absl::Now();
  Convolution(activations, weight, {2, 1}, engine);
  return absl::Now() - start;
}

TEST(EngineTest, KnowsDevices) {
  EXPECT_TRUE(EngineFor("cpu")->device.is_cpu());
  EXPECT_TRUE(absl::IsInvalidArgument(EngineFor("tpu:0").status()));
  EXPECT_TRUE(absl::IsInvalidArgument(EngineFor("cuda:").status()));
  EXPECT_TRUE(absl::IsFailedPrecondition(EngineFor("cuda:0").status()) || EngineFor("cuda:0").ok());
}

TEST(EngineTest, UsesItsOwnKernelsWhereTheCpuHasTheInstructions) {
  EXPECT_EQ(EngineFor("cpu")->convolutions == Convolutions::kDirect, FloatKernels() != nullptr);
}

TEST(EngineTest, AutoIsBfloat16WhereTheCpuMultipliesItFaster) {
  const Engine engine = *EngineFor("cpu");
  const v1::Precision native = MultipliesBFloat16Faster() ? v1::BF16 : v1::FP32;
  EXPECT_EQ(ResolvedPrecision(TinyVae(v1::AUTO), engine), native);
  EXPECT_EQ(ResolvedPrecision(TinyDcgan(v1::PRECISION_UNSPECIFIED), engine), native);
  EXPECT_EQ(ResolvedPrecision(TinyVaeMlp(v1::FP32), engine), v1::FP32);
  EXPECT_EQ(ResolvedPrecision(TinyVae(v1::BF16), engine), v1::BF16);
  v1::ModelSpec resample;
  resample.mutable_resample();
  EXPECT_EQ(ResolvedPrecision(resample, engine), v1::PRECISION_UNSPECIFIED);
}

TEST(EngineTest, TheCpuIsFasterInThePrecisionThatAutoChooses) {
#ifdef __SANITIZE_ADDRESS__
  GTEST_SKIP() << "kernels that are checked take other times";
#endif
  if (BFloat16Kernels() == nullptr) GTEST_SKIP() << "this processor has no AVX512_BF16: there is no choice";
  at::Generator random = MakeGenerator(5);
  const at::Tensor input = at::randn({64, 64, 14, 14}, random);
  const at::Tensor weight = at::randn({128, 64, 4, 4}, random);
  absl::Duration floats = absl::InfiniteDuration();
  absl::Duration bfloat16s = absl::InfiniteDuration();
  for (int round = 0; round < 10; ++round) {
    floats = std::min(floats, TimeOfConvolution(input, weight, at::kFloat));
    bfloat16s = std::min(bfloat16s, TimeOfConvolution(input, weight, at::kBFloat16));
  }
  EXPECT_EQ(PrefersBFloat16(*EngineFor("cpu")), bfloat16s < floats) << bfloat16s << " and " << floats;
}

TEST(EngineTest, MemoryIsCappedThroughLibTorchsOwnFunction) {
  ASSERT_TRUE(SetMemoryFraction(0.25, 1).ok());
  EXPECT_EQ(c10::cuda::CUDACachingAllocator::fraction_set, 0.25);
  EXPECT_EQ(c10::cuda::CUDACachingAllocator::index_set, 1);
}

TEST(EngineTest, ACpuHasNoMemoryCap) {
  c10::cuda::CUDACachingAllocator::index_set = -1;
  EXPECT_TRUE(CapMemory(*EngineFor("cpu"), 1, 2).ok());
  EXPECT_EQ(c10::cuda::CUDACachingAllocator::index_set, -1);
}

}  // namespace
}  // namespace skew::train

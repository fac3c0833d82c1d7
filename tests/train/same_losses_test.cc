#include <string>

#include "gtest/gtest.h"
#include "server/train/models/generative_model.h"
#include "tests/train/loss_difference.h"
#include "tests/train/synthetic.h"

namespace skew::train {
namespace {

class SameLossesTest : public testing::TestWithParam<Convolutions> {};

// Training amplifies any difference, rounding included: at the usual learning rates LibTorch's own operators differ by
// more than 1e-3 from themselves within 60 updates when the images differ by 1e-7. At small ones rounding stays what it
// is, and what is left is whether the same functions are computed.
TEST_P(SameLossesTest, AsThePlainImplementationsInTwoHundredUpdates) {
  EXPECT_LT(LargestLossDifference(Slowed(TinyDcgan()), GetParam(), 200), 1e-4);
  EXPECT_LT(LargestLossDifference(Slowed(TinyVae()), GetParam(), 200), 1e-4);
  EXPECT_LT(LargestLossDifference(Slowed(TinyVaeMlp()), GetParam(), 200), 1e-4);
}

// At the usual rates: no further from exact arithmetic than a plain implementation is.
TEST_P(SameLossesTest, AsAccurateAsThePlainImplementations) {
  for (const v1::ModelSpec& spec : {TinyDcgan(), TinyVae(), TinyVaeMlp()}) {
    const double plain = PlainLossDifference(spec, 20);
    EXPECT_LT(LargestLossDifference(spec, GetParam(), 20, at::kDouble), 5 * plain + 1e-6) << spec.ShortDebugString();
  }
}

// With the running statistics that training left, or those of the batch.
TEST_P(SameLossesTest, AndTheImagesAreThePlainImplementations) {
  for (const v1::BatchNormMode mode : {v1::EVAL, v1::TRAIN}) {
    v1::ModelSpec dcgan = Slowed(TinyDcgan());
    dcgan.mutable_dcgan()->set_sampling(mode);
    EXPECT_LT(LargestImageDifference(dcgan, GetParam(), 30, mode), 1e-3) << v1::BatchNormMode_Name(mode);
    v1::ModelSpec vae = Slowed(TinyVae());
    vae.mutable_vae()->set_sampling(mode);
    EXPECT_LT(LargestImageDifference(vae, GetParam(), 30, mode), 1e-3) << v1::BatchNormMode_Name(mode);
  }
  EXPECT_LT(LargestImageDifference(Slowed(TinyVaeMlp()), GetParam(), 30, v1::EVAL), 1e-3);
}

INSTANTIATE_TEST_SUITE_P(Engines, SameLossesTest,
                         testing::Values(Convolutions::kBuiltIn, Convolutions::kThroughConvolution,
                                         Convolutions::kDirect),
                         [](const testing::TestParamInfo<Convolutions>& how) {
                           if (how.param == Convolutions::kBuiltIn) return "built_in";
                           return how.param == Convolutions::kDirect ? "direct" : "through_convolution";
                         });

// Not what is promised of bfloat16, but enough to notice a wrong function: 8 bits of mantissa.
TEST(Bfloat16LossesTest, AreClose) {
  EXPECT_LT(LargestLossDifference(Slowed(TinyDcgan(v1::BF16)), Convolutions::kDirect, 50), 3e-2);
  EXPECT_LT(LargestLossDifference(Slowed(TinyVae(v1::BF16)), Convolutions::kDirect, 50), 3e-2);
  EXPECT_LT(LargestLossDifference(Slowed(TinyVaeMlp(v1::BF16)), Convolutions::kDirect, 50), 3e-2);
}

}  // namespace
}  // namespace skew::train

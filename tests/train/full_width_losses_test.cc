#include "gtest/gtest.h"
#include "tests/train/loss_difference.h"

namespace skew::train {
namespace {

// What same_losses_test does in seconds at a small width, with the reference networks.
TEST(FullWidthLossesTest, AgreeWithThePlainImplementationsInTwoHundredUpdates) {
  v1::ModelSpec dcgan;
  dcgan.mutable_dcgan()->set_precision(v1::FP32);
  EXPECT_LT(LargestLossDifference(Slowed(dcgan), Convolutions::kDirect, 200), 1e-4);
  v1::ModelSpec vae;
  vae.mutable_vae()->set_precision(v1::FP32);
  EXPECT_LT(LargestLossDifference(Slowed(vae), Convolutions::kDirect, 200), 1e-4);
  v1::ModelSpec mlp;
  mlp.mutable_vae_mlp()->set_precision(v1::FP32);
  EXPECT_LT(LargestLossDifference(Slowed(mlp), Convolutions::kDirect, 200), 1e-4);
}

}  // namespace
}  // namespace skew::train

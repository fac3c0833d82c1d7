#include <cstdlib>
#include <utility>

#include "absl/strings/numbers.h"
#include "gtest/gtest.h"
#include "tests/train/loss_difference.h"

namespace skew::train {
namespace {

// The plain implementations take their time: few updates in every check, all of them in the longer one.
int Updates() {
  const char* const asked = std::getenv("SKEW_LOSS_UPDATES");
  int updates = 0;
  return asked != nullptr && absl::SimpleAtoi(asked, &updates) ? updates : 200;
}

void ExpectSameLosses(v1::ModelSpec spec) {
  EXPECT_LT(LargestLossDifference(Slowed(std::move(spec)), Convolutions::kDirect, Updates()), 1e-4);
}

// What same_losses_test does in seconds at a small width, with the reference networks.
TEST(FullWidthLossesTest, AgreeWithThePlainImplementations) {
  v1::ModelSpec dcgan;
  dcgan.mutable_dcgan()->set_precision(v1::FP32);
  ExpectSameLosses(dcgan);
  v1::ModelSpec vae;
  vae.mutable_vae()->set_precision(v1::FP32);
  ExpectSameLosses(vae);
  v1::ModelSpec mlp;
  mlp.mutable_vae_mlp()->set_precision(v1::FP32);
  ExpectSameLosses(mlp);
}

}  // namespace
}  // namespace skew::train

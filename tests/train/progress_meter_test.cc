#include "server/train/progress_meter.h"

#include <gtest/gtest.h>

namespace skew::train {
namespace {

TEST(ProgressMeterTest, ReportsBecomeRarerTheLongerATrainingGoesOn) {
  EXPECT_EQ(ReportInterval(absl::ZeroDuration()), absl::Seconds(1));
  EXPECT_EQ(ReportInterval(absl::Seconds(20)), absl::Seconds(1));
  EXPECT_EQ(ReportInterval(absl::Minutes(1)), absl::Seconds(3));
  EXPECT_EQ(ReportInterval(absl::Seconds(100)), absl::Seconds(5));
  EXPECT_EQ(ReportInterval(absl::Hours(5)), absl::Seconds(5));
}

}  // namespace
}  // namespace skew::train

#include "server/train/engine/loss_series.h"

#include <ATen/ops/tensor.h>

#include <limits>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace skew::train {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

void Add(LossSeries& series, const std::vector<float>& metrics) { series.Add(at::tensor(metrics)); }

TEST(LossSeriesTest, MeansAreOverWhatHasBeenRead) {
  LossSeries series({"loss_d", "loss_g"});
  Add(series, {1, 10});
  Add(series, {2, 20});
  EXPECT_EQ(series.steps(), 2);
  EXPECT_EQ(series.pending(), 2);
  EXPECT_THAT(series.MeansAfter(0), IsEmpty());
  ASSERT_TRUE(series.Flush().ok());
  Add(series, {3, 30});
  EXPECT_THAT(series.MeansAfter(0), ElementsAre(Pair("loss_d", 1.5), Pair("loss_g", 15)));
  EXPECT_THAT(series.MeansAfter(1), ElementsAre(Pair("loss_d", 2), Pair("loss_g", 20)));
  EXPECT_THAT(series.MeansAfter(2), IsEmpty());
}

TEST(LossSeriesTest, NamesTheUpdateThatWentWrong) {
  LossSeries series({"loss_d", "loss_g"});
  Add(series, {1, 2});
  Add(series, {1, std::numeric_limits<float>::quiet_NaN()});
  Add(series, {std::numeric_limits<float>::infinity(), 2});
  const absl::Status status = series.Flush();
  EXPECT_TRUE(absl::IsOutOfRange(status));
  EXPECT_EQ(status.message(), "loss_g is nan at step 2");
}

TEST(LossSeriesTest, WritesACommaSeparatedTable) {
  LossSeries series({"loss"});
  Add(series, {0.5});
  Add(series, {0.25});
  ASSERT_TRUE(series.Flush().ok());
  EXPECT_EQ(series.Csv(), "step,loss\n1,0.5\n2,0.25\n");
}

TEST(LossSeriesTest, GoesOnFromASavedOne) {
  LossSeries series({"loss"});
  Add(series, {0.5});
  ASSERT_TRUE(series.Flush().ok());
  TensorMap state;
  series.Save(state);
  LossSeries resumed({"loss"});
  ASSERT_TRUE(resumed.Load(state).ok());
  Add(resumed, {0.25});
  ASSERT_TRUE(resumed.Flush().ok());
  EXPECT_EQ(resumed.Csv(), "step,loss\n1,0.5\n2,0.25\n");
  LossSeries other({"loss_d", "loss_g"});
  EXPECT_TRUE(absl::IsDataLoss(other.Load(state)));
}

}  // namespace
}  // namespace skew::train

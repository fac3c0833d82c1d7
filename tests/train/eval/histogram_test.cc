#include "server/train/eval/histogram.h"

#include <ATen/ops/empty.h>

#include <algorithm>
#include <limits>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace skew::train {
namespace {

using ::testing::DoubleNear;
using ::testing::ElementsAre;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

// Rows of four classes.
at::Tensor Rows(const std::vector<float>& values) {
  const at::Tensor rows = at::empty({static_cast<int64_t>(values.size()) / 4, 4}, at::kFloat);
  std::copy(values.begin(), values.end(), static_cast<float*>(rows.data_ptr()));
  return rows;
}

HistogramBuilder Builder() { return HistogramBuilder({0, 1, 3}, 4, 0.5); }

int64_t Accounted(const v1::ClassHistogram& histogram) {
  int64_t sum = histogram.rejected() + histogram.off_support();
  for (const auto& [label, count] : histogram.counts()) sum += count;
  return sum;
}

TEST(HistogramTest, EveryImageIsCountedOnce) {
  HistogramBuilder builder = Builder();
  builder.Add(Rows({.9F, .1F, 0,   0,     // class 0
                    0,   .4F, .3F, .3F,   // rejected, most likely 1
                    .1F, .1F, .7F, .1F,   // off-support: 2
                    .1F, .1F, .4F, .4F,   // rejected, most likely 2 (the first of equals)
                    0,   0,   0,   1}));  // class 3
  builder.Add(Rows({.6F, .4F, 0, 0}));
  const v1::ClassHistogram histogram = builder.Build();
  EXPECT_EQ(histogram.images(), 6);
  EXPECT_THAT(histogram.counts(), UnorderedElementsAre(Pair(0, 2), Pair(1, 0), Pair(3, 1)));
  EXPECT_EQ(histogram.rejected(), 2);
  EXPECT_THAT(histogram.rejected_classes(), UnorderedElementsAre(Pair(1, 1), Pair(2, 1)));
  EXPECT_EQ(histogram.off_support(), 1);
  EXPECT_THAT(histogram.off_support_classes(), UnorderedElementsAre(Pair(2, 1)));
  EXPECT_EQ(Accounted(histogram), histogram.images());
}

TEST(HistogramTest, MeanPosteriorIsOverAllImages) {
  HistogramBuilder builder = Builder();
  builder.Add(Rows({1, 0, 0, 0, 0, .25F, .25F, .5F}));
  builder.Add(Rows({0, 0, 1, 0, 0, 0, 1, 0}));
  EXPECT_THAT(builder.Build().mean_posterior(), ElementsAre(DoubleNear(.25, 1e-9), DoubleNear(.0625, 1e-9),
                                                            DoubleNear(.5625, 1e-9), DoubleNear(.125, 1e-9)));
}

TEST(HistogramTest, TheBoundItselfIsAccepted) {
  HistogramBuilder builder = Builder();
  builder.Add(Rows({.5F, .5F, 0, 0}));
  EXPECT_EQ(builder.Build().rejected(), 0);
  EXPECT_EQ(builder.Build().counts().at(0), 1);
}

TEST(HistogramTest, NotANumberIsRejected) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  HistogramBuilder builder({0}, 4, 0);
  builder.Add(Rows({nan, nan, nan, nan}));
  EXPECT_EQ(builder.Build().rejected(), 1);
}

TEST(HistogramTest, NothingAddedIsAllZero) {
  HistogramBuilder builder = Builder();
  builder.Add(Rows({}));
  const v1::ClassHistogram histogram = builder.Build();
  EXPECT_EQ(histogram.images(), 0);
  EXPECT_THAT(histogram.counts(), UnorderedElementsAre(Pair(0, 0), Pair(1, 0), Pair(3, 0)));
  EXPECT_THAT(histogram.mean_posterior(), ElementsAre(0, 0, 0, 0));
}

TEST(HistogramTest, AcceptedClassesAreThoseThatAreCounted) {
  const at::Tensor rows = Rows({.9F, .1F, 0, 0, 0, .4F, .3F, .3F, .1F, .1F, .7F, .1F});
  EXPECT_THAT(AcceptedClasses(rows, 4, 0.5), ElementsAre(0, -1, 2));
}

}  // namespace
}  // namespace skew::train

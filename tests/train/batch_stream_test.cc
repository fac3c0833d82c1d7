#include "server/train/engine/batch_stream.h"

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <vector>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace skew::train {
namespace {

using testing::ElementsAreArray;
using testing::SizeIs;

std::vector<int64_t> Draw(BatchStream& stream, int batches) {
  std::vector<int64_t> positions;
  for (int i = 0; i < batches; ++i) {
    const std::vector<int64_t> batch = stream.Next();
    positions.insert(positions.end(), batch.begin(), batch.end());
  }
  return positions;
}

std::vector<int64_t> Sorted(std::vector<int64_t> positions) {
  std::sort(positions.begin(), positions.end());
  return positions;
}

std::vector<int64_t> Iota(int64_t size) {
  std::vector<int64_t> positions(static_cast<size_t>(size));
  std::iota(positions.begin(), positions.end(), 0);
  return positions;
}

TEST(BatchStreamTest, EveryEpochIsAPermutationAcrossBatchBorders) {
  BatchStream stream(10, 4, 1);
  const std::vector<int64_t> positions = Draw(stream, 5);
  ASSERT_THAT(positions, SizeIs(20));
  const auto middle = positions.begin() + 10;
  EXPECT_THAT(Sorted({positions.begin(), middle}), ElementsAreArray(Iota(10)));
  EXPECT_THAT(Sorted({middle, positions.end()}), ElementsAreArray(Iota(10)));
  EXPECT_NE(std::vector<int64_t>(positions.begin(), middle), std::vector<int64_t>(middle, positions.end()));
}

TEST(BatchStreamTest, BatchesKeepTheirSizeInATinyTrainingSet) {
  BatchStream stream(3, 8, 1);
  EXPECT_THAT(stream.Next(), SizeIs(8));
  EXPECT_THAT(stream.Next(), SizeIs(8));
}

TEST(BatchStreamTest, TheSeedDecides) {
  BatchStream one(100, 10, 1);
  BatchStream same(100, 10, 1);
  BatchStream other(100, 10, 2);
  const std::vector<int64_t> batch = one.Next();
  EXPECT_EQ(batch, same.Next());
  EXPECT_NE(batch, other.Next());
}

TEST(BatchStreamTest, ResumesAnywhere) {
  for (const int before : {0, 1, 2, 4, 5, 6}) {
    BatchStream stream(10, 4, 7);
    Draw(stream, before);
    BatchStream resumed(10, 4, 0);
    ASSERT_TRUE(resumed.GoTo(stream.state()).ok());
    EXPECT_EQ(Draw(resumed, 6), Draw(stream, 6)) << "after " << before << " batches";
    EXPECT_EQ(resumed.state(), stream.state());
  }
}

TEST(BatchStreamTest, RefusesACursorOutsideTheTrainingSet) {
  BatchStream stream(10, 4, 1);
  EXPECT_TRUE(absl::IsDataLoss(stream.GoTo({1, 11})));
  EXPECT_TRUE(absl::IsDataLoss(stream.GoTo({1, -1})));
}

TEST(BatchStreamTest, StepsForEpochsRoundsUp) {
  EXPECT_EQ(StepsForEpochs(1, 64, 64), 1);
  EXPECT_EQ(StepsForEpochs(1, 65, 64), 2);
  EXPECT_EQ(StepsForEpochs(30, 4500, 64), 2110);  // 2109.375
}

}  // namespace
}  // namespace skew::train

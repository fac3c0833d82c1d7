#include "server/train/data/class_order.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <numeric>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/train/data/random.h"

namespace skew::train {
namespace {

using testing::ElementsAre;

std::vector<int64_t> Iota(size_t size) {
  std::vector<int64_t> positions(size);
  std::iota(positions.begin(), positions.end(), 0);
  return positions;
}

// counts[c] images of class c, in random order.
std::vector<int32_t> ShuffledLabels(const std::vector<int64_t>& counts, Random& random) {
  std::vector<int32_t> labels;
  for (size_t c = 0; c < counts.size(); ++c) {
    labels.insert(labels.end(), static_cast<size_t>(counts[c]), static_cast<int32_t>(c));
  }
  std::vector<int32_t> shuffled;
  for (const int64_t at : Permutation(static_cast<int64_t>(labels.size()), random)) {
    shuffled.push_back(labels[static_cast<size_t>(at)]);
  }
  return shuffled;
}

// For every n, n images of the beginning hold less than one image more or less than n shares.
void ExpectEveryBeginningInProportion(const std::vector<int64_t>& spread, const std::vector<int32_t>& labels) {
  const auto total = static_cast<int64_t>(labels.size());
  std::map<int32_t, int64_t> sizes;
  for (const int32_t label : labels) ++sizes[label];
  std::map<int32_t, int64_t> seen;
  for (int64_t n = 1; n <= total; ++n) {
    ++seen[labels[static_cast<size_t>(spread[static_cast<size_t>(n - 1)])]];
    for (const auto& [label, size] : sizes) {
      ASSERT_LT(std::abs(seen[label] * total - n * size), total) << "class " << label << " in the first " << n;
    }
  }
}

TEST(SpreadByClassTest, EveryBeginningHoldsTheClassesInProportion) {
  Random random(3);
  for (const std::vector<int64_t>& counts : std::vector<std::vector<int64_t>>{
           {2000, 50, 2000}, {1, 1}, {7}, {1, 2, 3, 4, 5}, {999, 1}, {500, 250, 125, 62, 31, 15, 7, 3, 2, 1}}) {
    const std::vector<int32_t> labels = ShuffledLabels(counts, random);
    const std::vector<int64_t> spread = SpreadByClass(Iota(labels.size()), labels);
    std::vector<int64_t> sorted = spread;
    std::sort(sorted.begin(), sorted.end());
    EXPECT_EQ(sorted, Iota(labels.size()));
    ExpectEveryBeginningInProportion(spread, labels);
  }
  for (int trial = 0; trial < 200; ++trial) {
    std::vector<int64_t> counts(2 + random.Below(9));
    for (int64_t& count : counts) count = static_cast<int64_t>(1 + random.Below(60));
    const std::vector<int32_t> labels = ShuffledLabels(counts, random);
    ExpectEveryBeginningInProportion(SpreadByClass(Iota(labels.size()), labels), labels);
  }
}

TEST(SpreadByClassTest, ImagesOfAClassKeepTheirOrder) {
  const std::vector<int32_t> labels = {0, 0, 0, 1, 1, 1};
  EXPECT_THAT(SpreadByClass({2, 0, 1, 5, 3, 4}, labels), ElementsAre(2, 5, 0, 3, 1, 4));
}

TEST(ClassOrderTest, FrequentClassesFirstOrLast) {
  // In the whole training set, class 2 has three images, class 0 two, class 1 two.
  const std::vector<int32_t> labels = {2, 0, 1, 2, 0, 1, 2};
  EXPECT_THAT(FrequentFirst({5, 1, 0, 2, 4, 3}, labels), ElementsAre(0, 3, 1, 4, 5, 2));
  EXPECT_THAT(RareFirst({5, 1, 0, 2, 4, 3}, labels), ElementsAre(5, 2, 1, 4, 0, 3));
}

}  // namespace
}  // namespace skew::train

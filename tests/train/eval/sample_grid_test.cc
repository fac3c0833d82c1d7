#include "server/train/eval/sample_grid.h"

#include <ATen/ops/full.h>
#include <ATen/ops/zeros.h>

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "gtest/gtest.h"
#include "tests/train/decoded_png.h"

namespace skew::train {
namespace {

std::string PathOf(const std::string& name) { return testing::TempDir() + name; }

TEST(SampleGridTest, HasImagesInRowsWithGapsBetween) {
  at::Tensor images = at::zeros({5, 1, 4, 3});
  images.select(0, 1).fill_(1);
  images.select(0, 3).fill_(0.2);
  ASSERT_TRUE(WriteSampleGrid(PathOf("grid.png"), images, 3).ok());
  const DecodedPng grid = DecodePng(PathOf("grid.png"));
  ASSERT_EQ(grid.width, 3 * (2 * 3 + 2) + 2);
  ASSERT_EQ(grid.height, 2 * (2 * 4 + 2) + 2);
  EXPECT_EQ(grid.At(0, 0), 0x80);
  EXPECT_EQ(grid.At(2, 2), 0);
  EXPECT_EQ(grid.At(9, 2), 0x80);
  for (const auto& [x, y] : {std::pair(10, 2), {15, 2}, {10, 9}, {15, 9}}) EXPECT_EQ(grid.At(x, y), 255);
  EXPECT_EQ(grid.At(2, 12), 51);
  EXPECT_EQ(grid.At(18, 12), 0x80) << "there is no sixth image";
}

TEST(SampleGridTest, ClampsWhatIsOutside) {
  at::Tensor images = at::full({2, 1, 1, 1}, 1.5);
  images.select(0, 0).fill_(-3);
  ASSERT_TRUE(WriteSampleGrid(PathOf("clamped.png"), images, 2).ok());
  const DecodedPng grid = DecodePng(PathOf("clamped.png"));
  EXPECT_EQ(grid.At(2, 2), 0);
  EXPECT_EQ(grid.At(6, 2), 255);
}

TEST(SampleGridTest, OtherShapesAreRefused) {
  for (const at::Tensor& images : {at::zeros({2, 3, 4, 4}), at::zeros({0, 1, 4, 4}), at::zeros({4, 4})}) {
    EXPECT_TRUE(absl::IsInvalidArgument(WriteSampleGrid(PathOf("refused.png"), images, 2)));
  }
  EXPECT_TRUE(absl::IsInvalidArgument(WriteSampleGrid(PathOf("refused.png"), at::zeros({1, 1, 4, 4}), 0)));
  EXPECT_FALSE(std::filesystem::exists(PathOf("refused.png")));
}

TEST(SampleGridTest, AFolderThatIsNotThereIsNamed) {
  const std::string path = PathOf("no/such/folder.png");
  const absl::Status status = WriteSampleGrid(path, at::zeros({1, 1, 4, 4}), 1);
  EXPECT_TRUE(absl::IsNotFound(status)) << status;
  EXPECT_NE(status.message().find(path), std::string::npos);
}

TEST(SampleGridTest, FirstOfEachClassInTheOrderOfClasses) {
  at::Tensor images = at::zeros({4, 1, 1, 1});
  for (int64_t i = 0; i < 4; ++i) images.select(0, i).fill_(static_cast<double>(i) / 10);
  const at::Tensor chosen = FirstOfEachClass(images, {7, 3, 7, 7}, {3, 7, 9}, 2);
  ASSERT_EQ(chosen.size(0), 6);
  const std::vector<float> expected = {.1F, .5F, 0, .2F, .5F, .5F};  // mid-grey where there is none
  const auto* const values = static_cast<const float*>(chosen.data_ptr());
  EXPECT_EQ(std::vector<float>(values, values + 6), expected);
}

}  // namespace
}  // namespace skew::train

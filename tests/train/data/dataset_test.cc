#include "common/data/dataset.h"

#include <zlib.h>

#include <filesystem>
#include <string>

#include "absl/status/status.h"
#include "common/data/idx.h"
#include "common/file.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/testing/temp_folder.h"

namespace skew {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string BigEndian(uint32_t value) {
  std::string bytes;
  for (int shift = 24; shift >= 0; shift -= 8) bytes.push_back(static_cast<char>((value >> shift) & 0xff));
  return bytes;
}

// `count` images of 2x3 pixels, pixel i of the file having the value i.
std::string ImagesFile(uint32_t count) {
  std::string bytes = BigEndian(0x803) + BigEndian(count) + BigEndian(2) + BigEndian(3);
  for (uint32_t i = 0; i < count * 6; ++i) bytes.push_back(static_cast<char>(i));
  return bytes;
}

std::string LabelsFile(const std::string& labels) {
  return BigEndian(0x801) + BigEndian(static_cast<uint32_t>(labels.size())) + labels;
}

std::string Gzip(const std::string& content) {
  z_stream stream{};
  EXPECT_EQ(deflateInit2(&stream, Z_BEST_SPEED, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
  std::string packed(deflateBound(&stream, content.size()), '\0');
  std::string input = content;
  stream.next_in = reinterpret_cast<Bytef*>(input.data());
  stream.avail_in = static_cast<uInt>(input.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  return packed;
}

// A folder with a sound dataset of 3 training and 2 test images, one file of which each test spoils.
class DatasetTest : public testing::Test {
 protected:
  DatasetTest() {
    Write("train-images-idx3-ubyte", ImagesFile(3));
    Write("train-labels-idx1-ubyte", LabelsFile({0, 1, 2}));
    Write("t10k-images-idx3-ubyte", ImagesFile(2));
    Write("t10k-labels-idx1-ubyte", LabelsFile({0, 1}));
  }

  std::string PathOf(const std::string& name) const { return dir_ + "/" + name; }
  void Write(const std::string& name, const std::string& content) {
    ASSERT_TRUE(WriteFileAtomically(PathOf(name), content).ok());
  }

  // Reading fails with this code and a message with the path of `name` and with `problem` in it.
  void ExpectProblem(absl::StatusCode code, const std::string& name, const std::string& problem) {
    const absl::Status status = ReadDataset(dir_).status();
    EXPECT_EQ(status.code(), code) << status;
    EXPECT_THAT(std::string(status.message()), testing::AllOf(HasSubstr(PathOf(name)), HasSubstr(problem)));
  }

  const TempFolder temp_;
  const std::string& dir_ = temp_.path();
};

TEST(IdxTest, ImagesKeepTheirPixels) {
  const absl::StatusOr<IdxImages> images = ParseIdxImages(ImagesFile(2), "x");
  ASSERT_TRUE(images.ok()) << images.status();
  EXPECT_EQ(images->count, 2);
  EXPECT_EQ(images->height, 2);
  EXPECT_EQ(images->width, 3);
  EXPECT_THAT(images->pixels, ElementsAre(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11));
}

TEST(IdxTest, SizesThatWouldOverflowAreRefused) {
  const std::string huge = BigEndian(0x803) + BigEndian(0xffffffff) + BigEndian(0xffffffff) + BigEndian(0xffffffff);
  const absl::Status status = ParseIdxImages(huge, "huge").status();
  EXPECT_TRUE(absl::IsDataLoss(status)) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("huge claims 4294967295 images"));
}

TEST_F(DatasetTest, SoundFilesMakeADataset) {
  const absl::StatusOr<DatasetContent> content = ReadDataset(dir_);
  ASSERT_TRUE(content.ok()) << content.status();
  EXPECT_EQ(content->classes, 3);
  EXPECT_EQ(content->train.images.count, 3);
  EXPECT_THAT(content->train.labels, ElementsAre(0, 1, 2));
  EXPECT_EQ(content->test.images.count, 2);
  EXPECT_EQ(content->digest.size(), 64);
  const v1::Dataset described = DescribeDataset("tiny", content);
  EXPECT_EQ(described.name(), "tiny");
  EXPECT_EQ(described.problem(), "");
  EXPECT_EQ(described.height(), 2);
  EXPECT_EQ(described.width(), 3);
  EXPECT_EQ(described.train_counts().at(2), 1);
  EXPECT_EQ(described.test_counts().count(2), 0);
}

TEST_F(DatasetTest, GzipChangesNeitherContentNorDigest) {
  const absl::StatusOr<DatasetContent> plain = ReadDataset(dir_);
  ASSERT_TRUE(plain.ok()) << plain.status();
  std::filesystem::remove(PathOf("train-images-idx3-ubyte"));
  Write("train-images-idx3-ubyte.gz", Gzip(ImagesFile(3)));
  const absl::StatusOr<DatasetContent> packed = ReadDataset(dir_);
  ASSERT_TRUE(packed.ok()) << packed.status();
  EXPECT_EQ(packed->digest, plain->digest);
  EXPECT_EQ(packed->train.images.pixels, plain->train.images.pixels);
}

// As bgzip writes them, and cat makes them.
TEST_F(DatasetTest, AGzipFileMayHaveSeveralMembers) {
  const std::string digest = ReadDataset(dir_)->digest;
  std::filesystem::remove(PathOf("train-images-idx3-ubyte"));
  const std::string images = ImagesFile(3);
  const std::string members = Gzip(images.substr(0, 20)) + Gzip(images.substr(20, 7)) + Gzip(images.substr(27));
  Write("train-images-idx3-ubyte.gz", members);
  const absl::StatusOr<DatasetContent> packed = ReadDataset(dir_);
  ASSERT_TRUE(packed.ok()) << packed.status();
  EXPECT_EQ(packed->digest, digest);
  Write("train-images-idx3-ubyte.gz", members + "something else");
  ExpectProblem(absl::StatusCode::kDataLoss, "train-images-idx3-ubyte.gz", "damaged or truncated gzip data");
}

TEST_F(DatasetTest, EveryPixelCountsForTheDigest) {
  const absl::StatusOr<DatasetContent> before = ReadDataset(dir_);
  std::string images = ImagesFile(2);
  images.back() = 99;
  Write("t10k-images-idx3-ubyte", images);
  const absl::StatusOr<DatasetContent> after = ReadDataset(dir_);
  ASSERT_TRUE(before.ok() && after.ok());
  EXPECT_NE(before->digest, after->digest);
}

TEST_F(DatasetTest, MissingFileIsNamed) {
  std::filesystem::remove(PathOf("t10k-labels-idx1-ubyte"));
  ExpectProblem(absl::StatusCode::kNotFound, "t10k-labels-idx1-ubyte", "there is neither");
}

TEST_F(DatasetTest, TruncatedFileIsNamed) {
  Write("train-images-idx3-ubyte", ImagesFile(3).substr(0, 30));
  ExpectProblem(absl::StatusCode::kDataLoss, "train-images-idx3-ubyte", "is 30 bytes long; its header says 34");
  Write("train-images-idx3-ubyte", ImagesFile(3).substr(0, 7));
  ExpectProblem(absl::StatusCode::kDataLoss, "train-images-idx3-ubyte", "shorter than the 16 bytes");
}

TEST_F(DatasetTest, TrailingBytesAreNotIgnored) {
  Write("t10k-labels-idx1-ubyte", LabelsFile({0, 1}) + "x");
  ExpectProblem(absl::StatusCode::kDataLoss, "t10k-labels-idx1-ubyte", "is 11 bytes long; its header says 10");
}

TEST_F(DatasetTest, WrongMagicNumberIsShown) {
  Write("train-labels-idx1-ubyte", ImagesFile(3));
  ExpectProblem(absl::StatusCode::kDataLoss, "train-labels-idx1-ubyte", "magic number 0x00000803, not 0x00000801");
}

TEST_F(DatasetTest, ForeignFileIsNamed) {
  Write("t10k-images-idx3-ubyte", "<!DOCTYPE html><html>Not here</html>");
  ExpectProblem(absl::StatusCode::kDataLoss, "t10k-images-idx3-ubyte", "magic number");
}

TEST_F(DatasetTest, DamagedGzipIsNamed) {
  std::filesystem::remove(PathOf("train-images-idx3-ubyte"));
  const std::string packed = Gzip(ImagesFile(3));
  Write("train-images-idx3-ubyte.gz", packed.substr(0, packed.size() / 2));
  ExpectProblem(absl::StatusCode::kDataLoss, "train-images-idx3-ubyte.gz", "damaged or truncated gzip data");
}

TEST_F(DatasetTest, EveryImageNeedsALabel) {
  Write("train-labels-idx1-ubyte", LabelsFile({0, 1}));
  ExpectProblem(absl::StatusCode::kDataLoss, "train-labels-idx1-ubyte", "has 2 labels for the 3 images");
}

TEST_F(DatasetTest, OneClassIsNoDataset) {
  Write("train-labels-idx1-ubyte", LabelsFile({0, 0, 0}));
  Write("t10k-labels-idx1-ubyte", LabelsFile({0, 0}));
  ExpectProblem(absl::StatusCode::kDataLoss, "train-labels-idx1-ubyte", "label 0 only");
}

TEST_F(DatasetTest, SplitsNeedEqualImageSizes) {
  Write("t10k-images-idx3-ubyte", BigEndian(0x803) + BigEndian(2) + BigEndian(1) + BigEndian(1) + "ab");
  ExpectProblem(absl::StatusCode::kDataLoss, "t10k-images-idx3-ubyte", "1x1 pixels, the training split of 2x3");
}

TEST_F(DatasetTest, AProblemIsDescribedInPlaceOfTheContent) {
  std::filesystem::remove(PathOf("train-images-idx3-ubyte"));
  const v1::Dataset described = DescribeDataset("broken", ReadDataset(dir_));
  EXPECT_EQ(described.name(), "broken");
  EXPECT_THAT(described.problem(), HasSubstr(PathOf("train-images-idx3-ubyte")));
  EXPECT_EQ(described.digest(), "");
}

}  // namespace
}  // namespace skew

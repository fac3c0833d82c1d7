#include "server/store/artifact_store.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "common/digest.h"
#include "common/file.h"
#include "tests/testing/temp_folder.h"

namespace skew {
namespace {

class ArtifactStoreTest : public ::testing::Test {
 protected:
  ArtifactStoreTest() { std::filesystem::create_directories(folder_ + "/artifacts"); }

  std::string Write(const std::string& content) {
    EXPECT_TRUE(WriteFileAtomically(folder_ + "/file", content).ok());
    return folder_ + "/file";
  }

  const TempFolder temp_;
  const std::string& folder_ = temp_.path();
  ArtifactStore store_{nullptr, folder_ + "/artifacts"};
};

TEST_F(ArtifactStoreTest, MovesTheFileToItsDigest) {
  const std::string path = Write("abc");
  ASSERT_TRUE(store_.Import(path, Sha256Hex("abc"), 3).ok());
  EXPECT_EQ(ReadFile(store_.PathOf(Sha256Hex("abc"))).value(), "abc");
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST_F(ArtifactStoreTest, ImportingTwiceIsTheSameAsOnce) {
  ASSERT_TRUE(store_.Import(Write("abc"), Sha256Hex("abc"), 3).ok());
  EXPECT_TRUE(store_.Import(folder_ + "/file", Sha256Hex("abc"), 3).ok());
}

TEST_F(ArtifactStoreTest, RefusesOtherContent) {
  EXPECT_EQ(store_.Import(Write("abd"), Sha256Hex("abc"), 3).code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(store_.Import(Write("abc"), Sha256Hex("abc"), 4).code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(store_.Import(folder_ + "/missing", Sha256Hex("x"), 1).code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(store_.Import(Write("abc"), "../../etc/passwd", 3).code(), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace skew

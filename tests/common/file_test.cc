#include "common/file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "common/digest.h"

namespace skew {
namespace {

namespace fs = std::filesystem;

class FileTest : public ::testing::Test {
 protected:
  FileTest() : dir_(fs::path(::testing::TempDir()) / ("file_test_" + RandomHex(6))) { fs::create_directories(dir_); }
  ~FileTest() override { fs::remove_all(dir_); }
  std::string Path(const std::string& name) const { return (dir_ / name).string(); }

  fs::path dir_;
};

TEST_F(FileTest, ReadsWhatWasWritten) {
  const std::string content("bytes\0with a zero", 17);
  ASSERT_TRUE(WriteFileAtomically(Path("a"), content).ok());
  EXPECT_EQ(ReadFile(Path("a")).value(), content);
}

TEST_F(FileTest, ReplacesTheOldFileAndLeavesNoTemporaryOne) {
  ASSERT_TRUE(WriteFileAtomically(Path("a"), "old").ok());
  ASSERT_TRUE(WriteFileAtomically(Path("a"), "new").ok());
  EXPECT_EQ(ReadFile(Path("a")).value(), "new");
  EXPECT_EQ(std::distance(fs::directory_iterator(dir_), fs::directory_iterator()), 1);
}

TEST_F(FileTest, MissingFileIsNotFoundAndNamed) {
  const absl::Status status = ReadFile(Path("missing")).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(status.message()), ::testing::HasSubstr(Path("missing")));
}

TEST_F(FileTest, AFileOverTheLimitIsRefused) {
  ASSERT_TRUE(WriteFileAtomically(Path("a"), "12345").ok());
  EXPECT_EQ(ReadFile(Path("a"), 4).status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_TRUE(ReadFile(Path("a"), 5).ok());
}

TEST_F(FileTest, RenameToNewReplacesNothing) {
  fs::create_directory(Path("mine"));
  fs::create_directory(Path("theirs"));
  EXPECT_EQ(RenameToNew(Path("mine"), Path("theirs")).code(), absl::StatusCode::kAlreadyExists);
  EXPECT_TRUE(fs::exists(Path("mine")) && fs::exists(Path("theirs")));
  EXPECT_TRUE(RenameToNew(Path("mine"), Path("new")).ok());
  EXPECT_FALSE(fs::exists(Path("mine")));
  EXPECT_EQ(RenameToNew(Path("mine"), Path("newer")).code(), absl::StatusCode::kNotFound);
}

TEST_F(FileTest, DigestOfAFileIsThatOfItsContent) {
  // FIPS 180-2, appendix B.1.
  ASSERT_TRUE(WriteFileAtomically(Path("abc"), "abc").ok());
  EXPECT_EQ(Sha256HexOfFile(Path("abc")).value(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(Sha256HexOfFile(Path("missing")).status().code(), absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace skew

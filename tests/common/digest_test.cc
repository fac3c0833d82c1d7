#include "common/digest.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <thread>
#include <vector>

#include "common/file.h"

namespace skew {
namespace {

namespace fs = std::filesystem;

class DigestTest : public ::testing::Test {
 protected:
  DigestTest() : folder_(fs::path(::testing::TempDir()) / ("digest_test_" + RandomHex(6))) {
    fs::create_directories(folder_);
  }
  ~DigestTest() override { fs::remove_all(folder_); }
  std::string Path(const std::string& name) const { return (folder_ / name).string(); }

  const fs::path folder_;
};

TEST_F(DigestTest, OfAFileIsThatOfItsContent) {
  for (const size_t size : {size_t{0}, size_t{3}, (size_t{1} << 20) + 1}) {
    const std::string content(size, 'x');
    ASSERT_TRUE(WriteFileAtomically(Path("file"), content).ok());
    EXPECT_EQ(Sha256HexOfFile(Path("file")).value(), Sha256Hex(content));
  }
}

TEST_F(DigestTest, WhatCannotBeReadSaysSo) {
  EXPECT_TRUE(absl::IsNotFound(Sha256HexOfFile(Path("none")).status()));
  EXPECT_TRUE(absl::IsUnavailable(Sha256HexOfFile(folder_.string()).status()));
}

// Workers are started while digests are made.
TEST_F(DigestTest, ProcessesThatAreStartedMeanwhileDoNotInheritTheFile) {
  const std::string path = Path("pipe");
  ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
  std::thread reader([&] { EXPECT_EQ(Sha256HexOfFile(path).value(), Sha256Hex("")); });
  const int writer = open(path.c_str(), O_WRONLY | O_CLOEXEC);  // once the other end is open
  ASSERT_GE(writer, 0);
  std::vector<int> ends;
  while (ends.size() < 2) {  // the reader gets its number when it goes on
    ends.clear();
    for (const fs::directory_entry& entry : fs::directory_iterator("/proc/self/fd")) {
      std::error_code error;
      if (fs::read_symlink(entry.path(), error).string() != fs::canonical(path).string()) continue;
      ends.push_back(std::stoi(entry.path().filename().string()));
    }
  }
  for (const int end : ends) EXPECT_NE(fcntl(end, F_GETFD) & FD_CLOEXEC, 0) << end;
  close(writer);
  reader.join();
}

}  // namespace
}  // namespace skew

#include "server/store/state_dir.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>

#include "common/file.h"
#include "tests/testing/temp_folder.h"

namespace skew {
namespace {

mode_t ModeOf(const std::string& path) {
  struct stat info {};
  EXPECT_EQ(stat(path.c_str(), &info), 0);
  return info.st_mode & 0777;
}

TEST(StateDirTest, OthersAreKeptOut) {
  const TempFolder folder;
  const std::string made = folder.path() + "/made/by/skewd";
  ASSERT_TRUE(StateDir::Open(made).ok());
  EXPECT_EQ(ModeOf(made), 0700);
  const std::string there = folder.path() + "/there";
  ASSERT_EQ(mkdir(there.c_str(), 0755), 0);
  ASSERT_EQ(chmod(there.c_str(), 0755), 0);  // whatever the umask is
  ASSERT_TRUE(StateDir::Open(there).ok());
  EXPECT_EQ(ModeOf(there), 0700);
  ASSERT_EQ(chmod(there.c_str(), 0750), 0);
  ASSERT_TRUE(StateDir::Open(there).ok()) << "by now it is one";
  EXPECT_EQ(ModeOf(there), 0700);
}

TEST(StateDirTest, NobodyIsKeptOutOfAFolderOfOtherThings) {
  const TempFolder folder;
  const std::string shared = folder.path() + "/shared";
  ASSERT_EQ(mkdir(shared.c_str(), 0755), 0);
  ASSERT_EQ(chmod(shared.c_str(), 01755), 0);
  ASSERT_TRUE(WriteFileAtomically(shared + "/thesis", "").ok());
  const absl::Status refused = StateDir::Open(shared).status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(refused.message()), ::testing::HasSubstr(shared + " has other things in it (thesis)"));
  EXPECT_THAT(std::string(refused.message()), ::testing::HasSubstr("1755"));
  EXPECT_EQ(ModeOf(shared), 0755);
  ASSERT_EQ(unlink((shared + "/thesis").c_str()), 0);
  ASSERT_EQ(mkdir((shared + "/datasets").c_str(), 0755), 0);
  EXPECT_TRUE(StateDir::Open(shared).ok()) << "what will be there is no other thing";
  EXPECT_EQ(ModeOf(shared), 0700);
}

TEST(StateDirTest, AFolderOfOtherThingsWillDoIfNobodyElseLooksIntoIt) {
  const TempFolder folder;
  const std::string shared = folder.path() + "/own";
  ASSERT_EQ(mkdir(shared.c_str(), 0700), 0);
  ASSERT_TRUE(WriteFileAtomically(shared + "/thesis", "").ok());
  EXPECT_TRUE(StateDir::Open(shared).ok());
}

}  // namespace
}  // namespace skew

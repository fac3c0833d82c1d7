#include "server/store/state_dir.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <string>

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
}

}  // namespace
}  // namespace skew

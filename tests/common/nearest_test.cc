#include "common/nearest.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace skew {
namespace {

TEST(NearestTest, FindsTypingErrorsOnly) {
  const std::vector<std::string> known = {"epochs", "steps", "batch_size", "jobs"};
  EXPECT_EQ(Nearest("epoch", known), "epochs");
  EXPECT_EQ(Nearest("Steps", known), "steps");
  EXPECT_EQ(Nearest("batchsize", known), "batch_size");
  EXPECT_EQ(Nearest("jbos", known), "jobs");
  EXPECT_EQ(Nearest("learning", known), "");
  EXPECT_EQ(Nearest("", known), "");
}

}  // namespace
}  // namespace skew

#include "common/state_words.h"

#include <gtest/gtest.h>

namespace skew {
namespace {

TEST(StateWordsTest, StandInASentence) {
  EXPECT_EQ(StateInWords(v1::JOB_QUEUED), "is queued");
  EXPECT_EQ(StateInWords(v1::JOB_SUCCEEDED), "has succeeded");
  EXPECT_EQ(StateInWords(v1::JOB_FAILED), "has failed");
  EXPECT_EQ(StateInWords(v1::JOB_CANCELLED), "is cancelled");
  EXPECT_EQ(StateInWords(v1::RUNNING), "is running");
  EXPECT_EQ(StateInWords(v1::CANCELLING), "is being cancelled");
  EXPECT_EQ(StateInWords(v1::CANCELLED), "is cancelled");
}

TEST(StateWordsTest, SayWhatCannotBecomeOfARun) {
  EXPECT_EQ(ChangeInWords(v1::QUEUED), "be queued again");
  EXPECT_EQ(ChangeInWords(v1::CANCELLING), "be cancelled");
  EXPECT_EQ(ChangeInWords(v1::CANCELLED), "be cancelled");
  EXPECT_EQ(ChangeInWords(v1::SUCCEEDED), "succeed");
}

}  // namespace
}  // namespace skew

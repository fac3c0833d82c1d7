#include "common/ids.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/status.h"

namespace skew {
namespace {

TEST(JobIdTest, ReadsWhatItPrints) {
  const JobId id{17};
  EXPECT_EQ(id.ToString(), "j17");
  ASSERT_TRUE(JobId::Parse("j17").ok());
  EXPECT_EQ(*JobId::Parse("j17"), id);
}

TEST(RunIdTest, ReadsWhatItPrints) {
  const RunId id{JobId{17}, 3};
  EXPECT_EQ(id.ToString(), "j17.3");
  ASSERT_TRUE(RunId::Parse("j17.3").ok());
  EXPECT_EQ(*RunId::Parse("j17.3"), id);
}

TEST(JobIdTest, RefusesEverythingElse) {
  for (const char* text : {"", "j", "17", "j0", "j-1", "j+1", "j 1", "j01", "j1.2", "J1", "j99999999999999999999"}) {
    const absl::Status status = JobId::Parse(text).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << text;
    EXPECT_THAT(std::string(status.message()), ::testing::HasSubstr(text));
    ASSERT_EQ(FieldViolations(status).size(), 1u);
    EXPECT_EQ(FieldViolations(status)[0].field(), "job_id");
  }
  EXPECT_EQ(FieldViolations(RunId::Parse("x").status()).at(0).field(), "run_id");
}

TEST(RunIdTest, RefusesEverythingElse) {
  for (const char* text : {"", "j1", "j1.", ".1", "j1.0", "j1.x", "j1.1.1", "1.1"}) {
    EXPECT_EQ(RunId::Parse(text).status().code(), absl::StatusCode::kInvalidArgument) << text;
  }
}

}  // namespace
}  // namespace skew

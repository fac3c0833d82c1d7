// Submissions that are large: what is refused, and when.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/testing/test_daemon.h"

namespace skew {
namespace {

using ::testing::HasSubstr;

// With a name of so many bytes.
v1::JobSpec SpecOf(size_t bytes) {
  v1::JobSpec spec = TestDaemon::Spec("finish");
  spec.set_name(std::string(bytes, 'x'));
  return spec;
}

// To explain itself to a client, a specification that is too large need not be much larger than that.
TEST(LargeSubmissionTest, IsNotReadAboveTwoMebibytes) {
  TestDaemon daemon;
  v1::SubmitJobResponse response;
  grpc::Status status = daemon.Submit(SpecOf(size_t{3} << 19), response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT) << status.error_message();
  EXPECT_THAT(status.error_message(), HasSubstr("at most 1048576 are accepted"));
  status = daemon.Submit(SpecOf(size_t{3} << 20), response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED) << status.error_message();
}

// To look for what the request has made before, its specification is copied and filled in.
TEST(LargeSubmissionTest, IsRefusedBeforeItIsLookedFor) {
  TestDaemon daemon;
  v1::SubmitJobResponse response;
  ASSERT_TRUE(daemon.Submit(TestDaemon::Spec("finish"), response, "again").ok());
  EXPECT_EQ(daemon.Submit(SpecOf(9), response, "again").error_code(), grpc::StatusCode::ALREADY_EXISTS);
  for (const bool validate_only : {false, true}) {
    const grpc::Status status = daemon.Submit(SpecOf(size_t{3} << 19), response, "again", validate_only);
    EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT) << status.error_message();
    EXPECT_THAT(status.error_message(), HasSubstr("spec: "));
  }
}

}  // namespace
}  // namespace skew

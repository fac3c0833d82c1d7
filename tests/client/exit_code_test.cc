#include "client/exit_code.h"

#include "gtest/gtest.h"

namespace skew {
namespace {

TEST(ExitCodeTest, OfErrors) {
  const struct {
    absl::StatusCode code;
    int exit;
  } kCases[] = {
      {absl::StatusCode::kOk, 0},
      {absl::StatusCode::kInvalidArgument, 2},
      {absl::StatusCode::kOutOfRange, 2},
      {absl::StatusCode::kAlreadyExists, 2},
      {absl::StatusCode::kFailedPrecondition, 2},
      {absl::StatusCode::kUnavailable, 3},
      {absl::StatusCode::kCancelled, 4},
      {absl::StatusCode::kDeadlineExceeded, 5},
      {absl::StatusCode::kUnauthenticated, 6},
      {absl::StatusCode::kPermissionDenied, 6},
      {absl::StatusCode::kNotFound, 7},
      {absl::StatusCode::kInternal, 1},
      {absl::StatusCode::kUnknown, 1},
      {absl::StatusCode::kDataLoss, 1},
      {absl::StatusCode::kResourceExhausted, 8},
      {absl::StatusCode::kUnimplemented, 1},
      {absl::StatusCode::kAborted, 1},
  };
  for (const auto& one : kCases) {
    EXPECT_EQ(static_cast<int>(ExitCodeOf(one.code)), one.exit) << absl::StatusCodeToString(one.code);
  }
}

TEST(ExitCodeTest, OfEndedJobs) {
  EXPECT_EQ(ExitCodeOf(v1::JOB_SUCCEEDED), ExitCode::kFine);
  EXPECT_EQ(ExitCodeOf(v1::JOB_FAILED), ExitCode::kFailed);
  EXPECT_EQ(ExitCodeOf(v1::JOB_CANCELLED), ExitCode::kCancelled);
}

TEST(ExitCodeTest, OfRunsThatWereTrainedAgain) {
  EXPECT_EQ(ExitCodeOf(v1::CompareRunsResponse::BIT_EQUAL), ExitCode::kFine);
  EXPECT_EQ(ExitCodeOf(v1::CompareRunsResponse::STATISTICALLY_EQUAL), ExitCode::kFine);
  EXPECT_EQ(ExitCodeOf(v1::CompareRunsResponse::DRIFTED), ExitCode::kFailed);
  EXPECT_EQ(ExitCodeOf(v1::CompareRunsResponse::VERDICT_UNSPECIFIED), ExitCode::kFailed) << "of a newer server";
}

}  // namespace
}  // namespace skew

#include "common/status.h"

#include <gtest/gtest.h>

namespace skew {
namespace {

TEST(StatusTest, FieldViolationsSurviveTheWayThroughGrpc) {
  v1::FieldViolation one;
  one.set_field("iterations");
  one.set_description("0 is not in 1..1000");
  v1::FieldViolation two;
  two.set_field("dataset");
  two.set_description("missing");
  const absl::Status sent = InvalidFields({one, two});
  const absl::Status received = FromGrpc(ToGrpc(sent));
  EXPECT_EQ(received, sent);
  ASSERT_EQ(FieldViolations(received).size(), 2u);
  EXPECT_EQ(FieldViolations(received)[0].ShortDebugString(), one.ShortDebugString());
  EXPECT_EQ(received.message(), "iterations: 0 is not in 1..1000; dataset: missing");
}

TEST(StatusTest, CodesAndMessagesSurviveTheWayThroughGrpc) {
  for (const absl::StatusCode code : {absl::StatusCode::kNotFound, absl::StatusCode::kUnavailable,
                                      absl::StatusCode::kFailedPrecondition, absl::StatusCode::kDataLoss}) {
    const absl::Status status(code, "what happened");
    EXPECT_EQ(FromGrpc(ToGrpc(status)), status);
  }
  EXPECT_TRUE(FromGrpc(ToGrpc(absl::OkStatus())).ok());
}

TEST(StatusTest, TheRetryDelaySurvivesTheWayThroughGrpc) {
  const absl::Status status = FromGrpc(ToGrpc(ExhaustedForNow("no room", absl::Seconds(30))));
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(RetryDelay(status), absl::Seconds(30));
  EXPECT_EQ(RetryDelay(absl::ResourceExhaustedError("over a limit")), std::nullopt);
}

TEST(StatusTest, AnnotationKeepsCodeAndViolations) {
  const absl::Status status = Annotate(InvalidField("seed", "missing"), "spec.yaml");
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(status.message(), "spec.yaml: seed: missing");
  EXPECT_EQ(FieldViolations(status).size(), 1u);
}

}  // namespace
}  // namespace skew

#include "common/status.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

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

// Everything that comes with a status, as gRPC sends it: the message percent-encoded, the details in base64.
size_t SentBytes(const grpc::Status& status) {
  size_t message = 0;
  for (const char c : status.error_message()) message += c >= ' ' && c <= '~' && c != '%' ? 1 : 3;
  return message + (status.error_details().size() + 2) / 3 * 4;
}

constexpr size_t kTakenByClients = 8192 - 512;  // the rest is for what gRPC adds

TEST(StatusTest, OfManyViolationsAClientGetsTheFirstOnesAndHowManyThereAre) {
  std::vector<v1::FieldViolation> violations(1000);
  for (size_t i = 0; i < violations.size(); ++i) {
    violations[i].set_field("models[" + std::to_string(i) + "]");
    violations[i].set_description("no family; one of dcgan, vae, vae_mlp, resample is needed");
  }
  const grpc::Status sent = ToGrpc(InvalidFields(violations));
  EXPECT_LT(SentBytes(sent), kTakenByClients);
  const std::vector<v1::FieldViolation> received = FieldViolations(FromGrpc(sent));
  ASSERT_GT(received.size(), 5u);
  EXPECT_EQ(received[3].ShortDebugString(), violations[3].ShortDebugString());
  EXPECT_EQ(received.back().field(), violations[received.size() - 1].field());
  EXPECT_EQ(received.back().description(),
            "is wrong, and so are " + std::to_string(violations.size() - received.size()) + " more");
}

TEST(StatusTest, LongTextIsCutBetweenCharacters) {
  std::string text;
  for (int i = 0; i < 10'000; ++i) text += "\u00e9%";
  const grpc::Status violation = ToGrpc(InvalidField(text, text));
  EXPECT_LT(SentBytes(violation), kTakenByClients);
  const std::string description = FieldViolations(FromGrpc(violation)).at(0).description();
  EXPECT_EQ(description, text.substr(0, description.size() - 3) + "...");
  const grpc::Status plain = ToGrpc(absl::NotFoundError(text));
  EXPECT_LT(SentBytes(plain), kTakenByClients);
  EXPECT_EQ(plain.error_message().substr(0, 30), text.substr(0, 30));
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

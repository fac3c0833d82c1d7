#include "client/error_text.h"

#include "common/status.h"
#include "gtest/gtest.h"

namespace skew {
namespace {

v1::FieldViolation Violation(const std::string& field, const std::string& description) {
  v1::FieldViolation violation;
  violation.set_field(field);
  violation.set_description(description);
  return violation;
}

TEST(ErrorTextTest, OneLinePerViolation) {
  const absl::Status status =
      InvalidFields({Violation("bias.varied.counts[2]", "0 is not positive"), Violation("", "no models")});
  EXPECT_EQ(ErrorText(status, "spec.yaml"),
            "spec.yaml: bias.varied.counts[2]: 0 is not positive\nspec.yaml: no models\n");
  EXPECT_EQ(ErrorText(status, ""), "skewctl: bias.varied.counts[2]: 0 is not positive\nskewctl: no models\n");
}

TEST(ErrorTextTest, OtherErrors) {
  EXPECT_EQ(ErrorText(absl::NotFoundError("no job j9"), ""), "skewctl: no job j9\n");
  EXPECT_EQ(ErrorText(absl::InternalError(""), ""), "skewctl: unknown error\n");
}

TEST(ErrorTextTest, SaysWhenToTryAgain) {
  EXPECT_EQ(ErrorText(ExhaustedForNow("no room", absl::Seconds(30)), ""),
            "skewctl: no room\nskewctl: try again in 30s or later\n");
}

TEST(ErrorTextTest, PlacesInTheSpecStayInFront) {
  EXPECT_EQ(ErrorText(absl::InvalidArgumentError("s.yaml:1:2: a\ns.yaml:3:4: b"), "s.yaml"),
            "s.yaml:1:2: a\ns.yaml:3:4: b\n");
}

TEST(ErrorTextTest, ControlCharactersDoNotReachTheTerminal) {
  EXPECT_EQ(ErrorText(absl::InternalError("a\x1b[2Jb"), ""), "skewctl: a?[2Jb\n");
}

}  // namespace
}  // namespace skew

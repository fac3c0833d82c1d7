#include "server/store/api_token.h"

#include <gtest/gtest.h>

#include "common/digest.h"

namespace skew {
namespace {

const std::string kSecret(64, 'a');

TEST(ApiTokenTest, TextComesBackAsItWas) {
  const ApiToken token{12, RandomHex(32)};
  EXPECT_EQ(token.ToString(), "skew_t12_" + token.secret);
  const auto parsed = ApiToken::Parse(token.ToString());
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  EXPECT_EQ(parsed->number, 12);
  EXPECT_EQ(parsed->secret, token.secret);
}

TEST(ApiTokenTest, OtherTextIsRefusedWithoutRepeatingIt) {
  for (const std::string& text :
       {std::string(), kSecret, "skew_" + kSecret, "skew_t0_" + kSecret, "skew_t-1_" + kSecret, "skew_1_" + kSecret,
        "skew_t01_" + kSecret, "skew_t1_" + kSecret.substr(1), "skew_t1_" + kSecret + "a",
        "skew_t1_" + std::string(64, 'A'), "skew_t1_" + std::string(64, 'g'), "skew_t1__" + kSecret,
        "Skew_t1_" + kSecret, "skew_t99999999999999999999_" + kSecret, "skew_t1_" + kSecret + "_x"}) {
    const absl::Status status = ApiToken::Parse(text).status();
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << text;
    EXPECT_EQ(status.message(), "this is no API token");
  }
}

TEST(ApiTokenTest, SecretsAreComparedByContent) {
  EXPECT_TRUE(SecretsEqual("abc", "abc"));
  EXPECT_TRUE(SecretsEqual("", ""));
  EXPECT_FALSE(SecretsEqual("abc", "abd"));
  EXPECT_FALSE(SecretsEqual("abc", "abcd"));
}

}  // namespace
}  // namespace skew

#include "server/store/api_token.h"

#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "common/digest.h"
#include "common/status.h"

namespace skew {
namespace {

constexpr char kPrefix[] = "skew";

}  // namespace

std::string ApiToken::ToString() const { return absl::StrCat(kPrefix, "_", TokenId(number), "_", secret); }

absl::StatusOr<ApiToken> ApiToken::Parse(absl::string_view text) {
  const std::vector<absl::string_view> parts = absl::StrSplit(text, '_');
  if (parts.size() == 3 && parts[0] == kPrefix && IsSha256Hex(parts[2])) {
    const absl::StatusOr<int64_t> number = ParseTokenId(parts[1]);
    if (number.ok()) return ApiToken{*number, std::string(parts[2])};
  }
  return absl::InvalidArgumentError("this is no API token");
}

std::string TokenId(int64_t number) { return absl::StrCat("t", number); }

absl::StatusOr<int64_t> ParseTokenId(absl::string_view id) {
  int64_t number = 0;
  if (absl::SimpleAtoi(absl::StripPrefix(id, "t"), &number) && number > 0 && id == TokenId(number)) return number;
  return InvalidField("token_id", absl::StrCat("'", id, "' is not a token's id: t and a number, like t3"));
}

}  // namespace skew

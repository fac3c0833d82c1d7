// API tokens as users hold them: "skew_t3_" and 64 hexadecimal digits.
#ifndef SKEW_SERVER_STORE_API_TOKEN_H_
#define SKEW_SERVER_STORE_API_TOKEN_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace skew {

// The number finds the token's row and is no secret; only the secret proves anything. Scanners for leaked secrets can
// look for skew_t[0-9]+_[0-9a-f]{64}.
struct ApiToken {
  int64_t number = 0;
  std::string secret;  // 256 random bits as hexadecimal digits

  std::string ToString() const;
  // INVALID_ARGUMENT, without the text, unless it has that form.
  static absl::StatusOr<ApiToken> Parse(absl::string_view text);
};

// "t3" and back; INVALID_ARGUMENT, naming the text.
std::string TokenId(int64_t number);
absl::StatusOr<int64_t> ParseTokenId(absl::string_view id);

}  // namespace skew

#endif  // SKEW_SERVER_STORE_API_TOKEN_H_

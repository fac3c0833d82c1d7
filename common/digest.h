// SHA-256, the name of everything stored by content.
#ifndef SKEW_COMMON_DIGEST_H_
#define SKEW_COMMON_DIGEST_H_

#include <cstddef>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace skew {

// Digest of everything added, in order.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(const Sha256&) = delete;
  Sha256& operator=(const Sha256&) = delete;

  void Add(absl::string_view bytes);
  // 64 lower-case hexadecimal digits. Ends the computation: call once.
  std::string HexDigest();

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

std::string Sha256Hex(absl::string_view bytes);

// Whether it is 64 lower-case hexadecimal digits, as a SHA-256 is and 32 random bytes are.
bool IsSha256Hex(absl::string_view text);

// Of a file's content, read in pieces. NOT_FOUND or INTERNAL with the path.
absl::StatusOr<std::string> Sha256HexOfFile(const std::string& path);

// Whether two secrets (or digests of secrets) are the same, in a time that tells nothing but their lengths.
bool SecretsEqual(absl::string_view a, absl::string_view b);

// `bytes` bytes from the system's generator, as lower-case hexadecimal digits.
std::string RandomHex(size_t bytes);

}  // namespace skew

#endif  // SKEW_COMMON_DIGEST_H_

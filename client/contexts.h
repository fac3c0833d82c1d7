// The configuration file: named servers with their credentials.
#ifndef SKEW_CLIENT_CONTEXTS_H_
#define SKEW_CLIENT_CONTEXTS_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "client/server_address.h"

namespace skew {

struct NamedContext {
  std::string name;
  std::string server;
  bool has_token = false;
  bool current = false;
};

// By name; none when there is no file. INVALID_ARGUMENT for a broken one.
absl::StatusOr<std::vector<NamedContext>> ListContexts(const std::string& path);

// Adds the context, or replaces it, and makes it the current one; everything else in the file stays, except comments.
// The file is created with mode 0600, and gets it when it had another. Paths in `address.tls` are stored as absolute
// ones.
absl::Status SaveContext(const std::string& path, const std::string& name, const ServerAddress& address);

// NOT_FOUND, naming those there are, when there is none of this name.
absl::Status UseContext(const std::string& path, const std::string& name);

}  // namespace skew

#endif  // SKEW_CLIENT_CONTEXTS_H_

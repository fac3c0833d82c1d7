// Which server to talk to, and who says so.
#ifndef SKEW_CLIENT_SERVER_ADDRESS_H_
#define SKEW_CLIENT_SERVER_ADDRESS_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace skew {

inline constexpr char kDefaultServer[] = "127.0.0.1:7433";

struct ServerAddress {
  // "host:port" or "unix:PATH"
  std::string target = kDefaultServer;
  // Where the target was read, for error messages: "from --server", ...
  std::string origin;
  // Sent with every call; empty: none.
  std::string token;
};

// What a user's settings say; empty means not given.
struct AddressSources {
  std::string flag;
  std::string env_server;
  std::string env_token;
  // A file that need not exist:
  //   current-context: lab
  //   contexts:
  //     lab: {server: "lab.example:7433", token: "..."}
  std::string config_path;
};

// The first of: the flag, the environment, the configuration file's current context, the default. The environment's
// token goes before that of the context, which is used only for the context's own server.
// INVALID_ARGUMENT for an address of another form, or a configuration file that is broken.
absl::StatusOr<ServerAddress> ResolveServer(const AddressSources& sources);

}  // namespace skew

#endif  // SKEW_CLIENT_SERVER_ADDRESS_H_

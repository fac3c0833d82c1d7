// Which server to talk to, and who says so.
#ifndef SKEW_CLIENT_SERVER_ADDRESS_H_
#define SKEW_CLIENT_SERVER_ADDRESS_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace skew {

inline constexpr char kDefaultServer[] = "127.0.0.1:7433";

// Paths of PEM files.
struct TlsSettings {
  // Whose signature the server's certificate must have; empty: no TLS.
  std::string ca;
  // The user's own certificate and its key; both or neither.
  std::string certificate;
  std::string key;
};

struct ServerAddress {
  // "host:port" or "unix:PATH"
  std::string target = kDefaultServer;
  // Where the target was read, for error messages: "from --server", ...
  std::string origin;
  // Sent with every call; empty: none.
  std::string token;
  TlsSettings tls;
  // The user accepts that a token is sent to another machine without TLS.
  bool insecure = false;
};

// Whether the address is on this machine: nobody else can listen in.
bool IsLocal(absl::string_view target);

// What a user's settings say; empty means not given.
struct AddressSources {
  std::string flag;
  std::string env_server;
  std::string env_token;
  // Flags or environment; go before those of the context.
  TlsSettings tls;
  // A token may be sent to another machine without TLS.
  bool insecure = false;
  // No token is wanted.
  bool without_token = false;
  // A file that need not exist:
  //   current-context: lab
  //   contexts:
  //     lab: {server: "lab.example:7433", token: "...", ca: ca.pem, cert: ada.pem, key: ada.key, insecure: false}
  std::string config_path;
};

// The first of: the flag, the environment, the configuration file's current context, the default. The environment's
// token goes before that of the context, which is used only for the context's own server; so are its TLS files.
// INVALID_ARGUMENT for an address of another form, a configuration file that is broken, half a key pair, or a token
// that would travel to another machine without TLS.
absl::StatusOr<ServerAddress> ResolveServer(const AddressSources& sources);

// INVALID_ARGUMENT: half a key pair, or a token that would travel to another machine without TLS.
absl::Status CheckTls(const ServerAddress& address);

}  // namespace skew

#endif  // SKEW_CLIENT_SERVER_ADDRESS_H_

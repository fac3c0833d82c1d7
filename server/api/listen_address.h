// Addresses that the daemon listens on.
#ifndef SKEW_SERVER_API_LISTEN_ADDRESS_H_
#define SKEW_SERVER_API_LISTEN_ADDRESS_H_

#include <netinet/in.h>
#include <sys/socket.h>

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace skew {

// A socket address of any family.
union SocketAddress {
  sockaddr any;
  sockaddr_in v4;
  sockaddr_in6 v6;
};

struct ListenAddress {
  enum class Kind {
    kUnix,      // reached by logins of this machine
    kLoopback,  // the same, through TCP
    kNetwork,   // reached by anybody
  };
  Kind kind = Kind::kNetwork;
  std::string text;                      // as it was given
  std::string path;                      // of a unix socket
  std::string host;                      // otherwise: what stands before the port
  std::vector<SocketAddress> addresses;  // and what that means

  // "unix:PATH" or "host:port". INVALID_ARGUMENT, naming the text, for another form or a host that is not known. A host
  // is loopback only if each of its addresses is.
  static absl::StatusOr<ListenAddress> Parse(absl::string_view text);
};

}  // namespace skew

#endif  // SKEW_SERVER_API_LISTEN_ADDRESS_H_

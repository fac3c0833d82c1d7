// Which login is behind a connection from this machine.
#ifndef SKEW_SERVER_API_LOCAL_PEER_H_
#define SKEW_SERVER_API_LOCAL_PEER_H_

#include <sys/types.h>

#include <optional>
#include <string>

namespace skew {

struct LocalPeer {
  uid_t uid = 0;
  std::string login;  // its name; "uid1234" when it has none
};

// Asks the kernel who holds the other end of an accepted connection:
//
//   unix socket       its peer credentials (SO_PEERCRED), which are those of the connect
//   loopback TCP      the owner of the socket at the other end, from /proc/self/net/tcp and tcp6. The answer is taken
//   only
//                     if both ends are still established after it was read: until then no other socket can have had the
//                     same pair of addresses.
//
// Absent when it cannot be found out: the other end has gone, or is not in this network namespace.
std::optional<LocalPeer> IdentifyLocalPeer(int connection);

// The name of a login, as in LocalPeer.
std::string LoginOf(uid_t uid);

}  // namespace skew

#endif  // SKEW_SERVER_API_LOCAL_PEER_H_

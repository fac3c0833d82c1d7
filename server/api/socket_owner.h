// Whose socket is at the other end of a connection within this machine.
#ifndef SKEW_SERVER_API_SOCKET_OWNER_H_
#define SKEW_SERVER_API_SOCKET_OWNER_H_

#include <sys/types.h>

#include "absl/status/statusor.h"
#include "server/api/listen_address.h"

namespace skew {

// The owner of the established TCP socket with this local and this remote address, both of one family. Asks the kernel
// (sock_diag) for this one socket, so that it takes no longer when there are thousands. NOT_FOUND when there is none;
// UNAVAILABLE when the kernel does not answer such questions.
absl::StatusOr<uid_t> FindSocketOwner(const SocketAddress& local, const SocketAddress& remote);

}  // namespace skew

#endif  // SKEW_SERVER_API_SOCKET_OWNER_H_

// Who called.
#ifndef SKEW_SERVER_API_CALLER_H_
#define SKEW_SERVER_API_CALLER_H_

#include <functional>
#include <string>

#include "grpcpp/grpcpp.h"

namespace skew {

// The owner of what a call creates. The server listens on its unix socket and on loopback, where every caller is
// somebody on this machine.
inline std::string OwnerOf(const grpc::ServerContextBase& /*context*/) { return "local"; }

// Who owns what a call creates. Another one than OwnerOf is for tests, which are several users at once.
using OwnerFunction = std::function<std::string(const grpc::ServerContextBase&)>;

}  // namespace skew

#endif  // SKEW_SERVER_API_CALLER_H_

// What gRPC itself keeps to.
#ifndef SKEW_SERVER_API_SERVER_LIMITS_H_
#define SKEW_SERVER_API_SERVER_LIMITS_H_

#include "grpcpp/grpcpp.h"
#include "server/api/limits.h"

namespace skew {

// Message sizes, buffers, threads and streams of the server to be built; how long connections may say nothing; and how
// peers that are gone without a word are found.
void Apply(const Limits& limits, grpc::ServerBuilder& builder);

}  // namespace skew

#endif  // SKEW_SERVER_API_SERVER_LIMITS_H_

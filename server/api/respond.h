// The end of a unary handler.
#ifndef SKEW_SERVER_API_RESPOND_H_
#define SKEW_SERVER_API_RESPOND_H_

#include <utility>

#include "absl/status/statusor.h"
#include "common/status.h"
#include "grpcpp/grpcpp.h"

namespace skew {

// Moves the value into `response`, or turns the error into gRPC's.
template <typename T>
grpc::Status Respond(absl::StatusOr<T> result, T& response) {
  if (!result.ok()) return ToGrpc(result.status());
  response = *std::move(result);
  return grpc::Status::OK;
}

}  // namespace skew

#endif  // SKEW_SERVER_API_RESPOND_H_

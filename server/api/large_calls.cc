#include "server/api/large_calls.h"

#include <utility>

#include "common/status.h"

namespace skew {

absl::StatusOr<OpenStreams::Place> AwaitTurn(OpenStreams& streams, const Caller& caller,
                                             const grpc::ServerContextBase& context) {
  OpenStreams::Place turn = streams.Await(OpenStreams::Kind::kLargeRead, caller.user);
  if (context.IsCancelled()) return absl::CancelledError("the caller has gone");
  return turn;
}

absl::StatusOr<std::optional<OpenStreams::Place>> AwaitTurnFor(int64_t runs, OpenStreams& streams, const Caller& caller,
                                                               const grpc::ServerContextBase& context) {
  if (runs <= kFewRuns) return std::optional<OpenStreams::Place>();
  SKEW_ASSIGN_OR_RETURN(OpenStreams::Place turn, AwaitTurn(streams, caller, context));
  return std::make_optional(std::move(turn));
}

}  // namespace skew

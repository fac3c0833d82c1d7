// Turns of calls that take some tens of megabytes, and much of a core, each (see OpenStreams::Kind::kLargeRead).
#ifndef SKEW_SERVER_API_LARGE_CALLS_H_
#define SKEW_SERVER_API_LARGE_CALLS_H_

#include <cstdint>
#include <optional>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "grpcpp/grpcpp.h"
#include "server/api/caller.h"
#include "server/api/open_streams.h"

namespace skew {

// Runs that a call may have to do with at once without a turn.
inline constexpr int64_t kFewRuns = 2000;

// Waits for the caller's turn, which lasts as long as the place is there. A call takes one at most. CANCELLED when
// whoever called has gone meanwhile.
absl::StatusOr<OpenStreams::Place> AwaitTurn(OpenStreams& streams, const Caller& caller,
                                             const grpc::ServerContextBase& context);

// The same for a call that has to do with so many runs; none of one with few.
absl::StatusOr<std::optional<OpenStreams::Place>> AwaitTurnFor(int64_t runs, OpenStreams& streams, const Caller& caller,
                                                               const grpc::ServerContextBase& context);

// AwaitTurnFor of a call, for what is to be done in it: number of runs -> its turn.
using AwaitTurnOfCall = absl::FunctionRef<absl::StatusOr<std::optional<OpenStreams::Place>>(int64_t runs)>;

}  // namespace skew

#endif  // SKEW_SERVER_API_LARGE_CALLS_H_

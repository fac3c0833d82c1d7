// absl::Status to and from grpc::Status, the one place where the two meet.
#ifndef SKEW_COMMON_STATUS_H_
#define SKEW_COMMON_STATUS_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "grpcpp/support/status.h"
#include "skew/v1/error.pb.h"

namespace skew {

// INVALID_ARGUMENT with the violations (at least one; as many as can be sent) as a BadRequest and in the message.
absl::Status InvalidFields(const std::vector<v1::FieldViolation>& violations);
absl::Status InvalidField(absl::string_view field, absl::string_view description);

// RESOURCE_EXHAUSTED that passes by itself, with a RetryInfo: it makes no sense to try again before `delay`.
absl::Status ExhaustedForNow(absl::string_view message, absl::Duration delay);

// Whether the same may work later: no room is left, or it does not work for now.
bool MayPass(const absl::Status& status);

// The delay that `status` carries; absent when it carries none.
std::optional<absl::Duration> RetryDelay(const absl::Status& status);

// The violations that `status` carries; empty when it carries none.
std::vector<v1::FieldViolation> FieldViolations(const absl::Status& status);

// Code, message (its first 1500 bytes, see status.cc), field violations and retry delay survive both ways.
grpc::Status ToGrpc(const absl::Status& status);
absl::Status FromGrpc(const grpc::Status& status);

// `status` with "context: " before its message; payloads are kept. OK stays OK.
absl::Status Annotate(const absl::Status& status, absl::string_view context);

}  // namespace skew

// Return the error of an expression that yields an absl::Status.
#define SKEW_RETURN_IF_ERROR(expression)                                \
  do {                                                                  \
    if (::absl::Status skew_status = (expression); !skew_status.ok()) { \
      return skew_status;                                               \
    }                                                                   \
  } while (false)

#define SKEW_CONCAT_INNER(a, b) a##b
#define SKEW_CONCAT(a, b) SKEW_CONCAT_INNER(a, b)

// SKEW_ASSIGN_OR_RETURN(auto x, Compute()): declare or assign from an absl::StatusOr, or return its error.
#define SKEW_ASSIGN_OR_RETURN(target, expression) \
  SKEW_ASSIGN_OR_RETURN_INNER(SKEW_CONCAT(skew_statusor_, __LINE__), target, expression)
#define SKEW_ASSIGN_OR_RETURN_INNER(statusor, target, expression) \
  auto statusor = (expression);                                   \
  if (!statusor.ok()) {                                           \
    return std::move(statusor).status();                          \
  }                                                               \
  target = *std::move(statusor)

#endif  // SKEW_COMMON_STATUS_H_

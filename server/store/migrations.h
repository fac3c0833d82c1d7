// The tables.
#ifndef SKEW_SERVER_STORE_MIGRATIONS_H_
#define SKEW_SERVER_STORE_MIGRATIONS_H_

#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace skew {

// Times are microseconds since 1970; `data`, `spec`, `bias_point` and `progress` are serialised protobuf messages of
// skew.v1; states, reasons and kinds are its enum values. Numbers of states in conditions: QUEUED 1, STARTING 2,
// RUNNING 3, CANCELLING 4, SUCCEEDED 5, FAILED 6, CANCELLED 7; JOB_QUEUED 1, JOB_RUNNING 2, JOB_SUCCEEDED 3,
// JOB_FAILED 4, JOB_CANCELLED 5.
//
// The SQL of every step from an empty database to this program's, in order. Append only: a database that has taken a
// step never takes it again.
absl::Span<const absl::string_view> Migrations();

}  // namespace skew

#endif  // SKEW_SERVER_STORE_MIGRATIONS_H_

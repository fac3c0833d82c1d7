#include "client/exit_code.h"

namespace skew {

ExitCode ExitCodeOf(absl::StatusCode code) {
  switch (code) {
    case absl::StatusCode::kOk:
      return ExitCode::kFine;
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kOutOfRange:
    case absl::StatusCode::kAlreadyExists:
    case absl::StatusCode::kFailedPrecondition:
      return ExitCode::kRejected;
    case absl::StatusCode::kUnavailable:
      return ExitCode::kUnreachable;
    case absl::StatusCode::kCancelled:
      return ExitCode::kCancelled;
    case absl::StatusCode::kDeadlineExceeded:
      return ExitCode::kTimedOut;
    case absl::StatusCode::kUnauthenticated:
    case absl::StatusCode::kPermissionDenied:
      return ExitCode::kNotAllowed;
    case absl::StatusCode::kNotFound:
      return ExitCode::kNotFound;
    case absl::StatusCode::kResourceExhausted:
      return ExitCode::kExhausted;
    default:
      return ExitCode::kFailed;
  }
}

ExitCode ExitCodeOf(v1::JobState state) {
  if (state == v1::JOB_SUCCEEDED) return ExitCode::kFine;
  return state == v1::JOB_CANCELLED ? ExitCode::kCancelled : ExitCode::kFailed;
}

ExitCode ExitCodeOf(v1::CompareRunsResponse::Verdict verdict) {
  const bool equal =
      verdict == v1::CompareRunsResponse::BIT_EQUAL || verdict == v1::CompareRunsResponse::STATISTICALLY_EQUAL;
  return equal ? ExitCode::kFine : ExitCode::kFailed;
}

}  // namespace skew

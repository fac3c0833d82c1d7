// What skewctl's exit codes mean.
#ifndef SKEW_CLIENT_EXIT_CODE_H_
#define SKEW_CLIENT_EXIT_CODE_H_

#include "absl/status/status.h"
#include "skew/v1/job.pb.h"
#include "skew/v1/reuse_service.pb.h"

namespace skew {

enum class ExitCode {
  kFine = 0,
  kFailed = 1,  // the job or run failed, and every error without a code of its own
  kRejected = 2,
  kUnreachable = 3,
  kCancelled = 4,
  kTimedOut = 5,
  kNotAllowed = 6,
  kNotFound = 7,
  kExhausted = 8,  // over a limit of the user's, or the server has no room: the same may work later
};

// Of a command that ended with an error. Requests that the server cannot accept as they are count as rejected:
// INVALID_ARGUMENT, OUT_OF_RANGE, ALREADY_EXISTS (a request id used for another spec) and FAILED_PRECONDITION.
ExitCode ExitCodeOf(absl::StatusCode code);

// Of a job that was watched until its end: fine, failed or cancelled.
ExitCode ExitCodeOf(v1::JobState state);

// Of a run that was trained again: fine only when it came out equal, to the last bit or by the test.
ExitCode ExitCodeOf(v1::CompareRunsResponse::Verdict verdict);

}  // namespace skew

#endif  // SKEW_CLIENT_EXIT_CODE_H_

// Printing that several commands share.
#ifndef SKEW_CLIENT_COMMANDS_PRINT_H_
#define SKEW_CLIENT_COMMANDS_PRINT_H_

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "client/session.h"
#include "skew/v1/job.pb.h"
#include "skew/v1/job_service.pb.h"
#include "skew/v1/run.pb.h"

namespace skew {

absl::Status PrintJobs(absl::Span<const v1::Job> jobs, Session& session);
absl::Status PrintRuns(absl::Span<const v1::Run> runs, Session& session);
absl::Status PrintResults(const v1::GetResultsResponse& results, Session& session);

}  // namespace skew

#endif  // SKEW_CLIENT_COMMANDS_PRINT_H_

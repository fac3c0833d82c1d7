// Iterations that are added until a share is known well enough (see StopRule in job.proto).
#ifndef SKEW_COMMON_STOP_RULE_H_
#define SKEW_COMMON_STOP_RULE_H_

#include <optional>

#include "absl/types/span.h"
#include "skew/v1/job.pb.h"
#include "skew/v1/job_service.pb.h"
#include "skew/v1/run.pb.h"

namespace skew {

// The run that a cell needs next, as Expand would make it; nothing while one of its runs has no result yet, when its
// share is known well enough, when it has all iterations, or when the spec has no rule. `cell`: all runs of one cell,
// at least one. A run without an accepted image tells no share: it does not count, and the cell goes on.
std::optional<v1::Run> NextIteration(const v1::JobSpec& spec, absl::Span<const v1::Run> cell);

// What the rule has saved: iterations that cells did not need, at the mean time that their runs took. Only of cells
// that are done. `runs`: all of the job.
v1::SavedRuns SavedByStopping(const v1::JobSpec& spec, absl::Span<const v1::Run> runs);

}  // namespace skew

#endif  // SKEW_COMMON_STOP_RULE_H_

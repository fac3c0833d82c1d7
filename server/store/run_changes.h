// Changes of a run's state, inside a write transaction.
#ifndef SKEW_SERVER_STORE_RUN_CHANGES_H_
#define SKEW_SERVER_STORE_RUN_CHANGES_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "common/ids.h"
#include "server/store/connections.h"
#include "skew/v1/run.pb.h"

namespace skew {

// Runs that are changed in one transaction at most, where there may be more: others want to write, too.
inline constexpr int kRunsAtOnce = 1000;

// One change: what it becomes and why.
struct RunChange {
  v1::RunState state = v1::RUN_STATE_UNSPECIFIED;
  v1::Reason reason = v1::REASON_UNSPECIFIED;
  std::string message;
  int32_t attempt = 0;      // that it concerns; 0 when none does
  std::string device;       // of that attempt
  std::string reused_from;  // with SUCCEEDED: see v1::Run
};

// Where a new run stands in the queue; `shape`: see run_shape.h.
struct RunPlace {
  int64_t shape = 0;
  int32_t priority = 0;
  bool paused = false;
};

// Inserts the row of a QUEUED run: its cell and seed, its content key and, as its precision, the one that is expected.
// The queue is the caller's to keep.
absl::Status InsertRun(WriteScope& scope, RunId id, const v1::Run& run, const RunPlace& place);

// Changes the run's row and appends the event; writes down for removal what a run that ends while it waits has left in
// its work folder. FAILED_PRECONDITION, naming both states, when the change is not legal.
absl::Status ChangeRun(WriteScope& scope, RunId id, const RunChange& change);

// Cancels a run: one that waits is CANCELLED at once, one that goes on becomes CANCELLING.
// FAILED_PRECONDITION when it has ended; one that is CANCELLING already stays so.
absl::Status CancelRun(WriteScope& scope, RunId id);

}  // namespace skew

#endif  // SKEW_SERVER_STORE_RUN_CHANGES_H_

#include "common/run_state.h"

#include <algorithm>
#include <iterator>

namespace skew {

using v1::Reason;
using v1::RunState;

bool IsLegalChange(RunState from, RunState to) {
  switch (from) {
    case v1::QUEUED:
      // SUCCEEDED: answered from the store.
      return to == v1::STARTING || to == v1::CANCELLED || to == v1::FAILED || to == v1::SUCCEEDED;
    case v1::STARTING:
      return to == v1::RUNNING || to == v1::QUEUED || to == v1::FAILED || to == v1::CANCELLING;
    case v1::RUNNING:
      return to == v1::SUCCEEDED || to == v1::FAILED || to == v1::QUEUED || to == v1::CANCELLING;
    case v1::CANCELLING:
      // A run whose last report came in before the cancel reached its worker has succeeded.
      return to == v1::CANCELLED || to == v1::SUCCEEDED;
    case v1::FAILED:
    case v1::CANCELLED:
      return to == v1::QUEUED;
    default:
      return false;
  }
}

bool IsTerminal(RunState state) { return state == v1::SUCCEEDED || state == v1::FAILED || state == v1::CANCELLED; }

bool IsTerminal(v1::JobState state) {
  return state == v1::JOB_SUCCEEDED || state == v1::JOB_FAILED || state == v1::JOB_CANCELLED;
}

bool IsActive(RunState state) { return state == v1::STARTING || state == v1::RUNNING || state == v1::CANCELLING; }

const FailureClass& FailureClassOf(Reason reason) {
  constexpr bool kRetried = true;
  constexpr bool kCounts = true;
  constexpr bool kElsewhere = true;
  static constexpr FailureClass kClasses[] = {
      {v1::WORKER_LOST, kRetried, kCounts, kElsewhere},
      {v1::DEVICE_FAULT, kRetried, kCounts, kElsewhere},
      {v1::PREEMPTED, kRetried, !kCounts, !kElsewhere},
      // These would come out the same.
      {v1::USER_CONFIG, !kRetried, kCounts, !kElsewhere},
      {v1::OUT_OF_MEMORY_DEVICE, !kRetried, kCounts, !kElsewhere},
      {v1::OUT_OF_MEMORY_HOST, !kRetried, kCounts, !kElsewhere},
      {v1::NUMERIC, !kRetried, kCounts, !kElsewhere},
      {v1::TIMEOUT, !kRetried, kCounts, !kElsewhere},
      {v1::INTERNAL, !kRetried, kCounts, !kElsewhere},
      {v1::DEPENDENCY_FAILED, !kRetried, kCounts, !kElsewhere},
      {v1::CANCEL_REQUESTED, !kRetried, kCounts, !kElsewhere},
  };
  static constexpr FailureClass kUnknown = {v1::REASON_UNSPECIFIED, !kRetried, kCounts, !kElsewhere};
  const auto* const found = std::find_if(std::begin(kClasses), std::end(kClasses),
                                         [reason](const FailureClass& one) { return one.reason == reason; });
  return found == std::end(kClasses) ? kUnknown : *found;
}

void AddRuns(RunState state, int count, v1::RunCounts& counts) {
  counts.set_total(counts.total() + count);
  if (state == v1::QUEUED) counts.set_queued(counts.queued() + count);
  if (IsActive(state)) counts.set_active(counts.active() + count);
  if (state == v1::SUCCEEDED) counts.set_succeeded(counts.succeeded() + count);
  if (state == v1::FAILED) counts.set_failed(counts.failed() + count);
  if (state == v1::CANCELLED) counts.set_cancelled(counts.cancelled() + count);
}

v1::JobState JobStateOf(const v1::RunCounts& counts) {
  if (counts.queued() == counts.total()) return v1::JOB_QUEUED;
  if (counts.queued() + counts.active() > 0) return v1::JOB_RUNNING;
  if (counts.failed() > 0) return v1::JOB_FAILED;
  return counts.cancelled() > 0 ? v1::JOB_CANCELLED : v1::JOB_SUCCEEDED;
}

}  // namespace skew

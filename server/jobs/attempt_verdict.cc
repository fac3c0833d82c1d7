#include "server/jobs/attempt_verdict.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/run_state.h"
#include "common/worker_exit.h"
#include "server/jobs/start_holds.h"

namespace skew {
namespace {

AttemptEnd Preempted(std::string message) { return {v1::QUEUED, v1::PREEMPTED, std::move(message)}; }

// 1 s, 2 s, 4 s, ... at most a minute.
absl::Duration Backoff(int failures) {
  return std::min(absl::Seconds(int64_t{1} << std::clamp(failures - 1, 0, 10)), absl::Minutes(1));
}

// A failed attempt: again after a while when that can help and attempts are left.
AttemptEnd Failure(const AttemptFacts& facts, v1::Reason reason, const std::string& message, absl::Time now) {
  const int32_t failures = facts.failures + 1;
  if (!IsRetried(reason)) return {v1::FAILED, reason, message};
  if (!CountsAsAttempt(reason)) return {v1::QUEUED, reason, message, now + 2 * HoldAfter(facts.in_vain + 1)};
  if (failures >= facts.max_attempts) {
    return {v1::FAILED, reason, absl::StrCat(message, " (attempt ", failures, " of ", facts.max_attempts, ")")};
  }
  return {v1::QUEUED, reason, message, now + Backoff(failures)};
}

// The kernel's kill or a person's: the signal is the same.
constexpr char kOutOfMemory[] = "the system was out of memory and killed the worker";

std::string DescribeExit(const WorkerExit& exit) {
  if (!exit.known) return "the worker, started by an earlier server, ended without a last report; see its log";
  return exit.signalled
             ? absl::StrCat("the worker was killed by signal ", exit.code)
             : absl::StrCat("the worker exited with code ", exit.code, " without a last report; see its log");
}

}  // namespace

AttemptEnd DecideAttemptEnd(const AttemptFacts& facts, StopCause cause, const WorkerExit& exit, absl::Time now) {
  const bool finished = facts.outcome.has_value() && facts.outcome->has_finished();
  if (finished && facts.run_state != v1::STARTING) return {v1::SUCCEEDED, v1::REASON_UNSPECIFIED, ""};
  if (finished) return {v1::FAILED, v1::INTERNAL, "the worker finished what it never started"};
  if (facts.run_state == v1::CANCELLING) return {v1::CANCELLED, v1::CANCEL_REQUESTED, ""};
  if (!exit.refused.empty()) {
    return Failure(facts, v1::INTERNAL, absl::StrCat("the worker sent what cannot be: ", exit.refused), now);
  }
  if (!exit.not_started.empty()) {
    return {v1::QUEUED, v1::PREEMPTED, absl::StrCat("the server could not start a worker: ", exit.not_started),
            now + 2 * HoldAfter(std::max(exit.failed_starts, facts.in_vain + 1))};
  }
  if (facts.outcome.has_value() && facts.outcome->has_failed()) {
    return Failure(facts, facts.outcome->failed().reason(), facts.outcome->failed().message(), now);
  }
  if (cause == StopCause::kTimeout) return {v1::FAILED, v1::TIMEOUT, "over its time limit"};
  if (cause == StopCause::kDrain) return Preempted("the server stopped; goes on from its checkpoint");
  if (cause == StopCause::kPause) return Preempted("paused; goes on from its checkpoint when it is resumed");
  if (cause == StopCause::kSilence) {
    return Failure(facts, v1::WORKER_LOST, "the worker fell silent and was killed", now);
  }
  if (facts.outcome.has_value() && facts.outcome->has_stopped()) return Preempted("the worker was asked to stop");
  if (exit.known && !exit.signalled && exit.code == kExitDaemonLost) return Preempted("the worker lost the server");
  if (exit.out_of_memory) return Failure(facts, v1::OUT_OF_MEMORY_HOST, kOutOfMemory, now);
  return Failure(facts, v1::WORKER_LOST, DescribeExit(exit), now);
}

}  // namespace skew

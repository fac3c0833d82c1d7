// What the scheduler does first: it finds out what an earlier daemon left.
#include <optional>
#include <utility>

#include "absl/time/time.h"
#include "common/proto_time.h"
#include "common/run_state.h"
#include "server/jobs/scheduler.h"
#include "spdlog/spdlog.h"

namespace skew {
namespace {

// What lies between a claim and the start of its process is less.
constexpr absl::Duration kClockTolerance = absl::Minutes(1);

std::string Text(const absl::Status& status) { return status.ToString(); }

}  // namespace

// Adopts the workers that an earlier daemon left; ends the other attempts, first their processes if there are any.
void Scheduler::Recover() {
  std::vector<OpenAttempt> lost;
  std::vector<ProcessIdentity> orphans;
  for (const OpenAttempt& open : AwaitOpenAttempts()) {
    if (Adopt(open)) continue;
    lost.push_back(open);
    if (open.process.pid != 0) orphans.push_back(open.process);
  }
  {
    absl::MutexLock lock(&mutex_);
    adopted_ = true;
  }
  launcher_->EndOrphans(orphans, options_.stop_grace);
  for (const OpenAttempt& open : lost) {
    while (!EndRecovered(open.attempt)) {
      if (PauseForStore()) return;
    }
  }
}

// Waits until the store may be tried again; true when the daemon stops first.
bool Scheduler::PauseForStore() {
  absl::MutexLock lock(&mutex_);
  return clock_->AwaitWithDeadline(&mutex_, absl::Condition(&draining_), clock_->Now() + options_.retry_interval);
}

std::vector<OpenAttempt> Scheduler::AwaitOpenAttempts() {
  while (true) {
    absl::StatusOr<std::vector<OpenAttempt>> open = runs_->OpenAttempts();
    if (open.ok()) return *std::move(open);
    spdlog::error("recovery: cannot read the attempts under way: {}", Text(open.status()));
    if (PauseForStore()) return {};
  }
}

bool Scheduler::Adopt(const OpenAttempt& open) {
  if (open.process.pid == 0) return false;
  const absl::StatusOr<Claim> claim = runs_->ReadClaim(open.attempt);
  if (!claim.ok()) return false;
  const std::optional<Lease> lease =
      devices_->TakeAgain(open.device, open.memory_bytes, open.whole_device, open.start_time);
  if (!lease.has_value()) return false;
  InFlight attempt = InFlightFor(*claim, *lease, open.start_time);
  attempt.has_order = true;
  attempt.attach_deadline = clock_->Now() + options_.attach_grace;
  {
    absl::MutexLock lock(&mutex_);
    in_flight_.emplace(open.attempt, std::move(attempt));
  }
  if (const auto age = launcher_->Adopt(open.attempt, open.process); age.ok()) {
    SetStart(open, *claim, clock_->Now() - *age);
    devices_->SetHolder(*lease, open.attempt.run);
    devices_->SetProcess(*lease, open.process.pid);
    spdlog::info("{} goes on on {}: process {}", open.attempt.ToString(), lease->device, open.process.pid);
    return true;
  }
  {
    absl::MutexLock lock(&mutex_);
    in_flight_.erase(open.attempt);
  }
  devices_->Return(*lease);
  return false;
}

// The process knows when it was started by a clock that nobody sets: what is written down may be off by what the
// system's was set since.
void Scheduler::SetStart(const OpenAttempt& open, const Claim& claim, absl::Time start_time) {
  if (absl::AbsDuration(start_time - open.start_time) < kClockTolerance) return;
  const absl::Status moved = runs_->MoveStart(open.attempt, start_time);
  if (!moved.ok()) spdlog::warn("cannot move the start of {}: {}", open.attempt.ToString(), Text(moved));
  absl::MutexLock lock(&mutex_);
  const auto found = in_flight_.find(open.attempt);
  if (found == in_flight_.end() || !claim.spec.has_time_limit()) return;
  found->second.time_limit = start_time + FromProto(claim.spec.time_limit());
}

bool Scheduler::EndRecovered(const AttemptId& attempt) {
  const absl::StatusOr<AttemptEnd> end = runs_->EndAttempt(attempt, [&](const AttemptFacts& facts) {
    AttemptEnd verdict = DecideAttemptEnd(facts, StopCause::kDrain, WorkerExit{}, clock_->Now());
    verdict.held_until = facts.last_heard;  // nobody is charged for the time without a daemon
    return verdict;
  });
  if (!end.ok()) {
    spdlog::error("recovery: {}: {}", attempt.ToString(), Text(end.status()));
    return end.status().code() == absl::StatusCode::kFailedPrecondition;  // trying again cannot help
  }
  if (IsTerminal(end->state)) RemoveWorkOf(attempt.run);
  spdlog::info("{} was under way when the server last ended: now {}", attempt.ToString(),
               v1::RunState_Name(end->state));
  return true;
}

}  // namespace skew

// What the scheduler does first: it finds out what an earlier daemon left.
#include <filesystem>
#include <optional>
#include <system_error>
#include <utility>

#include "absl/time/time.h"
#include "common/proto_time.h"
#include "common/run_state.h"
#include "common/status.h"
#include "common/worker_exit.h"
#include "server/jobs/scheduler.h"
#include "spdlog/spdlog.h"

namespace skew {
namespace {

// What lies between a claim and the start of its process is less.
constexpr absl::Duration kClockTolerance = absl::Minutes(1);

}  // namespace

// Adopts the workers that an earlier daemon left; ends the other attempts, first their processes if there are any.
void Scheduler::Recover() {
  struct Lost {
    AttemptId attempt;
    bool gone;  // its worker has ended, which the earlier daemon or a restart of the system need not have caused
  };
  std::vector<Lost> lost;
  std::vector<ProcessIdentity> orphans;
  for (const OpenAttempt& open : AwaitOpenAttempts()) {
    const absl::Status adopted = Adopt(open);
    if (adopted.ok()) continue;
    lost.push_back({open.attempt, absl::IsNotFound(adopted)});
    if (open.process.pid != 0) orphans.push_back(open.process);
  }
  {
    absl::MutexLock lock(&mutex_);
    adopted_ = true;
  }
  launcher_->EndOrphans(orphans, options_.stop_grace);
  for (const auto& [attempt, gone] : lost) {
    while (!EndRecovered(attempt, gone)) {
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
    spdlog::error("recovery: cannot read the attempts under way: {}", open.status().ToString());
    if (PauseForStore()) return {};
  }
}

// NOT_FOUND when the worker has ended; any other error when it cannot be kept.
absl::Status Scheduler::Adopt(const OpenAttempt& open) {
  if (open.process.pid == 0) return absl::FailedPreconditionError("no process was started that we know of");
  const absl::StatusOr<Claim> claim = runs_->ReadClaim(open.attempt);
  if (!claim.ok()) return absl::FailedPreconditionError(claim.status().message());
  const std::optional<Lease> lease =
      devices_->TakeAgain(open.device, open.memory_bytes, open.whole_device, open.start_time);
  if (!lease.has_value()) return absl::FailedPreconditionError("its device is not there, or taken");
  InFlight attempt = InFlightFor(*claim, *lease, open.start_time);
  attempt.has_order = true;
  attempt.attach_deadline = clock_->Now() + options_.attach_grace;
  {
    absl::MutexLock lock(&mutex_);
    in_flight_.emplace(open.attempt, std::move(attempt));
  }
  const absl::StatusOr<absl::Duration> age = launcher_->Adopt(open.attempt, open.process);
  if (age.ok()) {
    SetStart(open, *claim, clock_->Now() - *age);
    devices_->SetHolder(*lease, open.attempt.run);
    devices_->SetProcess(*lease, open.process.pid);
    spdlog::info("{} goes on on {}: process {}", open.attempt.ToString(), lease->device, open.process.pid);
    return absl::OkStatus();
  }
  {
    absl::MutexLock lock(&mutex_);
    in_flight_.erase(open.attempt);
  }
  devices_->Return(*lease);
  return age.status();
}

// The process knows when it was started by a clock that nobody sets: what is written down may be off by what the
// system's was set since.
void Scheduler::SetStart(const OpenAttempt& open, const Claim& claim, absl::Time start_time) {
  if (absl::AbsDuration(start_time - open.start_time) < kClockTolerance) return;
  const absl::Status moved = runs_->MoveStart(open.attempt, start_time);
  if (!moved.ok()) spdlog::warn("cannot move the start of {}: {}", open.attempt.ToString(), moved.ToString());
  absl::MutexLock lock(&mutex_);
  const auto found = in_flight_.find(open.attempt);
  if (found == in_flight_.end() || !claim.spec.has_time_limit()) return;
  found->second.time_limit = start_time + FromProto(claim.spec.time_limit());
}

// What a worker has left in writing, where the system does not say how it ended.
WorkerExit Scheduler::WithNote(const AttemptId& id, WorkerExit exit) const {
  if (exit.known) return exit;
  std::error_code error;
  if (!std::filesystem::exists(DaemonLostNote(state_dir_->WorkDir(id.run), id.number), error)) return exit;
  exit.known = true;
  exit.code = kExitDaemonLost;
  return exit;
}

bool Scheduler::EndRecovered(const AttemptId& attempt, bool gone) {
  const WorkerExit exit = WithNote(attempt, WorkerExit{.known = false});
  const StopCause cause = gone ? StopCause::kNone : StopCause::kDrain;
  const absl::StatusOr<AttemptEnd> end = runs_->EndAttempt(attempt, [&](const AttemptFacts& facts) {
    AttemptEnd verdict = DecideAttemptEnd(facts, cause, exit, clock_->Now());
    verdict.held_until = facts.last_heard;  // nobody is charged for the time without a daemon
    return verdict;
  });
  if (!end.ok()) {
    spdlog::error("recovery: {}: {}", attempt.ToString(), end.status().ToString());
    return !MayPass(end.status());  // one that cannot be read must not hold up the others
  }
  if (IsTerminal(end->state)) RemoveWorkOf(attempt.run);
  spdlog::info("{} was under way when the server last ended: now {}", attempt.ToString(),
               v1::RunState_Name(end->state));
  return true;
}

}  // namespace skew

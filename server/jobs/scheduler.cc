#include "server/jobs/scheduler.h"

#include <algorithm>
#include <filesystem>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/run_state.h"
#include "common/status.h"
#include "spdlog/spdlog.h"

namespace skew {
namespace {

worker::v1::Command::Action ActionFor(StopCause cause) {
  const bool goes_on = cause == StopCause::kDrain || cause == StopCause::kPause;
  return goes_on ? worker::v1::Command::CHECKPOINT_AND_STOP : worker::v1::Command::CANCEL;
}

// What befell a worker that had not come for its order yet: nothing that the run could have to do with.
std::string DescribeEarlyEnd(const WorkerExit& exit, StopCause cause) {
  if (cause == StopCause::kSilence) return "it fell silent before it came for its order, and was killed";
  return absl::StrCat("it ended before it came for its order, ", exit.signalled ? "killed by signal " : "with code ",
                      exit.code, "; see its log");
}

bool Contains(const absl::StatusOr<std::vector<AttemptId>>& attempts, const AttemptId& id) {
  return attempts.ok() && std::find(attempts->begin(), attempts->end(), id) != attempts->end();
}

}  // namespace

Scheduler::Scheduler(RunStore* runs, QueueStore* queue, ArtifactStore* artifacts, DatasetRegistry* datasets,
                     DeviceLedger* devices, Launcher* launcher, GpuProbe* probe, const StateDir* state_dir,
                     const DiskReserve* reserve, StartHolds* holds, Clock* clock, Options options)
    : runs_(runs),
      queue_(queue),
      artifacts_(artifacts),
      datasets_(datasets),
      devices_(devices),
      launcher_(launcher),
      probe_(probe),
      state_dir_(state_dir),
      reserve_(reserve),
      holds_(holds),
      clock_(clock),
      options_(options) {
  launcher_->SetOnExit([this](const AttemptId& id, const WorkerExit& exit) { OnExit(id, exit); });
}

Scheduler::~Scheduler() { Drain(); }

void Scheduler::Start() {
  thread_ = std::thread([this] { Loop(); });
}

void Scheduler::Wake() {
  absl::MutexLock lock(&mutex_);
  awake_ = true;
}

void Scheduler::Drain() {
  {
    absl::MutexLock lock(&mutex_);
    draining_ = true;
    awake_ = true;
  }
  if (thread_.joinable()) thread_.join();
}

absl::StatusOr<worker::v1::WorkOrder> Scheduler::OrderOf(const AttemptId& attempt) {
  absl::MutexLock lock(&mutex_);
  if (!adopted_) return absl::UnavailableError("the server starts");
  if (draining_ && options_.on_stop == OnStop::kDetach) return absl::UnavailableError("the server stops");
  const auto found = in_flight_.find(attempt);
  if (found == in_flight_.end()) return absl::NotFoundError(absl::StrCat(attempt.ToString(), " is not under way"));
  if (!found->second.has_order) awake_ = holds_->NoteStart() || awake_;
  found->second.has_order = true;
  return found->second.order;
}

void Scheduler::Attach(const AttemptId& attempt, WorkerLink* link) {
  absl::MutexLock lock(&mutex_);
  const auto found = in_flight_.find(attempt);
  if (found == in_flight_.end()) return;
  found->second.link = link;
  found->second.attach_deadline = absl::InfiniteFuture();
  if (found->second.stop_cause != StopCause::kNone) link->Send(ActionFor(found->second.stop_cause));
}

void Scheduler::Detach(const AttemptId& attempt, const WorkerLink* link) {
  absl::MutexLock lock(&mutex_);
  const auto found = in_flight_.find(attempt);
  if (found == in_flight_.end() || found->second.link != link) return;
  found->second.link = nullptr;
  // One that has ended says so by its exit, and one that lives comes back soon.
  found->second.attach_deadline = clock_->Now() + options_.attach_grace;
  awake_ = true;
}

void Scheduler::Refuse(const AttemptId& attempt, const absl::Status& why) {
  absl::MutexLock lock(&mutex_);
  const auto found = in_flight_.find(attempt);
  if (found == in_flight_.end() || !found->second.refusal.empty()) return;
  found->second.refusal = std::string(why.message());
  found->second.stop_cause = StopCause::kRefused;
  found->second.kill_time = absl::InfinitePast();
  awake_ = true;
}

void Scheduler::OnExit(const AttemptId& id, const WorkerExit& exit) {
  absl::MutexLock lock(&mutex_);
  const auto found = in_flight_.find(id);
  if (found == in_flight_.end()) return;
  InFlight& attempt = found->second;
  attempt.exited = true;
  attempt.exit = exit;
  const bool stopped = attempt.stop_cause != StopCause::kNone && attempt.stop_cause != StopCause::kSilence;
  if (!attempt.has_order && !stopped) {
    if (exit.not_started.empty()) attempt.exit.not_started = DescribeEarlyEnd(exit, attempt.stop_cause);
    attempt.exit.failed_starts = holds_->NoteFailedStart(attempt.exit.not_started);
  }
  awake_ = true;
}

void Scheduler::Loop() {
  ReadDevices();
  Recover();
  while (true) {
    // What becomes due from here on may be too late for this pass, and is what the next one is for.
    const absl::Time begun = clock_->Now();
    RequestStops();
    bool store_failed = !EndExited();
    {
      absl::MutexLock lock(&mutex_);
      if (draining_ && (in_flight_.empty() || options_.on_stop == OnStop::kDetach)) return;
    }
    ReadDevices();
    store_failed = !Dispatch() || store_failed;
    store_failed = !RecordProcesses() || store_failed;
    const absl::Time deadline = NextDeadline(begun, store_failed);
    absl::MutexLock lock(&mutex_);
    clock_->AwaitWithDeadline(&mutex_, absl::Condition(&awake_), deadline);
    awake_ = false;
  }
}

void Scheduler::ReadDevices() {
  if (probe_ != nullptr) devices_->Update(probe_->Read(), clock_->Now());
}

void Scheduler::RequestStops() {
  const absl::StatusOr<std::vector<AttemptId>> cancelling = runs_->CancellingAttempts();
  if (!cancelling.ok()) spdlog::warn("cannot read the cancelled runs: {}", cancelling.status().ToString());
  const absl::StatusOr<std::vector<AttemptId>> paused = runs_->PausedAttempts();
  if (!paused.ok()) spdlog::warn("cannot read the paused runs: {}", paused.status().ToString());
  const absl::Time now = clock_->Now();
  std::vector<AttemptId> to_kill;
  {
    absl::MutexLock lock(&mutex_);
    for (auto& [id, attempt] : in_flight_) {
      if (Contains(cancelling, id)) StopLocked(id, attempt, StopCause::kCancel);
      if (Contains(paused, id)) StopLocked(id, attempt, StopCause::kPause);
      if (now >= attempt.time_limit) StopLocked(id, attempt, StopCause::kTimeout);
      if (draining_ && options_.on_stop == OnStop::kCheckpoint) StopLocked(id, attempt, StopCause::kDrain);
      if (now < std::min(attempt.kill_time, attempt.attach_deadline) || attempt.exited) continue;
      if (attempt.stop_cause == StopCause::kNone) attempt.stop_cause = StopCause::kSilence;
      attempt.kill_time = absl::InfiniteFuture();
      attempt.attach_deadline = absl::InfiniteFuture();
      to_kill.push_back(id);
    }
  }
  for (const AttemptId& id : to_kill) launcher_->Kill(id);
}

void Scheduler::StopLocked(const AttemptId& id, InFlight& attempt, StopCause cause) {
  if (attempt.stop_cause != StopCause::kNone || attempt.exited) return;
  spdlog::info("stopping {}", id.ToString());
  attempt.stop_cause = cause;
  // A worker that has not come for its order yet has nothing to lose.
  attempt.kill_time = attempt.has_order ? clock_->Now() + options_.stop_grace : absl::InfinitePast();
  if (attempt.link != nullptr) attempt.link->Send(ActionFor(cause));
}

std::vector<AttemptId> Scheduler::ExitedAttempts() {
  absl::MutexLock lock(&mutex_);
  std::vector<AttemptId> exited;
  for (const auto& [id, attempt] : in_flight_) {
    if (attempt.exited) exited.push_back(id);
  }
  return exited;
}

bool Scheduler::EndExited() {
  bool all_written = true;
  for (const AttemptId& id : ExitedAttempts()) {
    InFlight attempt;
    {
      absl::MutexLock lock(&mutex_);
      attempt = in_flight_.at(id);
    }
    if (!End(id, attempt)) {
      all_written = false;
      continue;
    }
    absl::MutexLock lock(&mutex_);
    in_flight_.erase(id);
  }
  return all_written;
}

bool Scheduler::End(const AttemptId& id, const InFlight& attempt) {
  WorkerExit exit = WithNote(id, attempt.exit);
  exit.refused = attempt.refusal;
  bool lacked = false;  // something that is not the run's
  const absl::StatusOr<AttemptEnd> end = runs_->EndAttempt(id, [&](const AttemptFacts& facts) {
    lacked = facts.outcome.has_value() && facts.outcome->failed().reason() == v1::PREEMPTED;
    AttemptEnd verdict = DecideAttemptEnd(facts, attempt.stop_cause, exit, clock_->Now());
    verdict.peak_bytes = devices_->PeakOf(attempt.lease);
    return verdict;
  });
  if (!end.ok()) {
    spdlog::error("cannot write the end of {}: {}", id.ToString(), end.status().ToString());
    return false;
  }
  spdlog::info("{} on {}: {} {} {}", id.ToString(), attempt.lease.device, v1::RunState_Name(end->state),
               end->reason == v1::REASON_UNSPECIFIED ? "" : v1::Reason_Name(end->reason), end->message);
  if (lacked && end->state == v1::QUEUED) {
    Hold(id.run.job, end->message);
  } else if (exit.not_started.empty()) {
    holds_->ReleaseJob(id.run.job);
  }
  if (IsTerminal(end->state)) RemoveWorkOf(id.run);
  devices_->Return(attempt.lease);
  return true;
}

void Scheduler::RemoveWorkOf(RunId run) const {
  std::error_code error;
  const std::string folder = state_dir_->WorkDir(run);
  std::filesystem::remove_all(folder, error);
  if (error) spdlog::warn("cannot remove {}: {}", folder, error.message());
}

absl::Time Scheduler::NextDeadline(absl::Time begun, bool store_failed) {
  const absl::StatusOr<absl::Time> retry = runs_->NextRetryTime(begun);
  absl::Time deadline = retry.value_or(clock_->Now() + options_.retry_interval);
  if (probe_ != nullptr) {
    const bool settling = devices_->IsSettling();
    deadline = std::min(deadline, clock_->Now() + (settling ? options_.settling_interval : options_.probe_interval));
  }
  deadline = std::min(deadline, holds_->Until(begun));
  if (disk_full_) deadline = std::min(deadline, clock_->Now() + options_.disk_interval);
  if (store_failed) deadline = std::min(deadline, clock_->Now() + options_.retry_interval);
  absl::MutexLock lock(&mutex_);
  for (const auto& [id, attempt] : in_flight_) {
    if (attempt.exited) continue;
    deadline = std::min({deadline, attempt.kill_time, attempt.attach_deadline});
    if (attempt.stop_cause == StopCause::kNone) deadline = std::min(deadline, attempt.time_limit);
  }
  return deadline;
}

}  // namespace skew

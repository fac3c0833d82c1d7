#include "server/jobs/scheduler.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/digest.h"
#include "common/file.h"
#include "common/proto_time.h"
#include "common/run_state.h"
#include "common/status.h"
#include "server/jobs/queue_snapshot.h"
#include "server/jobs/work_order.h"
#include "spdlog/spdlog.h"

namespace skew {
namespace {

std::string Text(const absl::Status& status) { return status.ToString(); }

worker::v1::Command::Action ActionFor(StopCause cause) {
  const bool goes_on = cause == StopCause::kDrain || cause == StopCause::kPause;
  return goes_on ? worker::v1::Command::CHECKPOINT_AND_STOP : worker::v1::Command::CANCEL;
}

bool Contains(const absl::StatusOr<std::vector<AttemptId>>& attempts, const AttemptId& id) {
  return attempts.ok() && std::find(attempts->begin(), attempts->end(), id) != attempts->end();
}

// Rows of the queue that are read of each user for one decision: more than there are devices to fill.
constexpr int kReadyRowsPerUser = 64;

}  // namespace

Scheduler::Scheduler(RunStore* runs, QueueStore* queue, ArtifactStore* artifacts, DatasetRegistry* datasets,
                     DeviceLedger* devices, Launcher* launcher, GpuProbe* probe, const StateDir* state_dir,
                     const DiskReserve* reserve, Clock* clock, Options options)
    : runs_(runs),
      queue_(queue),
      artifacts_(artifacts),
      datasets_(datasets),
      devices_(devices),
      launcher_(launcher),
      probe_(probe),
      state_dir_(state_dir),
      reserve_(reserve),
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
  return found->second.order;
}

void Scheduler::Attach(const AttemptId& attempt, WorkerLink* link) {
  absl::MutexLock lock(&mutex_);
  const auto found = in_flight_.find(attempt);
  if (found == in_flight_.end()) return;
  found->second.link = link;
  found->second.has_order = true;
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
  found->second.exited = true;
  found->second.exit = exit;
  awake_ = true;
}

void Scheduler::Loop() {
  ReadDevices();
  Recover();
  while (true) {
    RequestStops();
    bool store_failed = !EndExited();
    {
      absl::MutexLock lock(&mutex_);
      if (draining_ && (in_flight_.empty() || options_.on_stop == OnStop::kDetach)) return;
    }
    ReadDevices();
    store_failed = !Dispatch() || store_failed;
    const absl::Time deadline = NextDeadline(store_failed);
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
  if (!cancelling.ok()) spdlog::warn("cannot read the cancelled runs: {}", Text(cancelling.status()));
  const absl::StatusOr<std::vector<AttemptId>> paused = runs_->PausedAttempts();
  if (!paused.ok()) spdlog::warn("cannot read the paused runs: {}", Text(paused.status()));
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
  const absl::StatusOr<AttemptEnd> end = runs_->EndAttempt(id, [&](const AttemptFacts& facts) {
    AttemptEnd verdict = DecideAttemptEnd(facts, attempt.stop_cause, exit, clock_->Now());
    verdict.peak_bytes = devices_->PeakOf(attempt.lease);
    return verdict;
  });
  if (!end.ok()) {
    spdlog::error("cannot write the end of {}: {}", id.ToString(), Text(end.status()));
    return false;
  }
  spdlog::info("{} on {}: {} {} {}", id.ToString(), attempt.lease.device, v1::RunState_Name(end->state),
               end->reason == v1::REASON_UNSPECIFIED ? "" : v1::Reason_Name(end->reason), end->message);
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

// Whether anything may be started as far as the disk is concerned.
bool Scheduler::HasRoom() {
  const absl::Status room = CheckRoom();
  if (!room.ok() && !disk_full_) spdlog::warn("nothing is started: {}", Text(room));
  if (room.ok() && disk_full_) spdlog::info("the disk has room again");
  disk_full_ = !room.ok();
  return room.ok();
}

bool Scheduler::Dispatch() {
  const absl::StatusOr<int> orphaned = runs_->FailOrphanedStudies();
  if (!orphaned.ok()) spdlog::warn("cannot fail orphaned studies: {}", Text(orphaned.status()));
  const absl::Status settled = queue_->SettleWaits();
  if (!settled.ok()) spdlog::warn("cannot settle what runs wait for: {}", Text(settled));
  while (devices_->HasFree()) {
    {
      absl::MutexLock lock(&mutex_);
      if (draining_) return true;
    }
    if (!HasRoom()) return true;
    const absl::StatusOr<bool> started = StartWhatMay();
    if (!started.ok()) spdlog::warn("cannot start runs: {}", Text(started.status()));
    if (!started.ok()) return false;
    if (!*started) return true;
  }
  return true;
}

absl::StatusOr<bool> Scheduler::StartWhatMay() {
  SKEW_ASSIGN_OR_RETURN(const QueuePicture picture, queue_->ReadReady(kReadyRowsPerUser));
  const std::vector<DeviceSlots> devices = devices_->Slots();
  const FairShareSnapshot snapshot = SnapshotOf(picture, devices);
  bool any = false;
  for (const StartDecision& start : DecideStarts(snapshot, OptionsOf(picture, options_.aged_after))) {
    const QueueRow& row = picture.users[start.user].rows[start.batch];
    const RunNeed& need = snapshot.users[start.user].batches[start.batch].need;
    const size_t device = DeviceFor(row, snapshot, need, start.device, devices);
    SKEW_ASSIGN_OR_RETURN(const bool started, StartOne(row.key, devices[device], need));
    any = any || started;
  }
  return any;
}

// The chosen device, or another one that is free and like it when the run's last attempt was lost on that one.
size_t Scheduler::DeviceFor(const QueueRow& row, const FairShareSnapshot& snapshot, const RunNeed& need, size_t chosen,
                            const std::vector<DeviceSlots>& devices) {
  const absl::StatusOr<std::string> avoided = runs_->DeviceToAvoid({row.key.job, row.next_run});
  if (!avoided.ok() || *avoided != devices[chosen].name) return chosen;
  for (size_t other = 0; other < devices.size(); ++other) {
    const FairShareDevice& device = snapshot.devices[other];
    if (other != chosen && device.kind == snapshot.devices[chosen].kind &&
        FitsNow(need, device, devices[other].held.empty())) {
      return other;
    }
  }
  return chosen;
}

// False when there is nothing to start any more: somebody was quicker to cancel or pause it.
absl::StatusOr<bool> Scheduler::StartOne(const QueueKey& key, const DeviceSlots& device, const RunNeed& need) {
  const std::optional<Lease> lease = devices_->Take(device.name, need.memory_bytes, need.whole_device, clock_->Now());
  if (!lease.has_value()) return false;
  const std::string token = RandomHex(32);
  const absl::StatusOr<std::optional<Claim>> claim =
      runs_->ClaimOneOf(key, {lease->device, lease->kind, lease->memory_bytes, lease->whole_device}, Sha256Hex(token));
  if (!claim.ok() || !claim->has_value()) {
    devices_->Return(*lease);
    if (!claim.ok()) return claim.status();
    return false;
  }
  Launch(**claim, *lease, token);
  return true;
}

void Scheduler::Launch(const Claim& claim, const Lease& lease, const std::string& token) {
  const AttemptId id = claim.attempt;
  devices_->SetHolder(lease, id.run);
  InFlight attempt = InFlightFor(claim, lease, clock_->Now());
  attempt.attach_deadline = clock_->Now() + options_.start_grace;
  const int made = mkdir(attempt.order.work_dir().c_str(), 0700);
  const int error = made == 0 || errno == EEXIST ? 0 : errno;
  {
    absl::MutexLock lock(&mutex_);
    in_flight_.emplace(id, std::move(attempt));
  }
  absl::StatusOr<ProcessIdentity> process =
      error != 0 ? SystemError(error, absl::StrCat("cannot create the work folder of ", id.run.ToString()))
                 : launcher_->Start({id, token, lease, state_dir_->LogFile(id)});
  if (!process.ok()) {
    spdlog::error("cannot start the worker of {}: {}", id.ToString(), Text(process.status()));
    const bool passes = absl::IsUnavailable(process.status()) || absl::IsResourceExhausted(process.status());
    ++failed_starts_;
    OnExit(id, passes
                   ? WorkerExit{.not_started = std::string(process.status().message()), .failed_starts = failed_starts_}
                   : WorkerExit{false, 127});
    return;
  }
  failed_starts_ = 0;
  devices_->SetProcess(lease, process->pid);
  spdlog::info("{} ({}) on {}: process {}", id.ToString(), claim.run.model(), lease.device, process->pid);
  const absl::Status recorded = runs_->RecordProcess(id, *process);
  if (!recorded.ok()) spdlog::warn("cannot record the process of {}: {}", id.ToString(), Text(recorded));
}

Scheduler::InFlight Scheduler::InFlightFor(const Claim& claim, const Lease& lease, absl::Time start_time) const {
  InFlight attempt;
  attempt.lease = lease;
  attempt.order = OrderFor(claim, lease, {datasets_, artifacts_, state_dir_, options_.checkpoint_interval});
  if (claim.spec.has_time_limit()) attempt.time_limit = start_time + FromProto(claim.spec.time_limit());
  return attempt;
}

absl::Time Scheduler::NextDeadline(bool store_failed) {
  const absl::StatusOr<absl::Time> retry = runs_->NextRetryTime();
  absl::Time deadline = retry.value_or(clock_->Now() + options_.retry_interval);
  if (probe_ != nullptr) {
    const bool settling = devices_->IsSettling();
    deadline = std::min(deadline, clock_->Now() + (settling ? options_.settling_interval : options_.probe_interval));
  }
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

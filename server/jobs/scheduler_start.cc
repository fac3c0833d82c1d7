#include <sys/stat.h>

#include <cerrno>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/digest.h"
#include "common/file.h"
#include "common/proto_time.h"
#include "common/status.h"
#include "server/jobs/queue_snapshot.h"
#include "server/jobs/scheduler.h"
#include "spdlog/spdlog.h"

namespace skew {
namespace {

// Rows of the queue that are read of each user for one decision: more than there are devices to fill.
constexpr int kReadyRowsPerUser = 64;

}  // namespace

// Whether anything may be started as far as the disk is concerned.
bool Scheduler::HasRoom() {
  const absl::Status room = CheckRoom();
  if (!room.ok() && !disk_full_) spdlog::warn("nothing is started: {}", room.ToString());
  if (room.ok() && disk_full_) spdlog::info("the disk has room again");
  disk_full_ = !room.ok();
  return room.ok();
}

// Whether anything may be started as far as earlier starts are concerned.
bool Scheduler::MayStart() {
  bool starting = false;
  {
    absl::MutexLock lock(&mutex_);
    for (const auto& [id, attempt] : in_flight_) starting = starting || !(attempt.has_order || attempt.exited);
  }
  return holds_->MayStart(starting);
}

bool Scheduler::Dispatch() {
  const absl::StatusOr<int> orphaned = runs_->FailOrphanedStudies();
  if (!orphaned.ok()) spdlog::warn("cannot fail orphaned studies: {}", orphaned.status().ToString());
  const absl::Status settled = queue_->SettleWaits();
  if (!settled.ok()) spdlog::warn("cannot settle what runs wait for: {}", settled.ToString());
  while (devices_->HasFree()) {
    {
      absl::MutexLock lock(&mutex_);
      if (draining_) return true;
    }
    if (!MayStart() || !HasRoom()) return true;
    const absl::StatusOr<bool> started = StartWhatMay();
    if (!started.ok()) spdlog::warn("cannot start runs: {}", started.status().ToString());
    if (!started.ok()) return false;
    if (!*started) return true;
  }
  return true;
}

absl::StatusOr<bool> Scheduler::StartWhatMay() {
  std::set<JobId> held;
  for (const auto& [job, why] : holds_->Jobs()) held.insert(job);
  SKEW_ASSIGN_OR_RETURN(const QueuePicture picture, queue_->ReadReady(kReadyRowsPerUser, held));
  const std::vector<DeviceSlots> devices = devices_->Slots();
  const FairShareSnapshot snapshot = SnapshotOf(picture, devices);
  bool any = false;
  for (const StartDecision& start : DecideStarts(snapshot, OptionsOf(picture, options_.aged_after))) {
    if (!MayStart()) break;
    const QueueRow& row = picture.users[start.user].rows[start.batch];
    if (holds_->Jobs().contains(row.key.job)) continue;  // since a moment
    const RunNeed& need = snapshot.users[start.user].batches[start.batch].need;
    const size_t device = DeviceFor(row, snapshot, need, start.device, devices);
    const absl::StatusOr<bool> started = StartOne(row.key, devices[device], need);
    if (MayPass(started.status())) return started.status();
    if (!started.ok()) Hold(row.key.job, started.status().message());
    any = any || !started.ok() || *started;
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

void Scheduler::Hold(JobId job, absl::string_view why) {
  const int times = holds_->HoldJob(job, std::string(why));
  const bool says = (times & (times - 1)) == 0;
  if (says) spdlog::error("{} is held, {} times in a row: {}", job.ToString(), times, std::string(why));
}

// False without room for it any more. True also when the run did not start, because somebody was quicker to cancel or
// pause it or it stood back for another: then it is not offered again, and what others may start is to be decided anew.
absl::StatusOr<bool> Scheduler::StartOne(const QueueKey& key, const DeviceSlots& device, const RunNeed& need) {
  SKEW_ASSIGN_OR_RETURN(const JobSources sources, runs_->ReadSources(key.job));
  if (const absl::Status there = CheckSources(sources, Sources()); !there.ok()) {
    Hold(key.job, there.message());
    return true;
  }
  const std::optional<Lease> lease = devices_->Take(device.name, need.memory_bytes, need.whole_device, clock_->Now());
  if (!lease.has_value()) return false;
  const std::string token = RandomHex(32);
  const absl::StatusOr<std::optional<Claim>> claim =
      runs_->ClaimOneOf(key, {lease->device, lease->kind, lease->memory_bytes, lease->whole_device}, Sha256Hex(token));
  if (!claim.ok() || !claim->has_value()) {
    devices_->Return(*lease);
    if (!claim.ok()) return claim.status();
    return true;
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
    spdlog::error("cannot start the worker of {}: {}", id.ToString(), process.status().ToString());
    OnExit(id, WorkerExit{.not_started = std::string(process.status().message())});
    return;
  }
  devices_->SetProcess(lease, process->pid);
  spdlog::info("{} ({}) on {}: process {}", id.ToString(), claim.run.model(), lease.device, process->pid);
  {
    absl::MutexLock lock(&mutex_);
    in_flight_.at(id).unrecorded = *process;
  }
  RecordProcesses();
}

// Writes down which process each attempt has: a later daemon knows it by nothing else. False when the store failed;
// what is left is tried again.
bool Scheduler::RecordProcesses() {
  std::map<AttemptId, ProcessIdentity> unrecorded;
  {
    absl::MutexLock lock(&mutex_);
    for (const auto& [id, attempt] : in_flight_) {
      if (attempt.unrecorded.has_value() && !attempt.exited) unrecorded.emplace(id, *attempt.unrecorded);
    }
  }
  for (const auto& [id, process] : unrecorded) {
    const absl::Status recorded = runs_->RecordProcess(id, process);
    if (!recorded.ok()) spdlog::warn("cannot record the process of {}: {}", id.ToString(), recorded.ToString());
    if (MayPass(recorded)) return false;
    absl::MutexLock lock(&mutex_);
    in_flight_.at(id).unrecorded.reset();
  }
  return true;
}

Scheduler::InFlight Scheduler::InFlightFor(const Claim& claim, const Lease& lease, absl::Time start_time) const {
  InFlight attempt;
  attempt.lease = lease;
  attempt.order = OrderFor(claim, lease, Sources());
  if (claim.spec.has_time_limit()) attempt.time_limit = start_time + FromProto(claim.spec.time_limit());
  return attempt;
}

}  // namespace skew

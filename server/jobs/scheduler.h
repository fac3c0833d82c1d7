// Decides which run goes to which device, and sees every attempt through to its end.
#ifndef SKEW_SERVER_JOBS_SCHEDULER_H_
#define SKEW_SERVER_JOBS_SCHEDULER_H_

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "common/clock.h"
#include "server/jobs/attempt_verdict.h"
#include "server/jobs/device_ledger.h"
#include "server/jobs/fair_share.h"
#include "server/jobs/gpu_probe.h"
#include "server/jobs/launcher.h"
#include "server/jobs/start_holds.h"
#include "server/jobs/work_order.h"
#include "server/store/artifact_store.h"
#include "server/store/dataset_registry.h"
#include "server/store/disk_reserve.h"
#include "server/store/queue_store.h"
#include "server/store/run_store.h"
#include "server/store/state_dir.h"
#include "skew/worker/v1/worker.pb.h"

namespace skew {

// The way to an attached worker. Thread-safe.
class WorkerLink {
 public:
  virtual ~WorkerLink() = default;
  // Must not block on the worker.
  virtual void Send(worker::v1::Command::Action action) = 0;
};

// The only one to change a run's state after its submission, apart from cancels and retries. It keeps no queue:
// whenever a device is free, it reads what could start, decides by fair_share.h, and claims from the store. Everything
// runs on one thread of its own; the public methods are thread-safe and only leave word for it.
class Scheduler {
 public:
  // What becomes of the workers when the daemon stops.
  enum class OnStop {
    kCheckpoint,  // they write a checkpoint and stop
    kDetach,      // they train on and wait for the next daemon
  };

  struct Options {
    OnStop on_stop = OnStop::kCheckpoint;
    absl::Duration start_grace = absl::Minutes(5);     // for a new worker to attach, until it is killed
    absl::Duration attach_grace = absl::Seconds(30);   // for one that was adopted or cut off to attach again
    absl::Duration stop_grace = absl::Seconds(20);     // from a command to stop until the worker is killed
    absl::Duration retry_interval = absl::Seconds(1);  // when the store cannot be written
    absl::Duration checkpoint_interval = absl::Minutes(1);
    absl::Duration aged_after = absl::Hours(1);                  // see FairShareOptions
    absl::Duration disk_interval = absl::Seconds(2);             // between looks at a disk that is nearly full
    absl::Duration probe_interval = absl::Seconds(5);            // between readings of the GPUs
    absl::Duration settling_interval = absl::Milliseconds(200);  // the same while memory of an ended run is not back
  };

  // All pointers are borrowed and outlive this object; `probe` may be null.
  Scheduler(RunStore* runs, QueueStore* queue, ArtifactStore* artifacts, DatasetRegistry* datasets,
            DeviceLedger* devices, Launcher* launcher, GpuProbe* probe, const StateDir* state_dir,
            const DiskReserve* reserve, StartHolds* holds, Clock* clock, Options options);
  ~Scheduler();  // as Drain

  // Starts the thread, which first adopts the workers that an earlier daemon left, and ends the attempts that have
  // none.
  void Start();

  // RESOURCE_EXHAUSTED while nothing new is begun, since the disk is nearly full: see DiskReserve::Check.
  absl::Status CheckRoom() const { return reserve_->Check(); }

  // Something changed in the store: look again.
  void Wake();

  // Starts nothing more, and returns when all workers are gone, or at once when they are to be detached.
  void Drain();

  // What the attempt's worker is to do. NOT_FOUND when the attempt is not (or no longer) under way; UNAVAILABLE while
  // that is not known yet, or when the worker is to attach to the next daemon.
  absl::StatusOr<worker::v1::WorkOrder> OrderOf(const AttemptId& attempt);

  // The attempt's worker can be told to stop through `link` until Detach; is told at once if it was to stop already.
  void Attach(const AttemptId& attempt, WorkerLink* link);
  void Detach(const AttemptId& attempt, const WorkerLink* link);

  // The attempt's worker sent what cannot be: it is killed, and the run fails for this reason.
  void Refuse(const AttemptId& attempt, const absl::Status& why);

 private:
  // An attempt whose process runs, or has exited and waits to be written down.
  struct InFlight {
    Lease lease;
    worker::v1::WorkOrder order;
    absl::Time time_limit = absl::InfiniteFuture();
    StopCause stop_cause = StopCause::kNone;
    absl::Time kill_time = absl::InfiniteFuture();
    WorkerLink* link = nullptr;
    bool has_order = false;  // the worker came for it, and so may have work to lose
    absl::Time attach_deadline = absl::InfiniteFuture();
    std::string refusal;                        // what the worker sent that cannot be
    std::optional<ProcessIdentity> unrecorded;  // of its process, until the store has it
    bool exited = false;
    WorkerExit exit;
  };

  void Loop();
  void ReadDevices();
  void Recover();
  std::vector<OpenAttempt> AwaitOpenAttempts();
  absl::Status Adopt(const OpenAttempt& open);
  void SetStart(const OpenAttempt& open, const Claim& claim, absl::Time start_time);
  InFlight InFlightFor(const Claim& claim, const Lease& lease, absl::Time start_time) const;
  bool PauseForStore();
  bool EndRecovered(const AttemptId& attempt, bool gone);
  WorkerExit WithNote(const AttemptId& id, WorkerExit exit) const;
  void RequestStops();
  void StopLocked(const AttemptId& id, InFlight& attempt, StopCause cause) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool EndExited();
  bool End(const AttemptId& id, const InFlight& attempt);
  void RemoveWorkOf(RunId run) const;
  bool HasRoom();
  bool MayStart();
  bool Dispatch();
  absl::StatusOr<bool> StartWhatMay();
  void Hold(JobId job, absl::string_view why);
  size_t DeviceFor(const QueueRow& row, const FairShareSnapshot& snapshot, const RunNeed& need, size_t chosen,
                   const std::vector<DeviceSlots>& devices);
  absl::StatusOr<bool> StartOne(const QueueKey& key, const DeviceSlots& device, const RunNeed& need);
  OrderSources Sources() const { return {datasets_, artifacts_, state_dir_, options_.checkpoint_interval}; }
  bool RecordProcesses();
  void Launch(const Claim& claim, const Lease& lease, const std::string& token);
  void OnExit(const AttemptId& id, const WorkerExit& exit);
  absl::Time NextDeadline(absl::Time begun, bool store_failed);
  std::vector<AttemptId> ExitedAttempts();

  RunStore* const runs_;
  QueueStore* const queue_;
  ArtifactStore* const artifacts_;
  DatasetRegistry* const datasets_;
  DeviceLedger* const devices_;
  Launcher* const launcher_;
  GpuProbe* const probe_;
  const StateDir* const state_dir_;
  const DiskReserve* const reserve_;
  StartHolds* const holds_;
  Clock* const clock_;
  const Options options_;

  bool disk_full_ = false;  // of the thread

  absl::Mutex mutex_;  // not held across SQL, file or process work
  std::map<AttemptId, InFlight> in_flight_ ABSL_GUARDED_BY(mutex_);
  bool awake_ ABSL_GUARDED_BY(mutex_) = true;
  bool draining_ ABSL_GUARDED_BY(mutex_) = false;
  bool adopted_ ABSL_GUARDED_BY(mutex_) = false;  // in_flight_ holds what an earlier daemon left
  std::thread thread_;
};

}  // namespace skew

#endif  // SKEW_SERVER_JOBS_SCHEDULER_H_

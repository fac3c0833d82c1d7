// Attempts of runs: claimed, reported on, ended.
#ifndef SKEW_SERVER_STORE_RUN_STORE_H_
#define SKEW_SERVER_STORE_RUN_STORE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/clock.h"
#include "common/ids.h"
#include "server/store/connections.h"
#include "server/store/run_changes.h"
#include "skew/v1/job.pb.h"
#include "skew/v1/run.pb.h"
#include "skew/worker/v1/worker.pb.h"

namespace skew {

struct AttemptId {
  RunId run;
  int32_t number = 0;

  std::string ToString() const;  // "j17.3 attempt 2"
  auto operator<=>(const AttemptId&) const = default;
};

// A process that can be told from a later one with the same number, even after the machine was started again.
struct ProcessIdentity {
  int64_t pid = 0;
  int64_t start_ticks = 0;  // since boot, field 22 of /proc/PID/stat
  std::string boot_id;
};

// A trained classifier and the digest of the artifact that has its weights.
struct StoredJudge {
  v1::Classifier classifier;
  std::string weights;
};

// What the workers of a job need from the store.
struct JobSources {
  v1::JobSpec spec;
  std::string dataset_digest;
  std::vector<StoredJudge> judges;  // in the order of the spec; none for the training of one
};

// A run that was just claimed.
struct Claim : JobSources {
  AttemptId attempt;
  v1::Run run;
};

// Queued runs that are alike; see the table `queue`.
struct QueueKey {
  JobId job;
  int64_t shape = 0;
  int32_t priority = 0;
  auto operator<=>(const QueueKey&) const = default;
};

// Where an attempt is to run.
struct ClaimDevice {
  std::string name;
  std::string kind;  // see v1::Device.kind
  int64_t memory_bytes = 0;
  bool whole_device = false;
};

// What is known when an attempt has ended.
struct AttemptFacts {
  v1::RunState run_state = v1::RUN_STATE_UNSPECIFIED;
  std::optional<worker::v1::Report> outcome;  // the worker's last word, when it came
  int32_t failures = 0;                       // attempts of the run before this one that count as such
  int32_t in_vain = 0;  // attempts just before this one that came to nothing, for no fault of the run
  int32_t max_attempts = 0;
  absl::Time last_heard;  // the newest event of its job
};

// What becomes of the run.
struct AttemptEnd {
  v1::RunState state = v1::RUN_STATE_UNSPECIFIED;
  v1::Reason reason = v1::REASON_UNSPECIFIED;
  std::string message;
  absl::Time not_before = absl::InfinitePast();    // of the next attempt, with QUEUED
  absl::Time held_until = absl::InfiniteFuture();  // when the device was given up, when that is not now
  int64_t peak_bytes = 0;                          // of a GPU's memory, as far as was seen
};

// An attempt without an end, as found at start.
struct OpenAttempt {
  AttemptId attempt;
  std::string device;
  absl::Time start_time;
  ProcessIdentity process;  // pid 0: the daemon died before it could write it down
  int64_t memory_bytes = 0;
  bool whole_device = false;
};

// Thread-safe.
class RunStore {
 public:
  RunStore(Connections* connections, Clock* clock) : connections_(connections), clock_(clock) {}

  // Claims the next of these runs that may start now for `device`: QUEUED -> STARTING with a new attempt. Empty when
  // there is none (any more): each run is claimed once, whatever the caller knew of it. Empty also when the next one
  // stands back for a run that is trained now and would answer it; it is then not ready for some seconds.
  absl::StatusOr<std::optional<Claim>> ClaimOneOf(const QueueKey& key, const ClaimDevice& device,
                                                  const std::string& token_digest);

  // What a run of the job would be claimed with.
  absl::StatusOr<JobSources> ReadSources(JobId job);

  // When the first of the runs that wait at `after` for their time may start; InfiniteFuture when none does.
  absl::StatusOr<absl::Time> NextRetryTime(absl::Time after);

  // Fails the queued studies whose classifier's training has ended without one. Returns how many runs that were.
  absl::StatusOr<int> FailOrphanedStudies();

  // What the attempt was claimed with. NOT_FOUND.
  absl::StatusOr<Claim> ReadClaim(const AttemptId& attempt);

  // The device that the run's next attempt is to keep away from, since the last one was lost there; empty: none.
  absl::StatusOr<std::string> DeviceToAvoid(RunId run);

  // When the attempt began by the clock as it is now: it may have been set since.
  absl::Status MoveStart(const AttemptId& attempt, absl::Time start_time);

  absl::Status RecordProcess(const AttemptId& attempt, const ProcessIdentity& process);

  // The attempt that goes on and has this token; NOT_FOUND.
  absl::StatusOr<AttemptId> FindByToken(const std::string& token_digest);

  // Newest report number of the attempt that is on disk.
  absl::StatusOr<int64_t> LastReport(const AttemptId& attempt);

  // Applies a report and remembers its number, in one transaction. Reports that were applied before are OK and change
  // nothing. FAILED_PRECONDITION: the attempt has ended, or the number leaves a gap. INVALID_ARGUMENT: content that
  // cannot be.
  absl::Status ApplyReport(const AttemptId& attempt, const worker::v1::Report& report);

  // Ends the attempt, changes its run as `decide` says, and charges its owner, in one transaction. When it succeeds,
  // queued runs with the same content are answered with it.
  absl::StatusOr<AttemptEnd> EndAttempt(const AttemptId& attempt,
                                        absl::FunctionRef<AttemptEnd(const AttemptFacts&)> decide);

  absl::StatusOr<std::vector<OpenAttempt>> OpenAttempts();

  // Attempts that go on although their run is to be cancelled.
  absl::StatusOr<std::vector<AttemptId>> CancellingAttempts();

  // Attempts that go on although their run is paused.
  absl::StatusOr<std::vector<AttemptId>> PausedAttempts();

 private:
  Connections* const connections_;
  Clock* const clock_;
};

}  // namespace skew

#endif  // SKEW_SERVER_STORE_RUN_STORE_H_

// The queue as the scheduler and its forecasts read it, what users do to it, and their shares.
#ifndef SKEW_SERVER_STORE_QUEUE_STORE_H_
#define SKEW_SERVER_STORE_QUEUE_STORE_H_

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/clock.h"
#include "common/ids.h"
#include "server/store/audit_log.h"
#include "server/store/connections.h"
#include "server/store/queue_rows.h"
#include "server/store/run_changes.h"
#include "server/store/run_store.h"
#include "skew/v1/job.pb.h"
#include "skew/v1/queue_service.pb.h"

namespace skew {

// One row of the table `queue`, with what decides whether and where its runs may start.
struct QueueRow {
  QueueKey key;
  bool paused = false;
  int32_t runs = 0;
  absl::Time waiting_since;
  int32_t next_run = 0;                        // the first that may start now; else the first
  absl::Time ready_at = absl::InfinitePast();  // when the first may start, when none may now
  std::string stands_back;                     // for what, then, where it is no failure of its own
  bool awaited = false;                        // a training that queued studies wait for
  v1::DeviceNeed need;                         // as declared
  std::vector<JobId> after;                    // jobs that have not succeeded
  std::vector<JobId> trainings;                // of the classifiers that are not there
};

struct QueueUser {
  std::string name;
  ShareSettings settings;
  double use = 0;  // slot-seconds, decayed to now; attempts under way included
  absl::Time last_start = absl::InfinitePast();
  std::vector<QueueRow> rows;
};

// A run under way.
struct ActiveRow {
  RunId run;
  std::string owner;
  int64_t shape = 0;
  std::string device;
  absl::Time start_time;  // of the attempt
  int32_t resumed_step = 0;
  v1::RunState state = v1::RUN_STATE_UNSPECIFIED;
  v1::Progress progress;
};

// What runs of a shape took and needed, on one kind of device.
struct RunLength {
  absl::Duration length;
  int64_t peak_bytes = 0;  // 0: not known
};

// Everything that decides what starts next, on one snapshot of the database.
struct QueuePicture {
  absl::Time time;
  int64_t revision = 0;
  std::vector<QueueUser> users;  // who has queued or active runs, by name
  std::vector<ActiveRow> active;
  std::map<std::pair<int64_t, std::string>, RunLength> lengths;  // by shape and kind of device
  absl::Duration average_length;                                 // over all shapes; zero when none is known
};

// A queued run, and the row of the queue that it is of.
struct QueuedRun {
  int32_t number = 0;
  QueueKey key;
  bool paused = false;
};

// Whether a classifier is there, or who trains it.
struct ClassifierState {
  bool trained = false;
  std::optional<JobId> training;  // a job that has not ended
};

// Which rows a picture is to have; see QueueStore::ReadReady and QueueStore::ReadAll.
struct QueueRowsWanted {
  bool only_ready = false;
  int per_user = 0;
  std::string also = "";  // a user who is in it in any case
  std::set<JobId> without = {};
};

// Thread-safe.
class QueueStore {
 public:
  // `half_life` is positive. `runs_at_once`: of a job that is retried, in one transaction.
  QueueStore(Connections* connections, Clock* clock, absl::Duration half_life, int runs_at_once = kRunsAtOnce)
      : connections_(connections), clock_(clock), half_life_(half_life), runs_at_once_(runs_at_once) {}

  // To be called first: past use is decayed with this half-life from now on, and was with the one before up to now.
  // What is said to happen later than it can, since the system's clock was set back, is to happen now.
  absl::Status Open();

  // For the scheduler: of every user the rows that may start now, at most so many of the highest priority and some of
  // those that have waited longest; none of the jobs in `without`.
  absl::StatusOr<QueuePicture> ReadReady(int rows_per_user, const std::set<JobId>& without = {});
  // For forecasts: of every user at most so many rows, whatever they wait for. The user `also` is in it in any case.
  absl::StatusOr<QueuePicture> ReadAll(int rows_per_user, const std::string& also = "");

  // What a picture that is read now would be of, at least.
  absl::StatusOr<int64_t> NewestRevision();

  // Adds what is known of the lengths of these rows' shapes.
  absl::Status AddLengths(const std::vector<QueueRow>& rows, QueuePicture& picture);

  // Of a job, by number.
  absl::StatusOr<std::vector<QueuedRun>> ReadQueuedRuns(JobId job);
  absl::StatusOr<ClassifierState> ReadClassifierState(const std::string& key);

  // Lets go what has been waited for, and fails the runs of jobs that come after one that ended without success.
  absl::Status SettleWaits();

  // See JobService.PauseJob, ResumeJob, SetJobPriority, RetryJob, and those of RunService.
  absl::StatusOr<v1::Job> SetPaused(JobId id, bool paused, const Actor& actor);
  absl::StatusOr<v1::Run> SetPaused(RunId id, bool paused, const Actor& actor);
  absl::StatusOr<v1::Job> SetPriority(JobId id, int32_t priority, const Actor& actor);
  absl::StatusOr<v1::Run> SetPriority(RunId id, int32_t priority, const Actor& actor);
  absl::StatusOr<v1::Job> Retry(JobId id, const Actor& actor);
  absl::StatusOr<v1::Run> Retry(RunId id, const Actor& actor);

  // See QueueService. Values are in range.
  absl::StatusOr<v1::ListSharesResponse> ListShares();
  absl::StatusOr<v1::Share> SetShare(const v1::SetShareRequest& request, const Actor& actor);
  absl::StatusOr<std::set<std::string>> DrainedDevices();
  absl::Status SetDrained(const std::vector<std::string>& devices, bool drained, const Actor& actor);

  absl::Duration half_life() const { return half_life_; }

  // Name of a job, and the model of one of its runs; for lists.
  struct Names {
    std::string job;
    std::string model;
  };
  absl::StatusOr<Names> ReadNames(RunId run);

 private:
  absl::StatusOr<QueuePicture> Read(const QueueRowsWanted& wanted);

  struct AuditedAction;
  // Makes one change with its audit event, and reads back what was changed.
  template <typename Record, typename Id>
  absl::StatusOr<Record> Change(Id id, const AuditedAction& action,
                                absl::FunctionRef<absl::Status(WriteScope&)> change);

  Connections* const connections_;
  Clock* const clock_;
  const absl::Duration half_life_;
  const int runs_at_once_;
};

}  // namespace skew

#endif  // SKEW_SERVER_STORE_QUEUE_STORE_H_

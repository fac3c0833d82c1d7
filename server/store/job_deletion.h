// Deleted jobs: first out of sight, later gone.
#ifndef SKEW_SERVER_STORE_JOB_DELETION_H_
#define SKEW_SERVER_STORE_JOB_DELETION_H_

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/clock.h"
#include "common/ids.h"
#include "server/store/audit_log.h"
#include "server/store/connections.h"
#include "server/store/removals.h"
#include "skew/v1/job.pb.h"

namespace skew {

// What is removed of a job in one transaction at most: its oldest events, then, when those are gone, its first runs
// with all that they have. Others want to write, too.
struct RemovedAtOnce {
  int events = 5000;
  int runs = 500;
};

// Thread-safe.
class JobDeletion {
 public:
  // `keep`: for how long a deleted job can be undeleted; InfiniteDuration: until somebody removes it.
  JobDeletion(Connections* connections, Removals* removals, Clock* clock, absl::Duration keep,
              RemovedAtOnce at_once = RemovedAtOnce())
      : connections_(connections), removals_(removals), clock_(clock), keep_(keep), at_once_(at_once) {}

  // See JobService.DeleteJob and UndeleteJob.
  absl::StatusOr<v1::Job> Delete(JobId id, const Actor& actor);
  absl::StatusOr<v1::Job> Undelete(JobId id, const Actor& actor);

  // Removes the job for good and returns what it was: at once, or else only if it is deleted and its time has come
  // (FAILED_PRECONDITION when it is not so). UNAVAILABLE while a backup is being made.
  //
  // One with many events or runs goes in portions. From the first one on it is not there for anybody (see job_rows.h),
  // and nothing can bring it back. What is left of it when `go_on` says no, after an error or a crash, is due: another
  // call with kDue, of which an error is then told (CANCELLED: `go_on` said no), removes that.
  enum class When { kNow, kDue };
  absl::StatusOr<v1::Job> Purge(
      JobId id, When when, const Actor& actor, absl::FunctionRef<bool()> go_on = [] { return true; });

 private:
  absl::Status Begin(WriteScope& scope, JobId id, When when, const Actor& actor, v1::Job& job) const;
  // Goes on until nothing of it is left.
  absl::Status Complete(JobId id, absl::FunctionRef<bool()> go_on);

  Connections* const connections_;
  Removals* const removals_;
  Clock* const clock_;
  const absl::Duration keep_;
  const RemovedAtOnce at_once_;
};

// Undeletes the job if it is deleted, in the transaction of a change that needs it.
absl::Status UndeleteIfDeleted(WriteScope& scope, JobId id);

}  // namespace skew

#endif  // SKEW_SERVER_STORE_JOB_DELETION_H_

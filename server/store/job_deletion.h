// Deleted jobs: first out of sight, later gone.
#ifndef SKEW_SERVER_STORE_JOB_DELETION_H_
#define SKEW_SERVER_STORE_JOB_DELETION_H_

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

// Thread-safe.
class JobDeletion {
 public:
  // `keep`: for how long a deleted job can be undeleted; InfiniteDuration: until somebody removes it.
  JobDeletion(Connections* connections, Removals* removals, Clock* clock, absl::Duration keep)
      : connections_(connections), removals_(removals), clock_(clock), keep_(keep) {}

  // See JobService.DeleteJob and UndeleteJob.
  absl::StatusOr<v1::Job> Delete(JobId id, const Actor& actor);
  absl::StatusOr<v1::Job> Undelete(JobId id, const Actor& actor);

  // Removes the job for good and returns what it was: at once, or else only if it is deleted and its time has come
  // (FAILED_PRECONDITION when it is not so). UNAVAILABLE while a backup is being made.
  enum class When { kNow, kDue };
  absl::StatusOr<v1::Job> Purge(JobId id, When when, const Actor& actor);

 private:
  Connections* const connections_;
  Removals* const removals_;
  Clock* const clock_;
  const absl::Duration keep_;
};

// Undeletes the job if it is deleted, in the transaction of a change that needs it.
absl::Status UndeleteIfDeleted(WriteScope& scope, JobId id);

}  // namespace skew

#endif  // SKEW_SERVER_STORE_JOB_DELETION_H_

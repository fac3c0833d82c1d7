// Removes what is not to be kept any longer.
#ifndef SKEW_SERVER_STORE_GARBAGE_COLLECTOR_H_
#define SKEW_SERVER_STORE_GARBAGE_COLLECTOR_H_

#include <optional>
#include <string>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/clock.h"
#include "server/store/audit_log.h"
#include "server/store/connections.h"
#include "server/store/garbage_rows.h"
#include "server/store/job_deletion.h"
#include "server/store/removals.h"
#include "server/store/retention.h"
#include "server/store/state_dir.h"
#include "skew/v1/admin_service.pb.h"

namespace skew {

// Thread-safe.
class GarbageCollector {
 public:
  GarbageCollector(Connections* connections, Removals* removals, JobDeletion* deletion, Clock* clock,
                   const StateDir* state_dir, const Retention& retention)
      : connections_(connections),
        removals_(removals),
        deletion_(deletion),
        clock_(clock),
        state_dir_(state_dir),
        retention_(retention) {}

  // Whose wish it is: the server's own is in the audit log only when something was removed.
  struct Request {
    bool dry_run = false;
    std::optional<Actor> actor = std::nullopt;
  };
  // See AdminService.CollectGarbage. CANCELLED as soon as `go_on` says no. What is removed is removed in pieces: an
  // error leaves the rest for the next time.
  absl::StatusOr<v1::CollectGarbageResponse> Collect(const Request& request, absl::FunctionRef<bool()> go_on);

 private:
  struct Collection;

  absl::Status CollectAll(Collection& collection);
  absl::Status CollectJobs(Collection& collection);
  absl::Status CollectArtifacts(const std::string& kind, absl::Duration age, absl::Time& limit, Collection& collection);
  absl::Status CollectLogs(Collection& collection);
  absl::Status CollectEvents(Collection& collection);
  absl::Status Compact(const OldEvents& old);
  absl::Status CollectStrays(Collection& collection);
  void FinishRemovals();
  absl::Status Audit(const Request& request, const v1::CollectGarbageResponse& response);

  Connections* const connections_;
  Removals* const removals_;
  JobDeletion* const deletion_;
  Clock* const clock_;
  const StateDir* const state_dir_;
  const Retention retention_;
};

}  // namespace skew

#endif  // SKEW_SERVER_STORE_GARBAGE_COLLECTOR_H_

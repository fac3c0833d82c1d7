// The durable history of jobs.
#ifndef SKEW_SERVER_STORE_EVENT_LOG_H_
#define SKEW_SERVER_STORE_EVENT_LOG_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/ids.h"
#include "server/store/connections.h"
#include "skew/v1/event.pb.h"
#include "skew/v1/job_service.pb.h"

namespace skew {

// Appends `event` (only its change need be set) to the history of `job`, inside the transaction that makes the change.
absl::Status AppendEvent(WriteScope& scope, JobId job, const v1::Event& event);

// A piece of a job's history.
struct EventPage {
  std::vector<v1::Event> events;
  size_t bytes = 0;
  // There were no more.
  bool exhausted = false;
  // Whatever happened after the revision that was asked for and up to this one is in `events`.
  int64_t reached = 0;
  // The job has ended and `events` reaches to its last one.
  bool complete = false;
};

// Thread-safe.
class EventLog {
 public:
  explicit EventLog(Connections* connections) : connections_(connections) {}

  // At most `limit` events of `job` after `after_revision`, in order; fewer where they are large. NOT_FOUND;
  // INVALID_ARGUMENT for a revision that the store has not reached; OUT_OF_RANGE, with the first revision that would
  // do, when events after it are gone.
  absl::StatusOr<EventPage> Read(JobId job, int64_t after_revision, int limit);

  // The same of all jobs that `filter` lets through; its states and `deleted` do not count. Never complete. It looks at
  // some thousand events at most: a page that is not exhausted can be empty, and goes on from `reached`.
  absl::StatusOr<EventPage> ReadAll(const v1::JobFilter& filter, int64_t after_revision, int limit);

  // The newest revision of all.
  absl::StatusOr<int64_t> NewestRevision();

 private:
  Connections* const connections_;
};

// The same on an open snapshot.
absl::StatusOr<int64_t> NewestRevision(Database& db);

}  // namespace skew

#endif  // SKEW_SERVER_STORE_EVENT_LOG_H_

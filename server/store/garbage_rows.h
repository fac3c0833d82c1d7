// What is not to be kept any longer, as it stands in the tables, read on an open snapshot; and its rows' removal.
//
// Everything here is about one moment, and deleted jobs whose time has come then count as gone, with all they have:
// that way a collection that only looks finds what one that removes them first does.
#ifndef SKEW_SERVER_STORE_GARBAGE_ROWS_H_
#define SKEW_SERVER_STORE_GARBAGE_ROWS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/ids.h"
#include "server/store/connections.h"
#include "server/store/run_store.h"
#include "server/store/stored_file.h"

namespace skew {

// Older artifacts go. InfinitePast: none do.
struct ArtifactLimits {
  absl::Time samples = absl::InfinitePast();
  absl::Time weights = absl::InfinitePast();
  absl::Time tables = absl::InfinitePast();
};

// Deleted jobs whose time has come, by number.
absl::StatusOr<std::vector<JobId>> ReadDueJobs(Database& db, absl::Time now);

// Content that goes with a job that is due, because all artifacts that have it are of such jobs.
absl::StatusOr<std::vector<StoredContent>> ReadContentOf(Database& db, JobId due, absl::Time now);

// An artifact that goes, and whether its content does: no artifact has it that stays.
struct OldArtifact {
  RunId run;
  std::string name;
  StoredContent content;
  bool last = false;
};
// Of `kind` ("samples", "weights" or "tables") and stored before `before`, at most `limit` (-1: all). What goes of
// other kinds is in `gone`.
absl::StatusOr<std::vector<OldArtifact>> ReadOldArtifacts(Database& db, const std::string& kind, absl::Time before,
                                                          const ArtifactLimits& gone, absl::Time now, int limit);
absl::Status RemoveArtifact(WriteScope& scope, const OldArtifact& artifact);

// The events of one job that go: all up to `revision`.
struct OldEvents {
  JobId job;
  int64_t revision = 0;
  int64_t sequence = 0;
  int64_t count = 0;
  int64_t bytes = 0;
};
// Those before `before`, of some jobs with numbers above `after`, which is moved on; to zero after the last job.
absl::StatusOr<std::vector<OldEvents>> ReadOldEvents(Database& db, absl::Time before, absl::Time now, int64_t& after);
// Removes the oldest ones of them, so many that others need not wait for long; says whether that was all.
absl::StatusOr<bool> RemoveSomeEvents(WriteScope& scope, const OldEvents& old);

// The first start of the runs that have not ended; InfiniteFuture when none was started.
absl::StatusOr<absl::Time> OldestOpenStart(Database& db);

// Whether nobody writes that attempt's log any more.
absl::StatusOr<bool> IsLogDone(Database& db, const AttemptId& attempt, absl::Time now);

}  // namespace skew

#endif  // SKEW_SERVER_STORE_GARBAGE_ROWS_H_

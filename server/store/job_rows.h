// Jobs and runs as they stand in the tables, read on an open snapshot or transaction. SQL row <-> proto only here.
#ifndef SKEW_SERVER_STORE_JOB_ROWS_H_
#define SKEW_SERVER_STORE_JOB_ROWS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/ids.h"
#include "server/store/sqlite.h"
#include "skew/v1/job.pb.h"
#include "skew/v1/run.pb.h"

namespace skew {

// All of these: NOT_FOUND, with the id, when there is no such job or run. A job whose removal has begun is not there
// any more for anybody (see JobDeletion): its purge_time is 1.

absl::StatusOr<v1::Job> ReadJob(Database& db, JobId id);
absl::StatusOr<v1::JobState> ReadJobState(Database& db, JobId id);
absl::StatusOr<std::string> ReadOwner(Database& db, JobId id);

// FAILED_PRECONDITION when the job is deleted.
absl::Status CheckNotDeleted(Database& db, JobId id);

// Whether all runs of a job have ended, its newest event, and the newest one that is not kept any more (0: all are).
struct JobEnd {
  bool ended = false;
  int64_t last_revision = 0;
  int64_t compacted_revision = 0;
};
absl::StatusOr<JobEnd> ReadJobEnd(Database& db, JobId id);

// With attempts, progress and newest histogram.
absl::StatusOr<v1::Run> ReadRun(Database& db, RunId id);
absl::StatusOr<v1::RunState> ReadRunState(Database& db, RunId id);

// Every one of a run: those during training by step, then the final one.
absl::StatusOr<std::vector<v1::ClassHistogram>> ReadHistograms(Database& db, RunId id);

// Where a histogram stands among those of its job.
struct HistogramPosition {
  int32_t run_number = 0;
  bool final = false;
  int32_t step = -1;
};

// Those of a job after `after`, at most `limit`, by run, then as ReadHistograms gives them.
absl::StatusOr<std::vector<v1::ClassHistogram>> ReadHistograms(Database& db, JobId job, HistogramPosition after,
                                                               int limit);

// Artifacts of a job, by run and name; with `run_number` above 0 only of that run.
absl::StatusOr<std::vector<v1::Artifact>> ReadArtifacts(Database& db, JobId job, int64_t run_number);

// Runs of a job with numbers above `after_number`, at most `limit`, by number; empty `states` means all.
absl::StatusOr<std::vector<v1::Run>> ReadRuns(Database& db, JobId job, int32_t after_number, int limit,
                                              const std::vector<v1::RunState>& states);

// The job that trains the classifier `key` and has not ended, or else the newest one that tried; empty when none did.
absl::StatusOr<std::optional<JobId>> FindTrainingJob(Database& db, const std::string& key);

// The classifier `key`, once trained.
absl::StatusOr<std::optional<v1::Classifier>> ReadClassifier(Database& db, const std::string& key);

}  // namespace skew

#endif  // SKEW_SERVER_STORE_JOB_ROWS_H_

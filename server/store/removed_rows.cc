#include "server/store/removed_rows.h"

#include <cstdint>
#include <limits>
#include <set>
#include <string>

#include "absl/strings/str_cat.h"
#include "common/status.h"
#include "server/store/removals.h"
#include "server/store/run_store.h"
#include "server/store/state_dir.h"

namespace skew {
namespace {

// The last of the first `count` in `column` of a job's rows; the largest number when there are no more rows than that.
absl::StatusOr<int64_t> LastOfFirst(Database& db, const char* table, const char* column, JobId id, int count) {
  Statement row = db.Prepare(
      absl::StrCat("SELECT ", column, " FROM ", table, " WHERE job_id = ? ORDER BY ", column, " LIMIT 2 OFFSET ?"));
  row.Bind(id.number).Bind(count - 1);
  const int64_t last = row.Step() ? row.Int(0) : std::numeric_limits<int64_t>::max();
  const bool more = row.Step();
  SKEW_RETURN_IF_ERROR(row.status());
  return more ? last : std::numeric_limits<int64_t>::max();
}

// Contents of the artifacts of a job's runs up to a number.
absl::StatusOr<std::set<std::string>> ReadDigests(Database& db, JobId id, int64_t last) {
  std::set<std::string> digests;
  Statement row = db.Prepare("SELECT digest FROM artifacts WHERE job_id = ? AND run_number <= ?");
  row.Bind(id.number).Bind(last);
  while (row.Step()) digests.insert(row.Text(0));
  SKEW_RETURN_IF_ERROR(row.status());
  return digests;
}

// What attempts have written beside artifacts. Their folders may still be there.
absl::Status AddAttemptRemovals(WriteScope& scope, JobId id, int64_t last) {
  Statement row = scope.db.Prepare("SELECT run_number, number FROM attempts WHERE job_id = ? AND run_number <= ?");
  row.Bind(id.number).Bind(last);
  while (row.Step()) {
    const AttemptId attempt{RunId{id, row.Int32(0)}, row.Int32(1)};
    SKEW_RETURN_IF_ERROR(AddRemoval(scope, StateDir::LogName(attempt)));
    SKEW_RETURN_IF_ERROR(AddRemoval(scope, StateDir::WorkName(attempt.run)));
  }
  return row.status();
}

absl::Status RemoveRunsUpTo(WriteScope& scope, JobId id, int64_t last) {
  SKEW_ASSIGN_OR_RETURN(const std::set<std::string> digests, ReadDigests(scope.db, id, last));
  SKEW_RETURN_IF_ERROR(AddAttemptRemovals(scope, id, last));
  for (const char* sql : {"DELETE FROM artifacts WHERE job_id = ? AND run_number <= ?",
                          "DELETE FROM histograms WHERE job_id = ? AND run_number <= ?",
                          "DELETE FROM attempts WHERE job_id = ? AND run_number <= ?",
                          "DELETE FROM runs WHERE job_id = ? AND number <= ?"}) {
    SKEW_RETURN_IF_ERROR(scope.db.Prepare(sql).Bind(id.number).Bind(last).Run());
  }
  for (const std::string& digest : digests) SKEW_RETURN_IF_ERROR(AddContentRemoval(scope, digest));
  return absl::OkStatus();
}

absl::Status RemoveJob(WriteScope& scope, JobId id) {
  // Those that refer to it before it.
  for (const char* table : {"queue", "job_labels", "job_needs", "job_dependencies", "more_judges"}) {
    SKEW_RETURN_IF_ERROR(
        scope.db.Prepare(absl::StrCat("DELETE FROM ", table, " WHERE job_id = ?")).Bind(id.number).Run());
  }
  return scope.db.Prepare("DELETE FROM jobs WHERE id = ?").Bind(id.number).Run();
}

}  // namespace

absl::StatusOr<bool> RemovePortion(WriteScope& scope, JobId id, const RemovedAtOnce& at_once) {
  constexpr int64_t kAll = std::numeric_limits<int64_t>::max();
  SKEW_ASSIGN_OR_RETURN(const int64_t revision, LastOfFirst(scope.db, "events", "revision", id, at_once.events));
  SKEW_RETURN_IF_ERROR(
      scope.db.Prepare("DELETE FROM events WHERE job_id = ? AND revision <= ?").Bind(id.number).Bind(revision).Run());
  if (revision != kAll) return false;
  SKEW_ASSIGN_OR_RETURN(const int64_t run, LastOfFirst(scope.db, "runs", "number", id, at_once.runs));
  SKEW_RETURN_IF_ERROR(RemoveRunsUpTo(scope, id, run));
  if (run != kAll) return false;
  // With the last of its runs: a job without any would look as if it was queued.
  SKEW_RETURN_IF_ERROR(RemoveJob(scope, id));
  return true;
}

}  // namespace skew

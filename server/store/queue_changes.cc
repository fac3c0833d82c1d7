#include "server/store/queue_changes.h"

#include <limits>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/run_state.h"
#include "common/state_words.h"
#include "common/status.h"
#include "server/store/event_log.h"
#include "server/store/job_deletion.h"
#include "server/store/job_rows.h"
#include "server/store/judge_rows.h"
#include "server/store/queue_rows.h"
#include "server/store/run_changes.h"
#include "skew/v1/job.pb.h"
#include "skew/v1/run.pb.h"

namespace skew {
namespace {

static_assert(v1::QUEUED == 1 && v1::STARTING == 2 && v1::RUNNING == 3 && v1::FAILED == 6 && v1::CANCELLED == 7);

// Makes the queue's rows of a job anew, after its runs' priorities or pauses have changed.
absl::Status Requeue(WriteScope& scope, JobId job) {
  Statement since = scope.db.Prepare("SELECT MIN(waiting_since) FROM queue WHERE job_id = ? AND queued > 0");
  since.Bind(job.number);
  const bool known = since.Step() && !since.IsNull(0);
  const absl::Time waiting_since = known ? since.Time(0) : scope.now;
  SKEW_RETURN_IF_ERROR(since.status());
  SKEW_RETURN_IF_ERROR(scope.db.Prepare("DELETE FROM queue WHERE job_id = ?").Bind(job.number).Run());
  SKEW_RETURN_IF_ERROR(EnterQueue(scope, job));
  return scope.db.Prepare("UPDATE queue SET waiting_since = ? WHERE job_id = ?")
      .Bind(waiting_since)
      .Bind(job.number)
      .Run();
}

absl::Status AppendQueueChange(WriteScope& scope, JobId job, v1::QueueChanged change) {
  v1::Event event;
  *event.mutable_queue() = std::move(change);
  return AppendEvent(scope, job, event);
}

// FAILED_PRECONDITION unless the job, or the run, can still be told when to start.
absl::Status CheckOpen(Database& db, JobId id, absl::string_view what) {
  SKEW_ASSIGN_OR_RETURN(const v1::JobState state, ReadJobState(db, id));
  if (!IsTerminal(state)) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat("job ", id.ToString(), " ", StateInWords(state), " and cannot be ", what));
}
absl::Status CheckOpen(Database& db, RunId id, absl::string_view what) {
  SKEW_ASSIGN_OR_RETURN(const v1::RunState state, ReadRunState(db, id));
  if (!IsTerminal(state) && state != v1::CANCELLING) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat("run ", id.ToString(), " ", StateInWords(state), " and cannot be ", what));
}

// Of the job's runs, one or all, that have not ended.
absl::Status UpdateOpenRuns(WriteScope& scope, JobId job, std::optional<int32_t> number,
                            const v1::QueueChanged& change) {
  const char* sql =
      change.has_paused()
          ? "UPDATE runs SET paused = ? WHERE job_id = ? AND number BETWEEN ? AND ? AND state IN (1, 2, 3)"
          : "UPDATE runs SET priority = ? WHERE job_id = ? AND number BETWEEN ? AND ? "
            "AND state IN (1, 2, 3)";
  SKEW_RETURN_IF_ERROR(scope.db.Prepare(sql)
                           .Bind(change.has_paused() ? int64_t{change.paused()} : int64_t{change.priority()})
                           .Bind(job.number)
                           .Bind(number.value_or(0))
                           .Bind(number.value_or(std::numeric_limits<int32_t>::max()))
                           .Run());
  SKEW_RETURN_IF_ERROR(Requeue(scope, job));
  return AppendQueueChange(scope, job, change);
}

absl::string_view WhatIsDone(const v1::QueueChanged& change) {
  if (change.has_priority()) return "given another priority";
  return change.paused() ? "paused" : "resumed";
}

absl::Status QueueAgain(WriteScope& scope, RunId id) {
  RunChange change;
  change.state = v1::QUEUED;
  SKEW_RETURN_IF_ERROR(ChangeRun(scope, id, change));
  return scope.db
      .Prepare(
          "UPDATE runs SET forgiven = attempts, not_before = 0, end_time = NULL, progress = NULL "
          "WHERE job_id = ? AND number = ?")
      .Bind(id.job.number)
      .Bind(id.number)
      .Run();
}

absl::StatusOr<int64_t> CountRetriableRuns(Database& db, JobId job) {
  Statement row = db.Prepare("SELECT runs_failed + runs_cancelled FROM jobs WHERE id = ?");
  row.Bind(job.number);
  const int64_t count = row.Step() ? row.Int(0) : 0;
  SKEW_RETURN_IF_ERROR(row.status());
  return count;
}

absl::StatusOr<std::vector<int32_t>> RetriableRuns(Database& db, JobId job, int32_t after, int most) {
  std::vector<int32_t> numbers;
  Statement row =
      db.Prepare("SELECT number FROM runs WHERE job_id = ? AND number > ? AND state IN (6, 7) ORDER BY number LIMIT ?");
  row.Bind(job.number).Bind(after).Bind(most);
  while (row.Step()) numbers.push_back(row.Int32(0));
  SKEW_RETURN_IF_ERROR(row.status());
  return numbers;
}

absl::Status RetryRuns(WriteScope& scope, JobId job, const std::vector<int32_t>& numbers) {
  for (const int32_t number : numbers) SKEW_RETURN_IF_ERROR(QueueAgain(scope, RunId{job, number}));
  return absl::OkStatus();
}

// The training of a classifier that `study` needs goes again when it ended without one.
absl::Status RetryTraining(WriteScope& scope, const std::string& key, JobId study) {
  SKEW_ASSIGN_OR_RETURN(const auto classifier, ReadClassifier(scope.db, key));
  if (classifier.has_value()) return absl::OkStatus();
  SKEW_ASSIGN_OR_RETURN(const std::optional<JobId> training, FindTrainingJob(scope.db, key));
  if (!training.has_value()) {
    return absl::FailedPreconditionError(absl::StrCat("the training of the classifier that job ", study.ToString(),
                                                      " needs was deleted for good: submit the study again"));
  }
  SKEW_RETURN_IF_ERROR(UndeleteIfDeleted(scope, *training));
  SKEW_ASSIGN_OR_RETURN(const std::vector<int32_t> numbers, RetriableRuns(scope.db, *training, 0, kRunsAtOnce));
  return RetryRuns(scope, *training, numbers);
}

// Whether the job's owner may queue so many runs more.
absl::Status CheckRetryLimit(Database& db, JobId job, int64_t runs) {
  SKEW_ASSIGN_OR_RETURN(const std::string owner, ReadOwner(db, job));
  return CheckQueueLimit(db, owner, runs);
}

// What a retried study needs: the trainings of its judges, and the jobs it comes after must not have failed.
absl::Status PrepareRetry(WriteScope& scope, JobId job, int64_t runs) {
  SKEW_RETURN_IF_ERROR(CheckRetryLimit(scope.db, job, runs));
  SKEW_ASSIGN_OR_RETURN(const JobId failed, FailedDependency(scope.db, job));
  if (failed.number != 0) {
    return absl::FailedPreconditionError(absl::StrCat("job ", failed.ToString(), ", which ", job.ToString(),
                                                      " comes after, has ended without success: retry that first"));
  }
  SKEW_ASSIGN_OR_RETURN(const std::vector<std::string> keys, ReadJudgeKeys(scope.db, job));
  for (const std::string& key : keys) SKEW_RETURN_IF_ERROR(RetryTraining(scope, key, job));
  return absl::OkStatus();
}

// At most so many. How many they were.
absl::StatusOr<int> FailRuns(WriteScope& scope, JobId job, JobId failed, int most) {
  std::vector<int32_t> numbers;
  Statement row = scope.db.Prepare("SELECT number FROM runs WHERE job_id = ? AND state = 1 ORDER BY number LIMIT ?");
  row.Bind(job.number).Bind(most);
  while (row.Step()) numbers.push_back(row.Int32(0));
  SKEW_RETURN_IF_ERROR(row.status());
  RunChange change;
  change.state = v1::FAILED;
  change.reason = v1::DEPENDENCY_FAILED;
  change.message = absl::StrCat("job ", failed.ToString(), ", which it comes after, ended without success");
  for (const int32_t number : numbers) SKEW_RETURN_IF_ERROR(ChangeRun(scope, RunId{job, number}, change));
  return static_cast<int>(numbers.size());
}

}  // namespace

absl::Status ChangeQueued(WriteScope& scope, JobId id, const v1::QueueChanged& change) {
  SKEW_RETURN_IF_ERROR(CheckOpen(scope.db, id, WhatIsDone(change)));
  if (change.has_priority()) {
    SKEW_RETURN_IF_ERROR(
        scope.db.Prepare("UPDATE jobs SET priority = ? WHERE id = ?").Bind(change.priority()).Bind(id.number).Run());
  }
  return UpdateOpenRuns(scope, id, std::nullopt, change);
}

absl::Status ChangeQueued(WriteScope& scope, RunId id, const v1::QueueChanged& change) {
  SKEW_RETURN_IF_ERROR(CheckOpen(scope.db, id, WhatIsDone(change)));
  v1::QueueChanged of_run = change;
  of_run.set_run_id(id.ToString());
  return UpdateOpenRuns(scope, id.job, id.number, of_run);
}

absl::StatusOr<int32_t> RetryJob(WriteScope& scope, JobId id, int32_t after, int most) {
  SKEW_RETURN_IF_ERROR(CheckNotDeleted(scope.db, id));
  if (after == 0) {
    SKEW_ASSIGN_OR_RETURN(const v1::JobState state, ReadJobState(scope.db, id));
    SKEW_ASSIGN_OR_RETURN(const int64_t count, CountRetriableRuns(scope.db, id));
    if (count == 0) {
      return absl::FailedPreconditionError(
          absl::StrCat("job ", id.ToString(), " ", StateInWords(state), " and has no run to retry"));
    }
    SKEW_RETURN_IF_ERROR(PrepareRetry(scope, id, count));
  }
  SKEW_ASSIGN_OR_RETURN(const std::vector<int32_t> numbers, RetriableRuns(scope.db, id, after, most));
  // Others may have been queued meanwhile.
  if (after != 0) SKEW_RETURN_IF_ERROR(CheckRetryLimit(scope.db, id, static_cast<int64_t>(numbers.size())));
  SKEW_RETURN_IF_ERROR(RetryRuns(scope, id, numbers));
  return static_cast<int>(numbers.size()) < most ? 0 : numbers.back();
}

absl::Status RetryRun(WriteScope& scope, RunId id) {
  SKEW_RETURN_IF_ERROR(CheckNotDeleted(scope.db, id.job));
  SKEW_ASSIGN_OR_RETURN(const v1::RunState state, ReadRunState(scope.db, id));
  if (state != v1::FAILED && state != v1::CANCELLED) {
    return absl::FailedPreconditionError(
        absl::StrCat("run ", id.ToString(), " ", StateInWords(state), " and cannot be retried"));
  }
  SKEW_RETURN_IF_ERROR(PrepareRetry(scope, id.job, 1));
  return QueueAgain(scope, id);
}

absl::StatusOr<SettledWaits> FindSettled(Database& db) {
  SettledWaits settled;
  SKEW_ASSIGN_OR_RETURN(settled.changed, ChangedWaits(db));
  Statement row = db.Prepare(
      "SELECT q.job_id, a.id FROM queue q JOIN job_dependencies d ON d.job_id = q.job_id "
      "JOIN jobs a ON a.id = d.after_job_id "
      "WHERE q.queued > 0 AND q.waits > 0 AND q.waits >= 2 AND a.state IN (4, 5) ORDER BY q.waits, q.job_id");
  static_assert(v1::JOB_FAILED == 4 && v1::JOB_CANCELLED == 5);
  while (row.Step()) settled.failed.emplace(JobId{row.Int(0)}, JobId{row.Int(1)});
  SKEW_RETURN_IF_ERROR(row.status());
  return settled;
}

absl::Status WriteSettled(WriteScope& scope, const SettledWaits& settled) {
  for (const JobId job : settled.changed) SKEW_RETURN_IF_ERROR(RefreshWaits(scope, job));
  int left = kRunsAtOnce;
  for (const auto& [job, failed] : settled.failed) {
    if (left == 0) break;
    // It may have been retried since.
    SKEW_ASSIGN_OR_RETURN(const JobId still_failed, FailedDependency(scope.db, job));
    if (still_failed.number == 0) continue;
    SKEW_ASSIGN_OR_RETURN(const int count, FailRuns(scope, job, still_failed, left));
    left -= count;
  }
  return absl::OkStatus();
}

}  // namespace skew

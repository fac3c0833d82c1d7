#include "server/store/job_deletion.h"

#include <set>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/proto_time.h"
#include "common/run_state.h"
#include "common/state_words.h"
#include "common/status.h"
#include "server/store/event_log.h"
#include "server/store/job_rows.h"
#include "server/store/run_store.h"
#include "server/store/state_dir.h"
#include "skew/v1/event.pb.h"

namespace skew {
namespace {

absl::StatusOr<bool> Exists(Database& db, JobId id, const char* sql) {
  Statement row = db.Prepare(sql);
  row.Bind(id.number);
  const bool exists = row.Step();
  SKEW_RETURN_IF_ERROR(row.status());
  return exists;
}

absl::Status Undeletable(JobId id, absl::string_view why) {
  return absl::FailedPreconditionError(absl::StrCat("job ", id.ToString(), " ", why));
}

absl::Status CheckDeletable(Database& db, JobId id, const v1::Job& job) {
  if (!IsTerminal(job.state())) {
    return Undeletable(id, absl::StrCat(StateInWords(job.state()), " and cannot be deleted: cancel it first"));
  }
  SKEW_ASSIGN_OR_RETURN(
      const bool has_judge,
      Exists(db, id,
             "SELECT 1 FROM jobs j JOIN classifiers c ON c.key = j.classifier_key AND c.job_id = j.id "
             "WHERE j.id = ?"));
  if (has_judge) return Undeletable(id, "trained a judge and cannot be deleted: results depend on it");
  // In a moment they will have noticed how it ended.
  SKEW_ASSIGN_OR_RETURN(
      const bool awaited,
      Exists(db, id,
             "SELECT 1 FROM job_dependencies d CROSS JOIN jobs a ON a.id = d.after_job_id CROSS JOIN jobs j ON "
             "j.id = d.job_id WHERE d.after_job_id = ? AND a.state <> 3 AND j.runs_queued > 0"));
  static_assert(v1::JOB_SUCCEEDED == 3);
  if (awaited) return Undeletable(id, "is waited for by jobs that come after it");
  SKEW_ASSIGN_OR_RETURN(
      const bool trains,
      Exists(
          db, id,
          "SELECT 1 FROM jobs t CROSS JOIN jobs j ON j.classifier_key = t.classifier_key AND j.kind = 1 AND "
          "j.runs_queued > 0 WHERE t.id = ?1 AND t.kind = 2 UNION ALL "
          "SELECT 1 FROM jobs t CROSS JOIN more_judges m ON m.classifier_key = t.classifier_key CROSS JOIN jobs j ON "
          "j.id = m.job_id AND j.runs_queued > 0 WHERE t.id = ?1 AND t.kind = 2"));
  static_assert(v1::STUDY == 1 && v1::CLASSIFIER_TRAINING == 2);
  if (trains) return Undeletable(id, "is waited for by studies that need its judge");
  return absl::OkStatus();
}

absl::Status WriteDeletion(WriteScope& scope, JobId id, v1::JobDeletion deletion) {
  Statement update = scope.db.Prepare("UPDATE jobs SET delete_time = ?, purge_time = ? WHERE id = ?");
  deletion.has_delete_time() ? update.Bind(FromProto(deletion.delete_time())) : update.BindNull();
  deletion.has_purge_time() ? update.Bind(FromProto(deletion.purge_time())) : update.BindNull();
  SKEW_RETURN_IF_ERROR(update.Bind(id.number).Run());
  v1::Event event;
  *event.mutable_deletion() = std::move(deletion);
  return AppendEvent(scope, id, event);
}

absl::StatusOr<std::set<std::string>> ReadDigests(Database& db, JobId id) {
  std::set<std::string> digests;
  Statement row = db.Prepare("SELECT digest FROM artifacts WHERE job_id = ?");
  row.Bind(id.number);
  while (row.Step()) digests.insert(row.Text(0));
  SKEW_RETURN_IF_ERROR(row.status());
  return digests;
}

// What attempts have written beside artifacts. Their folders may still be there.
absl::Status AddAttemptRemovals(WriteScope& scope, JobId id) {
  Statement row = scope.db.Prepare("SELECT run_number, number FROM attempts WHERE job_id = ?");
  row.Bind(id.number);
  while (row.Step()) {
    const AttemptId attempt{RunId{id, row.Int32(0)}, row.Int32(1)};
    SKEW_RETURN_IF_ERROR(AddRemoval(scope, StateDir::LogName(attempt)));
    SKEW_RETURN_IF_ERROR(AddRemoval(scope, StateDir::WorkName(attempt.run)));
  }
  return row.status();
}

absl::Status RemoveRows(WriteScope& scope, JobId id) {
  // Those that refer to others before those.
  for (const char* table : {"events", "artifacts", "histograms", "attempts", "queue", "job_labels", "job_needs",
                            "job_dependencies", "more_judges", "runs"}) {
    SKEW_RETURN_IF_ERROR(
        scope.db.Prepare(absl::StrCat("DELETE FROM ", table, " WHERE job_id = ?")).Bind(id.number).Run());
  }
  // Nobody waits for it.
  SKEW_RETURN_IF_ERROR(scope.db.Prepare("DELETE FROM job_dependencies WHERE after_job_id = ?").Bind(id.number).Run());
  return scope.db.Prepare("DELETE FROM jobs WHERE id = ?").Bind(id.number).Run();
}

}  // namespace

absl::StatusOr<v1::Job> JobDeletion::Delete(JobId id, const Actor& actor) {
  v1::Job job;
  SKEW_RETURN_IF_ERROR(connections_->Write(clock_->Now(), [&](WriteScope& scope) -> absl::Status {
    SKEW_ASSIGN_OR_RETURN(job, ReadJob(scope.db, id));
    if (job.has_delete_time()) return Undeletable(id, "is deleted already");
    SKEW_RETURN_IF_ERROR(CheckDeletable(scope.db, id, job));
    v1::JobDeletion deletion;
    *deletion.mutable_delete_time() = ToProto(scope.now);
    if (keep_ != absl::InfiniteDuration()) *deletion.mutable_purge_time() = ToProto(scope.now + keep_);
    SKEW_RETURN_IF_ERROR(WriteDeletion(scope, id, std::move(deletion)));
    SKEW_RETURN_IF_ERROR(AppendAuditEvent(scope, actor, "DeleteJob", id.ToString()));
    SKEW_ASSIGN_OR_RETURN(job, ReadJob(scope.db, id));
    return absl::OkStatus();
  }));
  return job;
}

absl::StatusOr<v1::Job> JobDeletion::Undelete(JobId id, const Actor& actor) {
  v1::Job job;
  SKEW_RETURN_IF_ERROR(connections_->Write(clock_->Now(), [&](WriteScope& scope) -> absl::Status {
    SKEW_ASSIGN_OR_RETURN(job, ReadJob(scope.db, id));
    if (!job.has_delete_time()) {
      return absl::FailedPreconditionError(absl::StrCat("job ", id.ToString(), " is not deleted"));
    }
    SKEW_RETURN_IF_ERROR(WriteDeletion(scope, id, {}));
    SKEW_RETURN_IF_ERROR(AppendAuditEvent(scope, actor, "UndeleteJob", id.ToString()));
    SKEW_ASSIGN_OR_RETURN(job, ReadJob(scope.db, id));
    return absl::OkStatus();
  }));
  return job;
}

absl::StatusOr<v1::Job> JobDeletion::Purge(JobId id, When when, const Actor& actor) {
  const absl::Time now = clock_->Now();
  v1::Job job;
  SKEW_RETURN_IF_ERROR(removals_->Remove([&](WriteScope& scope) -> absl::Status {
    SKEW_ASSIGN_OR_RETURN(job, ReadJob(scope.db, id));
    if (when == When::kDue && !(job.has_purge_time() && FromProto(job.purge_time()) <= now)) {
      return Undeletable(id, "is to be kept");
    }
    SKEW_RETURN_IF_ERROR(CheckDeletable(scope.db, id, job));
    SKEW_ASSIGN_OR_RETURN(const std::set<std::string> digests, ReadDigests(scope.db, id));
    SKEW_RETURN_IF_ERROR(AddAttemptRemovals(scope, id));
    SKEW_RETURN_IF_ERROR(RemoveRows(scope, id));
    for (const std::string& digest : digests) SKEW_RETURN_IF_ERROR(AddContentRemoval(scope, digest));
    return AppendAuditEvent(scope, actor, "DeleteJob", id.ToString(), "for good");
  }));
  return job;
}

absl::Status UndeleteIfDeleted(WriteScope& scope, JobId id) {
  if (CheckNotDeleted(scope.db, id).ok()) return absl::OkStatus();
  return WriteDeletion(scope, id, {});
}

}  // namespace skew

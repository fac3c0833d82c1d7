#include "server/store/job_deletion.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/proto_time.h"
#include "common/run_state.h"
#include "common/state_words.h"
#include "common/status.h"
#include "server/store/event_log.h"
#include "server/store/job_rows.h"
#include "server/store/removed_rows.h"
#include "skew/v1/event.pb.h"
#include "spdlog/spdlog.h"

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

// Nobody sees the job from here on, comes after it or waits for it, and its request may be made anew.
absl::Status Hide(WriteScope& scope, JobId id) {
  SKEW_RETURN_IF_ERROR(
      scope.db
          .Prepare(
              "UPDATE jobs SET delete_time = IFNULL(delete_time, ?), purge_time = 1, request_id = NULL WHERE id = ?")
          .Bind(scope.now)
          .Bind(id.number)
          .Run());
  for (const char* sql :
       {"DELETE FROM job_dependencies WHERE job_id = ?", "DELETE FROM job_dependencies WHERE after_job_id = ?"}) {
    SKEW_RETURN_IF_ERROR(scope.db.Prepare(sql).Bind(id.number).Run());
  }
  return absl::OkStatus();
}

absl::StatusOr<bool> IsHidden(Database& db, JobId id) {
  return Exists(db, id, "SELECT 1 FROM jobs WHERE id = ? AND purge_time = 1");
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

absl::Status JobDeletion::Begin(WriteScope& scope, JobId id, When when, const Actor& actor, v1::Job& job) const {
  if (when == When::kDue) {
    SKEW_ASSIGN_OR_RETURN(const bool begun, IsHidden(scope.db, id));
    job.set_id(id.ToString());
    if (begun) return absl::OkStatus();
  }
  SKEW_ASSIGN_OR_RETURN(job, ReadJob(scope.db, id));
  if (when == When::kDue && !(job.has_purge_time() && FromProto(job.purge_time()) <= clock_->Now())) {
    return Undeletable(id, "is to be kept");
  }
  SKEW_RETURN_IF_ERROR(CheckDeletable(scope.db, id, job));
  SKEW_RETURN_IF_ERROR(Hide(scope, id));
  return AppendAuditEvent(scope, actor, "DeleteJob", id.ToString(), "for good");
}

absl::StatusOr<v1::Job> JobDeletion::Purge(JobId id, When when, const Actor& actor, absl::FunctionRef<bool()> go_on) {
  v1::Job job;
  bool gone = false;
  SKEW_RETURN_IF_ERROR(removals_->Remove([&](WriteScope& scope) -> absl::Status {
    SKEW_RETURN_IF_ERROR(Begin(scope, id, when, actor, job));
    SKEW_ASSIGN_OR_RETURN(gone, RemovePortion(scope, id, at_once_));
    return absl::OkStatus();
  }));
  if (gone) return job;
  const absl::Status rest = Complete(id, go_on);
  if (when == When::kDue) SKEW_RETURN_IF_ERROR(rest);
  if (!rest.ok()) spdlog::warn("the rest of job {} is removed later: {}", id.ToString(), rest.ToString());
  return job;
}

absl::Status JobDeletion::Complete(JobId id, absl::FunctionRef<bool()> go_on) {
  for (bool gone = false; !gone;) {
    if (!go_on()) return absl::CancelledError("the removal was cancelled");
    SKEW_RETURN_IF_ERROR(removals_->Remove([&](WriteScope& scope) -> absl::Status {
      SKEW_ASSIGN_OR_RETURN(const bool left, IsHidden(scope.db, id));  // or somebody else has done it meanwhile
      gone = !left;
      if (gone) return absl::OkStatus();
      SKEW_ASSIGN_OR_RETURN(gone, RemovePortion(scope, id, at_once_));
      return absl::OkStatus();
    }));
  }
  return absl::OkStatus();
}

absl::Status UndeleteIfDeleted(WriteScope& scope, JobId id) {
  const absl::Status deleted = CheckNotDeleted(scope.db, id);
  return absl::IsFailedPrecondition(deleted) ? WriteDeletion(scope, id, {}) : deleted;
}

}  // namespace skew

// What a JobStore does with new jobs.
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/state_words.h"
#include "common/status.h"
#include "server/store/added_runs.h"
#include "server/store/event_log.h"
#include "server/store/job_rows.h"
#include "server/store/job_store.h"
#include "server/store/judge_rows.h"
#include "server/store/queue_rows.h"
#include "server/store/reuse_rows.h"
#include "server/store/run_changes.h"
#include "server/store/run_shape.h"

namespace skew {
namespace {

absl::StatusOr<std::optional<JobId>> ReadByRequest(Database& db, const NewJob& job) {
  if (job.request_id.empty()) return std::optional<JobId>();
  Statement row = db.Prepare("SELECT id, request_digest FROM jobs WHERE owner = ? AND request_id = ?");
  row.Bind(job.owner).Bind(job.request_id);
  if (!row.Step()) {
    SKEW_RETURN_IF_ERROR(row.status());
    return std::optional<JobId>();
  }
  const JobId id{row.Int(0)};
  if (row.Text(1) != job.request_digest) {
    return absl::AlreadyExistsError(
        absl::StrCat("request_id '", job.request_id, "' was used for job ", id.ToString(), " with another spec"));
  }
  return std::optional<JobId>(id);
}

absl::Status InsertRuns(WriteScope& scope, JobId id, const NewJob& job) {
  int32_t number = 0;
  RunShapes shapes(job.spec);
  for (const v1::Run& run : job.runs) {
    SKEW_RETURN_IF_ERROR(InsertRun(scope, RunId{id, ++number}, run, {shapes.Of(run), job.priority, job.paused}));
  }
  return absl::OkStatus();
}

absl::Status InsertLabels(Database& db, JobId id, const v1::JobSpec& spec) {
  for (const auto& [key, value] : spec.labels()) {
    SKEW_RETURN_IF_ERROR(db.Prepare("INSERT INTO job_labels (job_id, key, value) VALUES (?, ?, ?)")
                             .Bind(id.number)
                             .Bind(key)
                             .Bind(value)
                             .Run());
  }
  return absl::OkStatus();
}

// Its place in the queue: what it comes after and needs, and its runs.
absl::Status InsertIntoQueue(WriteScope& scope, JobId id, const NewJob& job) {
  for (const JobId after : job.after) {
    SKEW_RETURN_IF_ERROR(scope.db.Prepare("INSERT INTO job_dependencies (job_id, after_job_id) VALUES (?, ?)")
                             .Bind(id.number)
                             .Bind(after.number)
                             .Run());
  }
  if (job.need.memory_bytes() > 0 || job.need.whole_device()) {
    SKEW_RETURN_IF_ERROR(scope.db.Prepare("INSERT INTO job_needs (job_id, memory_bytes, whole_device) VALUES (?, ?, ?)")
                             .Bind(id.number)
                             .Bind(job.need.memory_bytes())
                             .Bind(job.need.whole_device())
                             .Run());
  }
  return EnterQueue(scope, id);
}

// Whether the owner may queue it, and what it comes after can still succeed.
absl::Status CheckAdmission(Database& db, const NewJob& job) {
  SKEW_RETURN_IF_ERROR(CheckQueueLimit(db, job.owner, static_cast<int64_t>(job.runs.size())));
  for (const JobId after : job.after) {
    const absl::StatusOr<v1::JobState> state = ReadJobState(db, after);
    if (absl::IsNotFound(state.status())) return InvalidField("after", state.status().message());
    SKEW_RETURN_IF_ERROR(state.status());
    if (*state != v1::JOB_FAILED && *state != v1::JOB_CANCELLED) continue;
    return absl::FailedPreconditionError(
        absl::StrCat("job ", after.ToString(), ", which it is to come after, ", StateInWords(*state)));
  }
  return absl::OkStatus();
}

absl::StatusOr<JobId> Insert(WriteScope& scope, const NewJob& job, const Actor& actor) {
  Statement insert = scope.db.Prepare(
      "INSERT INTO jobs (kind, owner, request_id, request_digest, spec, dataset_digest, classifier_key, create_time, "
      "priority, no_reuse, reproduces) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
  insert.Bind(job.kind).Bind(job.owner);
  job.request_id.empty() ? insert.BindNull() : insert.Bind(job.request_id);
  insert.Bind(job.request_digest).Bind(job.spec).Bind(job.dataset_digest).Bind(job.classifier_key).Bind(scope.now);
  insert.Bind(job.priority).Bind(job.no_reuse).Bind(job.reproduces);
  SKEW_RETURN_IF_ERROR(insert.Run());
  const JobId id{scope.db.LastInsertedId()};
  SKEW_RETURN_IF_ERROR(InsertMoreJudges(scope.db, id, job.more_judge_keys));
  SKEW_RETURN_IF_ERROR(InsertLabels(scope.db, id, job.spec));
  SKEW_RETURN_IF_ERROR(InsertRuns(scope, id, job));
  SKEW_RETURN_IF_ERROR(InsertIntoQueue(scope, id, job));
  v1::Event event;
  event.mutable_job_accepted()->set_runs(static_cast<int32_t>(job.runs.size()));
  SKEW_RETURN_IF_ERROR(AppendEvent(scope, id, event));
  SKEW_RETURN_IF_ERROR(AppendAuditEvent(scope, actor, job.audit_action, id.ToString(),
                                        job.audit_detail.empty() ? v1::JobKind_Name(job.kind) : job.audit_detail));
  SKEW_RETURN_IF_ERROR(AnswerFromStore(scope, id, job));
  if (job.spec.has_stop()) SKEW_RETURN_IF_ERROR(AddNeededIterations(scope, id));
  return id;
}

// Makes sure that the classifier of `training` is trained, being trained, or about to be. The job that trains it, while
// it is not ready.
absl::StatusOr<std::optional<JobId>> EnsureTraining(WriteScope& scope, const NewJob& training, const Actor& actor) {
  SKEW_ASSIGN_OR_RETURN(const auto classifier, ReadClassifier(scope.db, training.classifier_key));
  if (classifier.has_value()) return std::optional<JobId>();
  SKEW_ASSIGN_OR_RETURN(std::optional<JobId> trainer, FindTrainingJob(scope.db, training.classifier_key));
  if (trainer.has_value()) {
    SKEW_ASSIGN_OR_RETURN(const JobEnd end, ReadJobEnd(scope.db, *trainer));
    if (!end.ended) return trainer;  // or else it failed or was cancelled, and this job gives it another chance
  }
  SKEW_ASSIGN_OR_RETURN(trainer, Insert(scope, training, actor));
  return trainer;
}

// Says which judges are not ready.
absl::Status EnsureTrainings(WriteScope& scope, const NewJob& job, const std::vector<NewJob>& trainings,
                             const Actor& actor, Submission& submission) {
  if (job.kind != v1::STUDY) return absl::OkStatus();
  std::vector<std::string> trainers;
  for (const NewJob& training : trainings) {
    SKEW_ASSIGN_OR_RETURN(const std::optional<JobId> trainer, EnsureTraining(scope, training, actor));
    if (trainer.has_value()) trainers.push_back(trainer->ToString());
  }
  if (trainers.size() == 1) {
    submission.notes.push_back(absl::StrCat("its runs start when job ", trainers[0], " has trained the classifier"));
  } else if (!trainers.empty()) {
    submission.notes.push_back(
        absl::StrCat("its runs start when jobs ", absl::StrJoin(trainers, ", "), " have trained the classifiers"));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Submission> JobStore::Submit(const NewJob& job, const std::vector<NewJob>& trainings,
                                            const Actor& actor) {
  // All artifacts of the owner are added up: not while everybody else waits to write.
  SKEW_RETURN_IF_ERROR(connections_->Read([&](Database& db) -> absl::Status {
    SKEW_ASSIGN_OR_RETURN(const std::optional<JobId> id, ReadByRequest(db, job));
    return id.has_value() ? absl::OkStatus() : CheckArtifactLimit(db, job.owner);
  }));
  Submission submission;
  SKEW_RETURN_IF_ERROR(connections_->Write(clock_->Now(), [&](WriteScope& scope) -> absl::Status {
    SKEW_ASSIGN_OR_RETURN(std::optional<JobId> id, ReadByRequest(scope.db, job));
    submission.existing = id.has_value();
    if (!id.has_value()) {
      SKEW_RETURN_IF_ERROR(CheckAdmission(scope.db, job));
      SKEW_RETURN_IF_ERROR(EnsureTrainings(scope, job, trainings, actor, submission));
      SKEW_ASSIGN_OR_RETURN(id, Insert(scope, job, actor));
    }
    SKEW_ASSIGN_OR_RETURN(submission.job, ReadJob(scope.db, *id));
    return absl::OkStatus();
  }));
  if (submission.job.runs().reused() > 0) submission.notes.push_back(ReuseNote(submission.job.runs()));
  return submission;
}

absl::StatusOr<std::optional<Submission>> JobStore::FindByRequest(const NewJob& job) {
  std::optional<Submission> found;
  SKEW_RETURN_IF_ERROR(connections_->Read([&](Database& db) -> absl::Status {
    SKEW_ASSIGN_OR_RETURN(const std::optional<JobId> id, ReadByRequest(db, job));
    if (!id.has_value()) return absl::OkStatus();
    found.emplace().existing = true;
    SKEW_ASSIGN_OR_RETURN(found->job, ReadJob(db, *id));
    return absl::OkStatus();
  }));
  if (found.has_value() && found->job.runs().reused() > 0) found->notes.push_back(ReuseNote(found->job.runs()));
  return found;
}

}  // namespace skew

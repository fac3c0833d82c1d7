#include "server/store/claim_rows.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/status.h"
#include "server/store/added_runs.h"
#include "server/store/job_rows.h"
#include "server/store/judge_rows.h"
#include "server/store/queue_rows.h"
#include "server/store/reuse_rows.h"
#include "server/store/run_changes.h"

namespace skew {
namespace {

// A run looks so often whether the one with its content is still trained. Should that succeed, it is answered at once.
constexpr absl::Duration kTwinPatience = absl::Seconds(15);

absl::StatusOr<std::optional<RunId>> FirstReady(WriteScope& scope, const QueueKey& key) {
  Statement row = scope.db.Prepare(
      "SELECT r.number FROM queue q JOIN runs r INDEXED BY runs_in_queue ON r.job_id = q.job_id AND r.shape = q.shape "
      "AND r.priority = q.priority AND r.paused = q.paused AND r.state = 1 "
      "WHERE q.job_id = ? AND q.shape = ? AND q.priority = ? AND q.paused = 0 AND q.waits = 0 AND q.queued > 0 "
      "AND r.not_before <= ? ORDER BY r.number LIMIT 1");
  static_assert(v1::QUEUED == 1);
  row.Bind(key.job.number).Bind(key.shape).Bind(key.priority).Bind(scope.now);
  std::optional<RunId> id;
  if (row.Step()) id = RunId{key.job, row.Int32(0)};
  SKEW_RETURN_IF_ERROR(row.status());
  return id;
}

// A run that has been begun with the content of this one, which would be answered by it: training both is a waste.
absl::StatusOr<bool> StandsBack(WriteScope& scope, RunId run) {
  SKEW_ASSIGN_OR_RETURN(const std::optional<RunId> twin, FindTwinUnderWay(scope.db, run));
  if (!twin.has_value()) return false;
  SKEW_RETURN_IF_ERROR(scope.db.Prepare("UPDATE runs SET not_before = ?, message = ? WHERE job_id = ? AND number = ?")
                           .Bind(scope.now + kTwinPatience)
                           .Bind(absl::StrCat("waits for ", twin->ToString(), ", which trains the same"))
                           .Bind(run.job.number)
                           .Bind(run.number)
                           .Run());
  return true;
}

absl::Status ReadJudge(Database& db, const std::string& key, StoredJudge& judge) {
  SKEW_ASSIGN_OR_RETURN(std::optional<v1::Classifier> classifier, ReadClassifier(db, key));
  if (!classifier.has_value()) return absl::InternalError(absl::StrCat("classifier ", key, " is not there"));
  judge.classifier = *std::move(classifier);
  judge.classifier.clear_confidences();
  SKEW_ASSIGN_OR_RETURN(const JobId trainer, JobId::Parse(judge.classifier.job_id()));
  Statement weights = db.Prepare("SELECT digest FROM artifacts WHERE job_id = ? AND run_number = 1 AND name = ?");
  weights.Bind(trainer.number).Bind(kClassifierArtifact);
  if (weights.Step()) judge.weights = weights.Text(0);
  return weights.status();
}

absl::Status InsertAttempt(WriteScope& scope, const AttemptId& attempt, const ClaimDevice& device,
                           const std::string& token_digest) {
  return scope.db
      .Prepare(
          "INSERT INTO attempts (job_id, run_number, number, token_digest, state, device, device_kind, memory_bytes, "
          "whole_device, start_time) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")
      .Bind(attempt.run.job.number)
      .Bind(attempt.run.number)
      .Bind(attempt.number)
      .Bind(token_digest)
      .Bind(v1::STARTING)
      .Bind(device.name)
      .Bind(device.kind)
      .Bind(device.memory_bytes)
      .Bind(device.whole_device)
      .Bind(scope.now)
      .Run();
}

absl::StatusOr<int32_t> NextAttemptNumber(Database& db, RunId run) {
  SKEW_RETURN_IF_ERROR(db.Prepare("UPDATE runs SET attempts = attempts + 1 WHERE job_id = ? AND number = ?")
                           .Bind(run.job.number)
                           .Bind(run.number)
                           .Run());
  Statement row = db.Prepare("SELECT attempts FROM runs WHERE job_id = ? AND number = ?");
  row.Bind(run.job.number).Bind(run.number);
  const int32_t number = row.Step() ? row.Int32(0) : 0;
  SKEW_RETURN_IF_ERROR(row.status());
  return number;
}

}  // namespace

absl::StatusOr<std::optional<RunId>> FindRunnable(WriteScope& scope, const QueueKey& key) {
  SKEW_ASSIGN_OR_RETURN(const std::optional<RunId> run, FirstReady(scope, key));
  if (!run.has_value()) return run;
  SKEW_ASSIGN_OR_RETURN(const bool answered, AnswerIfDone(scope, *run));
  if (answered) {
    SKEW_RETURN_IF_ERROR(AddNeededIteration(scope, *run));
    return std::nullopt;
  }
  SKEW_ASSIGN_OR_RETURN(const bool stands_back, StandsBack(scope, *run));
  if (stands_back) return std::nullopt;
  return run;
}

absl::Status ReadJobSources(Database& db, JobId id, JobSources& sources) {
  Statement job = db.Prepare("SELECT spec, dataset_digest FROM jobs WHERE id = ?");
  job.Bind(id.number);
  if (!job.Step()) return job.status().ok() ? absl::NotFoundError("there is no job " + id.ToString()) : job.status();
  job.Read(0, sources.spec);
  sources.dataset_digest = job.Text(1);
  SKEW_RETURN_IF_ERROR(job.status());
  SKEW_ASSIGN_OR_RETURN(const std::vector<std::string> keys, ReadJudgeKeys(db, id));
  for (const std::string& key : keys) SKEW_RETURN_IF_ERROR(ReadJudge(db, key, sources.judges.emplace_back()));
  return absl::OkStatus();
}

absl::Status ReadClaimedJob(Database& db, Claim& claim) {
  SKEW_RETURN_IF_ERROR(ReadJobSources(db, claim.attempt.run.job, claim));
  SKEW_ASSIGN_OR_RETURN(claim.run, ReadRun(db, claim.attempt.run));
  return absl::OkStatus();
}

absl::Status ClaimRun(WriteScope& scope, RunId run, const ClaimDevice& device, const std::string& token_digest,
                      Claim& claim) {
  SKEW_ASSIGN_OR_RETURN(const int32_t number, NextAttemptNumber(scope.db, run));
  claim.attempt = {run, number};
  SKEW_RETURN_IF_ERROR(InsertAttempt(scope, claim.attempt, device, token_digest));
  RunChange change;
  change.state = v1::STARTING;
  change.attempt = number;
  change.device = device.name;
  SKEW_RETURN_IF_ERROR(ChangeRun(scope, run, change));
  SKEW_RETURN_IF_ERROR(NoteStart(scope, run));
  return ReadClaimedJob(scope.db, claim);
}

}  // namespace skew

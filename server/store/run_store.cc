#include "server/store/run_store.h"

#include <algorithm>
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/run_state.h"
#include "common/status.h"
#include "server/store/added_runs.h"
#include "server/store/claim_rows.h"
#include "server/store/event_log.h"
#include "server/store/job_rows.h"
#include "server/store/judge_rows.h"
#include "server/store/queue_rows.h"
#include "server/store/report_rows.h"
#include "server/store/reuse_rows.h"
#include "server/store/run_changes.h"

namespace skew {

std::string AttemptId::ToString() const { return absl::StrCat(run.ToString(), " attempt ", number); }

namespace {

// The attempts before the last retry that somebody asked for are forgotten: the number of the last of them.
absl::StatusOr<int32_t> ReadForgivenAttempts(Database& db, RunId run) {
  Statement row = db.Prepare("SELECT forgiven FROM runs WHERE job_id = ? AND number = ?");
  row.Bind(run.job.number).Bind(run.number);
  const int32_t forgiven = row.Step() ? row.Int32(0) : 0;
  SKEW_RETURN_IF_ERROR(row.status());
  return forgiven;
}

// Attempts just before this one that count as no failure and whose worker said one thing at most: why it cannot work.
absl::StatusOr<int32_t> CountInVain(Database& db, const AttemptId& attempt) {
  Statement row = db.Prepare(
      "SELECT reason, last_report FROM attempts WHERE job_id = ? AND run_number = ? AND number < ? "
      "ORDER BY number DESC LIMIT 10");
  row.Bind(attempt.run.job.number).Bind(attempt.run.number).Bind(attempt.number);
  int32_t in_vain = 0;
  while (row.Step() && !CountsAsAttempt(static_cast<v1::Reason>(row.Int(0))) && row.Int(1) <= 1) ++in_vain;
  SKEW_RETURN_IF_ERROR(row.status());
  return in_vain;
}

absl::StatusOr<AttemptFacts> ReadFacts(Database& db, const AttemptId& attempt) {
  AttemptFacts facts;
  SKEW_ASSIGN_OR_RETURN(facts.run_state, ReadRunState(db, attempt.run));
  Statement row = db.Prepare("SELECT outcome FROM attempts WHERE job_id = ? AND run_number = ? AND number = ?");
  row.Bind(attempt.run.job.number).Bind(attempt.run.number).Bind(attempt.number);
  if (row.Step() && !row.IsNull(0)) row.Read(0, facts.outcome.emplace());
  SKEW_RETURN_IF_ERROR(row.status());
  SKEW_ASSIGN_OR_RETURN(const v1::Run run, ReadRun(db, attempt.run));
  SKEW_ASSIGN_OR_RETURN(const int32_t forgiven, ReadForgivenAttempts(db, attempt.run));
  facts.failures =
      static_cast<int32_t>(std::count_if(run.attempts().begin(), run.attempts().end(), [&](const v1::Attempt& earlier) {
        return earlier.number() > forgiven && earlier.number() < attempt.number && CountsAsAttempt(earlier.reason());
      }));
  SKEW_ASSIGN_OR_RETURN(facts.in_vain, CountInVain(db, attempt));
  Statement job =
      db.Prepare("SELECT spec, (SELECT time FROM events WHERE revision = last_revision) FROM jobs WHERE id = ?");
  job.Bind(attempt.run.job.number);
  v1::JobSpec spec;
  if (job.Step()) {
    job.Read(0, spec);
    facts.last_heard = job.Time(1);
  }
  SKEW_RETURN_IF_ERROR(job.status());
  facts.max_attempts = spec.max_attempts();
  return facts;
}

absl::Status WriteEnd(WriteScope& scope, const AttemptId& attempt, const AttemptEnd& end) {
  SKEW_RETURN_IF_ERROR(scope.db
                           .Prepare("UPDATE attempts SET state = ?, reason = ?, message = ?, end_time = ? "
                                    "WHERE job_id = ? AND run_number = ? AND number = ?")
                           .Bind(end.state)
                           .Bind(end.reason)
                           .Bind(end.message)
                           .Bind(scope.now)
                           .Bind(attempt.run.job.number)
                           .Bind(attempt.run.number)
                           .Bind(attempt.number)
                           .Run());
  if (end.state == v1::QUEUED && end.not_before > absl::InfinitePast()) {
    SKEW_RETURN_IF_ERROR(scope.db.Prepare("UPDATE runs SET not_before = ? WHERE job_id = ? AND number = ?")
                             .Bind(end.not_before)
                             .Bind(attempt.run.job.number)
                             .Bind(attempt.run.number)
                             .Run());
  }
  SKEW_RETURN_IF_ERROR(ChargeUse(scope, attempt.run, attempt.number, std::min(end.held_until, scope.now)));
  if (end.state == v1::SUCCEEDED) SKEW_RETURN_IF_ERROR(LearnLength(scope, attempt.run, attempt.number, end.peak_bytes));
  RunChange change;
  change.state = end.state;
  change.reason = end.reason;
  change.message = end.message;
  change.attempt = attempt.number;
  SKEW_RETURN_IF_ERROR(ChangeRun(scope, attempt.run, change));
  return end.state == v1::SUCCEEDED ? absl::OkStatus() : ReleaseTwins(scope, attempt.run);
}

// What follows when a run has succeeded: others have its result, too, and their cells may need more or have enough; but
// not that of a run that was to be cancelled.
absl::Status GoOnFrom(WriteScope& scope, RunId succeeded, v1::RunState before) {
  SKEW_ASSIGN_OR_RETURN(std::vector<RunId> ended, AnswerWaitingTwins(scope, succeeded));
  if (before != v1::CANCELLING) ended.push_back(succeeded);
  for (const RunId id : ended) SKEW_RETURN_IF_ERROR(AddNeededIteration(scope, id));
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::optional<Claim>> RunStore::ClaimOneOf(const QueueKey& key, const ClaimDevice& device,
                                                          const std::string& token_digest) {
  std::optional<Claim> claim;
  SKEW_RETURN_IF_ERROR(connections_->Write(clock_->Now(), [&](WriteScope& scope) -> absl::Status {
    SKEW_ASSIGN_OR_RETURN(const std::optional<RunId> run, FindRunnable(scope, key));
    if (!run.has_value()) return absl::OkStatus();
    return ClaimRun(scope, *run, device, token_digest, claim.emplace());
  }));
  return claim;
}

absl::StatusOr<JobSources> RunStore::ReadSources(JobId job) {
  JobSources sources;
  SKEW_RETURN_IF_ERROR(connections_->Read([&](Database& db) { return ReadJobSources(db, job, sources); }));
  return sources;
}

absl::StatusOr<absl::Time> RunStore::NextRetryTime(absl::Time after) {
  absl::Time next = absl::InfiniteFuture();
  SKEW_RETURN_IF_ERROR(connections_->Read([&](Database& db) -> absl::Status {
    // The index has the second condition, and is searched by the first one of the two.
    Statement row = db.Prepare(
        "SELECT MIN(not_before) FROM runs INDEXED BY runs_by_retry WHERE state = 1 AND not_before > ? AND not_before > "
        "0");
    row.Bind(after);
    if (row.Step() && !row.IsNull(0)) next = row.Time(0);
    return row.status();
  }));
  return next;
}

absl::StatusOr<int> RunStore::FailOrphanedStudies() {
  std::map<RunId, std::string> orphans;
  SKEW_RETURN_IF_ERROR(connections_->Read([&](Database& db) -> absl::Status {
    SKEW_ASSIGN_OR_RETURN(orphans, FindOrphanedStudies(db, kRunsAtOnce));
    return absl::OkStatus();
  }));
  if (orphans.empty()) return 0;
  SKEW_RETURN_IF_ERROR(connections_->Write(clock_->Now(), [&](WriteScope& scope) -> absl::Status {
    SKEW_ASSIGN_OR_RETURN(orphans, FindOrphanedStudies(scope.db, kRunsAtOnce));
    for (const auto& [run, key] : orphans) {
      SKEW_ASSIGN_OR_RETURN(const std::optional<JobId> trainer, FindTrainingJob(scope.db, key));
      RunChange change;
      change.state = v1::FAILED;
      change.reason = v1::DEPENDENCY_FAILED;
      change.message = absl::StrCat("job ", trainer.value_or(JobId()).ToString(),
                                    ", the training of its classifier, ended without one");
      SKEW_RETURN_IF_ERROR(ChangeRun(scope, run, change));
    }
    return absl::OkStatus();
  }));
  if (orphans.size() < kRunsAtOnce) return static_cast<int>(orphans.size());
  SKEW_ASSIGN_OR_RETURN(const int more, FailOrphanedStudies());
  return static_cast<int>(orphans.size()) + more;
}

absl::StatusOr<Claim> RunStore::ReadClaim(const AttemptId& attempt) {
  Claim claim;
  claim.attempt = attempt;
  SKEW_RETURN_IF_ERROR(connections_->Read([&](Database& db) { return ReadClaimedJob(db, claim); }));
  return claim;
}

absl::StatusOr<std::string> RunStore::DeviceToAvoid(RunId run) {
  std::string device;
  SKEW_RETURN_IF_ERROR(connections_->Read([&](Database& db) -> absl::Status {
    Statement row = db.Prepare(
        "SELECT device, reason FROM attempts WHERE job_id = ? AND run_number = ? ORDER BY number DESC LIMIT 1");
    row.Bind(run.job.number).Bind(run.number);
    if (row.Step() && FailureClassOf(static_cast<v1::Reason>(row.Int(1))).elsewhere) device = row.Text(0);
    return row.status();
  }));
  return device;
}

absl::Status RunStore::MoveStart(const AttemptId& attempt, absl::Time start_time) {
  return connections_->Write(clock_->Now(), [&](WriteScope& scope) {
    return scope.db.Prepare("UPDATE attempts SET start_time = ? WHERE job_id = ? AND run_number = ? AND number = ?")
        .Bind(start_time)
        .Bind(attempt.run.job.number)
        .Bind(attempt.run.number)
        .Bind(attempt.number)
        .Run();
  });
}

absl::Status RunStore::RecordProcess(const AttemptId& attempt, const ProcessIdentity& process) {
  return connections_->Write(clock_->Now(), [&](WriteScope& scope) {
    return scope.db
        .Prepare(
            "UPDATE attempts SET pid = ?, process_start = ?, boot_id = ? "
            "WHERE job_id = ? AND run_number = ? AND number = ?")
        .Bind(process.pid)
        .Bind(process.start_ticks)
        .Bind(process.boot_id)
        .Bind(attempt.run.job.number)
        .Bind(attempt.run.number)
        .Bind(attempt.number)
        .Run();
  });
}

absl::StatusOr<AttemptId> RunStore::FindByToken(const std::string& token_digest) {
  AttemptId attempt;
  SKEW_RETURN_IF_ERROR(connections_->Read([&](Database& db) -> absl::Status {
    Statement row =
        db.Prepare("SELECT job_id, run_number, number FROM attempts WHERE token_digest = ? AND end_time IS NULL");
    row.Bind(token_digest);
    if (row.Step()) {
      attempt = {RunId{JobId{row.Int(0)}, row.Int32(1)}, row.Int32(2)};
      return absl::OkStatus();
    }
    return row.status().ok() ? absl::NotFoundError("no attempt that goes on has this token") : row.status();
  }));
  return attempt;
}

absl::StatusOr<int64_t> RunStore::LastReport(const AttemptId& attempt) {
  int64_t number = 0;
  SKEW_RETURN_IF_ERROR(connections_->Read([&](Database& db) -> absl::Status {
    SKEW_ASSIGN_OR_RETURN(const ReportCursor cursor, ReadReportCursor(db, attempt));
    number = cursor.last_report;
    return absl::OkStatus();
  }));
  return number;
}

absl::Status RunStore::ApplyReport(const AttemptId& attempt, const worker::v1::Report& report) {
  return connections_->Write(clock_->Now(), [&](WriteScope& scope) -> absl::Status {
    SKEW_ASSIGN_OR_RETURN(const ReportCursor cursor, ReadReportCursor(scope.db, attempt));
    if (report.number() <= cursor.last_report) return absl::OkStatus();
    if (cursor.ended) return absl::FailedPreconditionError(absl::StrCat(attempt.ToString(), " has ended"));
    if (report.number() != cursor.last_report + 1) {
      return absl::FailedPreconditionError(
          absl::StrCat(attempt.ToString(), ": report ", report.number(), " follows ", cursor.last_report));
    }
    return WriteReport(scope, attempt, report);
  });
}

absl::StatusOr<AttemptEnd> RunStore::EndAttempt(const AttemptId& attempt,
                                                absl::FunctionRef<AttemptEnd(const AttemptFacts&)> decide) {
  AttemptEnd end;
  SKEW_RETURN_IF_ERROR(connections_->Write(clock_->Now(), [&](WriteScope& scope) -> absl::Status {
    SKEW_ASSIGN_OR_RETURN(const AttemptFacts facts, ReadFacts(scope.db, attempt));
    end = decide(facts);
    SKEW_RETURN_IF_ERROR(WriteEnd(scope, attempt, end));
    return end.state == v1::SUCCEEDED ? GoOnFrom(scope, attempt.run, facts.run_state) : absl::OkStatus();
  }));
  return end;
}

absl::StatusOr<std::vector<OpenAttempt>> RunStore::OpenAttempts() {
  std::vector<OpenAttempt> attempts;
  SKEW_RETURN_IF_ERROR(connections_->Read([&](Database& db) -> absl::Status {
    Statement row = db.Prepare(
        "SELECT job_id, run_number, number, device, start_time, pid, process_start, boot_id, memory_bytes, "
        "whole_device FROM attempts "
        "WHERE end_time IS NULL ORDER BY job_id, run_number, number");
    while (row.Step()) {
      attempts.push_back({AttemptId{RunId{JobId{row.Int(0)}, row.Int32(1)}, row.Int32(2)}, row.Text(3), row.Time(4),
                          ProcessIdentity{row.Int(5), row.Int(6), row.Text(7)}, row.Int(8), row.Int(9) != 0});
    }
    return row.status();
  }));
  return attempts;
}

absl::StatusOr<std::vector<AttemptId>> RunStore::CancellingAttempts() {
  std::vector<AttemptId> attempts;
  SKEW_RETURN_IF_ERROR(connections_->Read([&](Database& db) -> absl::Status {
    Statement row = db.Prepare("SELECT job_id, number, attempts FROM runs WHERE state = 4 ORDER BY job_id, number");
    static_assert(v1::CANCELLING == 4);
    while (row.Step()) attempts.push_back({RunId{JobId{row.Int(0)}, row.Int32(1)}, row.Int32(2)});
    return row.status();
  }));
  return attempts;
}

absl::StatusOr<std::vector<AttemptId>> RunStore::PausedAttempts() {
  std::vector<AttemptId> attempts;
  SKEW_RETURN_IF_ERROR(connections_->Read([&](Database& db) -> absl::Status {
    Statement row = db.Prepare(
        "SELECT job_id, number, attempts FROM runs WHERE paused = 1 AND state IN (2, 3) ORDER BY state, job_id, "
        "number");
    static_assert(v1::STARTING == 2 && v1::RUNNING == 3);
    while (row.Step()) attempts.push_back({RunId{JobId{row.Int(0)}, row.Int32(1)}, row.Int32(2)});
    return row.status();
  }));
  return attempts;
}

}  // namespace skew

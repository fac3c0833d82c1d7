#include "server/store/queue_rows.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "common/status.h"
#include "server/store/judge_rows.h"
#include "server/store/use_decay.h"
#include "skew/v1/job.pb.h"

namespace skew {
namespace {

static_assert(v1::QUEUED == 1);
static_assert(v1::JOB_SUCCEEDED == 3 && v1::JOB_FAILED == 4 && v1::JOB_CANCELLED == 5);
static_assert(v1::STUDY == 1 && v1::CLASSIFIER_TRAINING == 2);

constexpr int64_t kWaitsForClassifier = 1;
constexpr int64_t kWaitsForJob = 2;

absl::StatusOr<int64_t> ReadInt(Statement& row) {
  const int64_t value = row.Step() ? row.Int(0) : 0;
  SKEW_RETURN_IF_ERROR(row.status());
  return value;
}

// Of each setting that a row has: the user's own row comes last and wins.
void Apply(const Statement& row, ShareSettings& settings) {
  if (!row.IsNull(0)) settings.weight = static_cast<double>(row.Int(0)) / 1000;
  if (!row.IsNull(1)) settings.max_slots = row.Int32(1);
  if (!row.IsNull(2)) settings.max_queued = row.Int32(2);
  if (!row.IsNull(3)) settings.max_artifact_bytes = row.Int(3);
}

absl::StatusOr<std::vector<JobId>> ReadJobs(Statement& row) {
  std::vector<JobId> jobs;
  while (row.Step()) jobs.push_back(JobId{row.Int(0)});
  SKEW_RETURN_IF_ERROR(row.status());
  return jobs;
}

// What the job's queued runs wait for now: as queue.waits.
absl::StatusOr<int64_t> ComputeWaits(Database& db, JobId job) {
  Statement row =
      db.Prepare(absl::StrCat("SELECT ", kLacksJudge,
                              ", EXISTS (SELECT 1 FROM job_dependencies d JOIN jobs a ON a.id = d.after_job_id "
                              "          WHERE d.job_id = j.id AND a.state <> 3) FROM jobs j WHERE j.id = ?"));
  row.Bind(job.number);
  int64_t waits = 0;
  if (row.Step()) waits = (row.Int(0) != 0 ? kWaitsForClassifier : 0) | (row.Int(1) != 0 ? kWaitsForJob : 0);
  SKEW_RETURN_IF_ERROR(row.status());
  return waits;
}

}  // namespace

absl::StatusOr<ShareSettings> ReadShareSettings(Database& db, const std::string& user) {
  ShareSettings settings;
  for (const absl::string_view name : {absl::string_view("*"), absl::string_view(user)}) {
    Statement row = db.Prepare("SELECT weight, max_slots, max_queued, max_artifact_bytes FROM shares WHERE user = ?");
    row.Bind(name);
    if (row.Step()) Apply(row, settings);
    SKEW_RETURN_IF_ERROR(row.status());
  }
  return settings;
}

absl::Status CheckQueueLimit(Database& db, const std::string& user, int64_t more_runs) {
  SKEW_ASSIGN_OR_RETURN(const ShareSettings settings, ReadShareSettings(db, user));
  if (settings.max_queued == 0) return absl::OkStatus();
  Statement row = db.Prepare("SELECT SUM(queued) FROM queue WHERE owner = ? AND queued > 0");
  row.Bind(user);
  SKEW_ASSIGN_OR_RETURN(const int64_t queued, ReadInt(row));
  if (queued + more_runs <= settings.max_queued) return absl::OkStatus();
  return absl::ResourceExhaustedError(absl::StrCat(user, " has ", queued, " queued runs and may have ",
                                                   settings.max_queued, " (max_queued); ", more_runs,
                                                   " more are too many"));
}

absl::Status CheckArtifactLimit(Database& db, const std::string& user) {
  SKEW_ASSIGN_OR_RETURN(const ShareSettings settings, ReadShareSettings(db, user));
  if (settings.max_artifact_bytes == 0) return absl::OkStatus();
  Statement row =
      db.Prepare("SELECT SUM(a.size_bytes) FROM artifacts a JOIN jobs j ON j.id = a.job_id WHERE j.owner = ?");
  row.Bind(user);
  SKEW_ASSIGN_OR_RETURN(const int64_t stored, ReadInt(row));
  if (stored < settings.max_artifact_bytes) return absl::OkStatus();
  return absl::ResourceExhaustedError(absl::StrCat("artifacts of ", user, " have ", stored, " bytes and may have ",
                                                   settings.max_artifact_bytes, " (max_artifact_bytes)"));
}

absl::Status EnterQueue(WriteScope& scope, JobId job) {
  SKEW_RETURN_IF_ERROR(scope.db
                           .Prepare("INSERT INTO queue (job_id, shape, priority, paused, owner, queued, waiting_since) "
                                    "SELECT r.job_id, r.shape, r.priority, r.paused, j.owner, COUNT(*), ? "
                                    "FROM runs r JOIN jobs j ON j.id = r.job_id WHERE r.job_id = ? AND r.state = 1 "
                                    "GROUP BY r.shape, r.priority, r.paused")
                           .Bind(scope.now)
                           .Bind(job.number)
                           .Run());
  return RefreshWaits(scope, job);
}

absl::Status MoveInQueue(WriteScope& scope, RunId run, v1::RunState from, v1::RunState to) {
  if (from == v1::QUEUED) {
    // Only a start ends the waiting of the others.
    return scope.db
        .Prepare(
            "UPDATE queue SET queued = queued - 1, waiting_since = IIF(?, ?, waiting_since) "
            "WHERE job_id = ? AND (shape, priority, paused) = "
            "(SELECT shape, priority, paused FROM runs WHERE job_id = ? AND number = ?)")
        .Bind(to == v1::STARTING)
        .Bind(scope.now)
        .Bind(run.job.number)
        .Bind(run.job.number)
        .Bind(run.number)
        .Run();
  }
  if (to != v1::QUEUED) return absl::OkStatus();
  SKEW_RETURN_IF_ERROR(scope.db
                           .Prepare("INSERT INTO queue (job_id, shape, priority, paused, owner, queued, waiting_since) "
                                    "SELECT r.job_id, r.shape, r.priority, r.paused, j.owner, 1, ? "
                                    "FROM runs r JOIN jobs j ON j.id = r.job_id WHERE r.job_id = ? AND r.number = ? "
                                    "ON CONFLICT DO UPDATE SET queued = queued + 1, "
                                    "waiting_since = IIF(queued = 0, excluded.waiting_since, waiting_since)")
                           .Bind(scope.now)
                           .Bind(run.job.number)
                           .Bind(run.number)
                           .Run());
  return RefreshWaits(scope, run.job);
}

absl::StatusOr<std::set<JobId>> ChangedWaits(Database& db) {
  Statement row = db.Prepare(absl::StrCat(
      "SELECT q.job_id FROM queue q JOIN jobs j ON j.id = q.job_id WHERE q.queued > 0 AND q.waits > 0 AND q.waits <> "
      "1 * ",
      kLacksJudge,
      " + 2 * EXISTS (SELECT 1 FROM job_dependencies d JOIN jobs a ON a.id = d.after_job_id "
      "               WHERE d.job_id = j.id AND a.state <> 3) ORDER BY q.waits, q.job_id"));
  static_assert(kWaitsForClassifier == 1 && kWaitsForJob == 2);
  std::set<JobId> jobs;
  while (row.Step()) jobs.insert(JobId{row.Int(0)});
  SKEW_RETURN_IF_ERROR(row.status());
  return jobs;
}

absl::Status RefreshWaits(WriteScope& scope, JobId job) {
  SKEW_ASSIGN_OR_RETURN(const int64_t waits, ComputeWaits(scope.db, job));
  return scope.db.Prepare("UPDATE queue SET waits = ? WHERE job_id = ? AND waits <> ?")
      .Bind(waits)
      .Bind(job.number)
      .Bind(waits)
      .Run();
}

absl::StatusOr<std::vector<JobId>> Dependencies(Database& db, JobId job) {
  Statement row = db.Prepare("SELECT after_job_id FROM job_dependencies WHERE job_id = ? ORDER BY after_job_id");
  row.Bind(job.number);
  return ReadJobs(row);
}

absl::StatusOr<std::vector<JobId>> OpenDependencies(Database& db, JobId job) {
  Statement row = db.Prepare(
      "SELECT d.after_job_id FROM job_dependencies d JOIN jobs a ON a.id = d.after_job_id "
      "WHERE d.job_id = ? AND a.state <> 3 ORDER BY d.after_job_id");
  row.Bind(job.number);
  return ReadJobs(row);
}

absl::StatusOr<JobId> FailedDependency(Database& db, JobId job) {
  Statement row = db.Prepare(
      "SELECT d.after_job_id FROM job_dependencies d JOIN jobs a ON a.id = d.after_job_id "
      "WHERE d.job_id = ? AND a.state IN (4, 5) ORDER BY d.after_job_id LIMIT 1");
  row.Bind(job.number);
  SKEW_ASSIGN_OR_RETURN(const int64_t number, ReadInt(row));
  return JobId{number};
}

absl::Status ChargeUse(WriteScope& scope, RunId run, int32_t attempt, absl::Time until) {
  Statement row = scope.db.Prepare(
      "SELECT j.owner, a.start_time, u.slot_time, u.time, (SELECT half_life FROM use_decay) FROM attempts a "
      "JOIN jobs j ON j.id = a.job_id LEFT JOIN use u ON u.user = j.owner "
      "WHERE a.job_id = ? AND a.run_number = ? AND a.number = ?");
  row.Bind(run.job.number).Bind(run.number).Bind(attempt);
  if (!row.Step()) return row.status();
  const std::string owner = row.Text(0);
  const absl::Duration held = std::max(until - row.Time(1), absl::ZeroDuration());
  const absl::Duration half_life = absl::Microseconds(std::max<int64_t>(row.Int(4), 1));
  const double before = row.IsNull(2) ? 0 : 1e-6 * static_cast<double>(row.Int(2));
  const double use = DecayedUse(before, scope.now - row.Time(3), half_life) +
                     DecayedUse(UseOfHolding(held, half_life), scope.now - until, half_life);
  return scope.db
      .Prepare(
          "INSERT INTO use (user, slot_time, time) VALUES (?, ?, ?) "
          "ON CONFLICT DO UPDATE SET slot_time = excluded.slot_time, time = excluded.time")
      .Bind(owner)
      .Bind(static_cast<int64_t>(use * 1e6))
      .Bind(scope.now)
      .Run();
}

absl::Status NoteStart(WriteScope& scope, RunId run) {
  return scope.db
      .Prepare(
          "INSERT INTO use (user, slot_time, time, last_start) SELECT owner, 0, ?, ? FROM jobs WHERE id = ? "
          "ON CONFLICT DO UPDATE SET last_start = excluded.last_start")
      .Bind(scope.now)
      .Bind(scope.now)
      .Bind(run.job.number)
      .Run();
}

namespace {

// Newer runs count more, so that a faster program or machine is noticed: at least as one in `memory`.
absl::Status LearnLengthOf(WriteScope& scope, int64_t shape, absl::string_view kind, absl::Duration length,
                           int64_t peak_bytes, int memory) {
  return scope.db
      .Prepare(
          "INSERT INTO run_lengths (shape, device_kind, runs, length, peak_bytes) VALUES (?, ?, 1, ?, ?) "
          "ON CONFLICT DO UPDATE SET "
          "length = length + (excluded.length - length) / MIN(runs + 1, ?), runs = runs + 1, "
          "peak_bytes = MAX(peak_bytes, excluded.peak_bytes)")
      .Bind(shape)
      .Bind(kind)
      .Bind(absl::ToInt64Microseconds(length))
      .Bind(peak_bytes)
      .Bind(memory)
      .Run();
}

}  // namespace

absl::Status LearnLength(WriteScope& scope, RunId run, int32_t attempt, int64_t peak_bytes) {
  if (attempt != 1) return absl::OkStatus();  // it went on from a checkpoint, or had to begin again
  Statement row = scope.db.Prepare(
      "SELECT r.shape, a.device_kind, a.start_time FROM attempts a "
      "JOIN runs r ON r.job_id = a.job_id AND r.number = a.run_number "
      "WHERE a.job_id = ? AND a.run_number = ? AND a.number = ?");
  row.Bind(run.job.number).Bind(run.number).Bind(attempt);
  if (!row.Step()) return row.status();
  const absl::Duration length = scope.now - row.Time(2);
  SKEW_RETURN_IF_ERROR(LearnLengthOf(scope, row.Int(0), row.Text(1), length, peak_bytes, 5));
  return LearnLengthOf(scope, 0, "", length, 0, 50);
}

}  // namespace skew

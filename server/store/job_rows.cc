#include "server/store/job_rows.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/proto_time.h"
#include "common/run_state.h"
#include "common/status.h"
#include "server/store/queue_rows.h"

namespace skew {
namespace {

absl::Status NoSuchJob(JobId id) { return absl::NotFoundError(absl::StrCat("there is no job ", id.ToString())); }
absl::Status NoSuchRun(RunId id) { return absl::NotFoundError(absl::StrCat("there is no run ", id.ToString())); }

void SetTime(const Statement& row, int column, google::protobuf::Timestamp* (*mutable_time)(v1::Run&), v1::Run& run) {
  if (!row.IsNull(column)) *mutable_time(run) = ToProto(row.Time(column));
}

// The classifier's state, for people who wonder why a job waits.
absl::Status ExplainWait(Database& db, const std::string& key, v1::Job& job) {
  SKEW_ASSIGN_OR_RETURN(const auto classifier, ReadClassifier(db, key));
  if (classifier.has_value() || job.kind() == v1::CLASSIFIER_TRAINING) return absl::OkStatus();
  SKEW_ASSIGN_OR_RETURN(const auto training, FindTrainingJob(db, key));
  if (training.has_value()) {
    job.set_message(absl::StrCat("waits for its classifier, which job ", training->ToString(), " trains"));
  }
  return absl::OkStatus();
}

absl::Status ExplainFailure(Database& db, JobId id, v1::Job& job) {
  Statement failed =
      db.Prepare("SELECT number, message FROM runs WHERE job_id = ? AND state = ? ORDER BY number LIMIT 1");
  failed.Bind(id.number).Bind(v1::FAILED);
  if (failed.Step()) job.set_message(absl::StrCat(RunId{id, failed.Int32(0)}.ToString(), ": ", failed.Text(1)));
  return failed.status();
}

// Pause, need and dependencies.
absl::Status ReadQueueState(Database& db, JobId id, v1::Job& job) {
  Statement queue = db.Prepare(
      "SELECT EXISTS (SELECT 1 FROM queue WHERE job_id = jobs.id AND paused = 0 AND queued > 0) OR "
      "EXISTS (SELECT 1 FROM runs WHERE job_id = jobs.id AND state IN (2, 3, 4) AND paused = 0), "
      "memory_bytes, whole_device FROM jobs LEFT JOIN job_needs ON job_id = id WHERE id = ?");
  static_assert(v1::STARTING == 2 && v1::RUNNING == 3 && v1::CANCELLING == 4);
  queue.Bind(id.number);
  if (queue.Step()) {
    job.set_paused(queue.Int(0) == 0 && !IsTerminal(job.state()));
    if (!queue.IsNull(1)) job.mutable_need()->set_memory_bytes(queue.Int(1));
    if (!queue.IsNull(2)) job.mutable_need()->set_whole_device(queue.Int(2) != 0);
  }
  SKEW_RETURN_IF_ERROR(queue.status());
  SKEW_ASSIGN_OR_RETURN(const std::vector<JobId> dependencies, Dependencies(db, id));
  for (const JobId dependency : dependencies) job.add_after(dependency.ToString());
  return absl::OkStatus();
}

constexpr absl::string_view kRunColumns =
    "SELECT number, model_index, model, bias_point, iteration, seed, state, reason, message, device, progress, "
    "manifest_digest, classifier_digest, start_time, end_time, precision, priority, paused, reused_from, content_key "
    "FROM runs ";

v1::Run RunOfRow(JobId job, Statement& row) {
  v1::Run run;
  run.set_id(RunId{job, row.Int32(0)}.ToString());
  run.set_job_id(job.ToString());
  run.set_model_index(row.Int32(1));
  run.set_model(row.Text(2));
  row.Read(3, *run.mutable_bias_point());
  run.set_iteration(row.Int32(4));
  run.set_seed(static_cast<uint32_t>(row.Int(5)));
  run.set_state(static_cast<v1::RunState>(row.Int(6)));
  run.set_reason(static_cast<v1::Reason>(row.Int(7)));
  run.set_message(row.Text(8));
  run.set_device(row.Text(9));
  if (!row.IsNull(10)) row.Read(10, *run.mutable_progress());
  run.set_manifest_digest(row.Text(11));
  run.set_classifier_digest(row.Text(12));
  SetTime(
      row, 13, [](v1::Run& one) { return one.mutable_start_time(); }, run);
  SetTime(
      row, 14, [](v1::Run& one) { return one.mutable_end_time(); }, run);
  run.set_precision(static_cast<v1::Precision>(row.Int(15)));
  run.set_priority(row.Int32(16));
  run.set_paused(row.Int(17) != 0);
  run.set_reused_from(row.Text(18));
  run.set_content_key(row.Text(19));
  return run;
}

absl::Status AddAttempts(Database& db, RunId id, v1::Run& run) {
  Statement row = db.Prepare(
      "SELECT number, state, reason, message, device, start_time, end_time, resumed_step FROM attempts "
      "WHERE job_id = ? AND run_number = ? ORDER BY number");
  row.Bind(id.job.number).Bind(id.number);
  while (row.Step()) {
    v1::Attempt& attempt = *run.add_attempts();
    attempt.set_number(row.Int32(0));
    attempt.set_state(static_cast<v1::RunState>(row.Int(1)));
    attempt.set_reason(static_cast<v1::Reason>(row.Int(2)));
    attempt.set_message(row.Text(3));
    attempt.set_device(row.Text(4));
    *attempt.mutable_start_time() = ToProto(row.Time(5));
    if (!row.IsNull(6)) *attempt.mutable_end_time() = ToProto(row.Time(6));
    attempt.set_resumed_step(row.Int32(7));
  }
  // A run's own is where it is now.
  if (IsTerminal(run.state()) && !run.attempts().empty()) run.set_device(run.attempts().rbegin()->device());
  return row.status();
}

absl::Status AddHistogram(Database& db, RunId id, v1::Run& run) {
  Statement row = db.Prepare(
      "SELECT data FROM histograms WHERE job_id = ? AND run_number = ? ORDER BY final DESC, step DESC LIMIT 1");
  row.Bind(id.job.number).Bind(id.number);
  if (row.Step()) row.Read(0, *run.mutable_histogram());
  return row.status();
}

absl::Status AddDetails(Database& db, JobId job, v1::Run& run) {
  SKEW_ASSIGN_OR_RETURN(const RunId id, RunId::Parse(run.id()));
  SKEW_RETURN_IF_ERROR(AddAttempts(db, id, run));
  SKEW_RETURN_IF_ERROR(AddHistogram(db, id, run));
  Statement created = db.Prepare("SELECT create_time FROM jobs WHERE id = ? AND purge_time IS NOT 1");
  created.Bind(job.number);
  if (!created.Step()) return created.status().ok() ? NoSuchRun(id) : created.status();
  *run.mutable_create_time() = ToProto(created.Time(0));
  return absl::OkStatus();
}

absl::Status AppendNumbers(Statement row, std::vector<int32_t>& numbers) {
  while (row.Step()) numbers.push_back(row.Int32(0));
  return row.status();
}

// The numbers of the runs that ReadRuns gives. Each state is a range of an index: the rest of a large job is not read.
absl::StatusOr<std::vector<int32_t>> FindRuns(Database& db, JobId job, int32_t after_number, int limit,
                                              const std::vector<v1::RunState>& states) {
  std::vector<int32_t> numbers;
  if (states.empty()) {
    Statement row = db.Prepare("SELECT number FROM runs WHERE job_id = ? AND number > ? ORDER BY number LIMIT ?");
    row.Bind(job.number).Bind(after_number).Bind(limit);
    SKEW_RETURN_IF_ERROR(AppendNumbers(std::move(row), numbers));
    return numbers;
  }
  for (const v1::RunState state : std::set<v1::RunState>(states.begin(), states.end())) {
    Statement row =
        db.Prepare("SELECT number FROM runs WHERE job_id = ? AND state = ? AND number > ? ORDER BY number LIMIT ?");
    row.Bind(job.number).Bind(state).Bind(after_number).Bind(limit);
    SKEW_RETURN_IF_ERROR(AppendNumbers(std::move(row), numbers));
  }
  std::sort(numbers.begin(), numbers.end());
  if (numbers.size() > static_cast<size_t>(limit)) numbers.resize(static_cast<size_t>(limit));
  return numbers;
}

}  // namespace

absl::StatusOr<JobEnd> ReadJobEnd(Database& db, JobId id) {
  Statement row = db.Prepare(
      "SELECT last_revision, runs_queued + runs_active, compacted_revision FROM jobs WHERE id = ? AND purge_time IS "
      "NOT "
      "1");
  row.Bind(id.number);
  if (!row.Step()) return row.status().ok() ? NoSuchJob(id) : row.status();
  return JobEnd{row.Int(1) == 0, row.Int(0), row.Int(2)};
}

absl::Status CheckNotDeleted(Database& db, JobId id) {
  Statement row = db.Prepare("SELECT delete_time IS NULL FROM jobs WHERE id = ? AND purge_time IS NOT 1");
  row.Bind(id.number);
  if (!row.Step()) return row.status().ok() ? NoSuchJob(id) : row.status();
  if (row.Int(0) != 0) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat("job ", id.ToString(), " is deleted: undelete it first"));
}

absl::StatusOr<v1::JobState> ReadJobState(Database& db, JobId id) {
  Statement row = db.Prepare("SELECT state FROM jobs WHERE id = ? AND purge_time IS NOT 1");
  row.Bind(id.number);
  if (!row.Step()) return row.status().ok() ? NoSuchJob(id) : row.status();
  return static_cast<v1::JobState>(row.Int(0));
}

absl::StatusOr<v1::Job> ReadJob(Database& db, JobId id) {
  Statement row = db.Prepare(
      "SELECT kind, owner, spec, create_time, dataset_digest, last_revision, classifier_key, runs_total, runs_queued, "
      "runs_active, runs_succeeded, runs_failed, runs_cancelled, start_time, end_time, priority, no_reuse, reproduces, "
      "runs_reused, delete_time, purge_time, compacted_revision FROM jobs WHERE id = ? AND purge_time IS NOT 1");
  row.Bind(id.number);
  if (!row.Step()) return row.status().ok() ? NoSuchJob(id) : row.status();
  v1::Job job;
  job.set_id(id.ToString());
  job.set_kind(static_cast<v1::JobKind>(row.Int(0)));
  job.set_owner(row.Text(1));
  row.Read(2, *job.mutable_spec());
  // Of before the class of a rule was required: none was class 0.
  if (job.spec().has_stop() && !job.spec().stop().has_class_()) job.mutable_spec()->mutable_stop()->set_class_(0);
  *job.mutable_create_time() = ToProto(row.Time(3));
  job.set_dataset_digest(row.Text(4));
  job.set_revision(row.Int(5));
  job.mutable_runs()->set_total(row.Int32(7));
  job.mutable_runs()->set_queued(row.Int32(8));
  job.mutable_runs()->set_active(row.Int32(9));
  job.mutable_runs()->set_succeeded(row.Int32(10));
  job.mutable_runs()->set_failed(row.Int32(11));
  job.mutable_runs()->set_cancelled(row.Int32(12));
  job.set_state(JobStateOf(job.runs()));
  job.set_priority(row.Int32(15));
  job.set_no_reuse(row.Int(16) != 0);
  job.set_reproduces(row.Text(17));
  job.mutable_runs()->set_reused(row.Int32(18));
  if (!row.IsNull(19)) *job.mutable_delete_time() = ToProto(row.Time(19));
  if (!row.IsNull(20)) *job.mutable_purge_time() = ToProto(row.Time(20));
  job.set_compacted_revision(row.Int(21));
  if (!row.IsNull(13)) *job.mutable_start_time() = ToProto(row.Time(13));
  if (!row.IsNull(14) && IsTerminal(job.state())) *job.mutable_end_time() = ToProto(row.Time(14));
  SKEW_RETURN_IF_ERROR(row.status());
  SKEW_RETURN_IF_ERROR(ReadQueueState(db, id, job));
  if (job.state() == v1::JOB_FAILED) SKEW_RETURN_IF_ERROR(ExplainFailure(db, id, job));
  if (job.state() == v1::JOB_QUEUED) SKEW_RETURN_IF_ERROR(ExplainWait(db, row.Text(6), job));
  return job;
}

absl::StatusOr<v1::Run> ReadRun(Database& db, RunId id) {
  Statement row = db.Prepare(absl::StrCat(kRunColumns, "WHERE job_id = ? AND number = ?"));
  row.Bind(id.job.number).Bind(id.number);
  if (!row.Step()) return row.status().ok() ? NoSuchRun(id) : row.status();
  v1::Run run = RunOfRow(id.job, row);
  SKEW_RETURN_IF_ERROR(row.status());
  SKEW_RETURN_IF_ERROR(AddDetails(db, id.job, run));
  return run;
}

absl::StatusOr<std::vector<v1::ClassHistogram>> ReadHistograms(Database& db, RunId id) {
  std::vector<v1::ClassHistogram> histograms;
  Statement row = db.Prepare("SELECT data FROM histograms WHERE job_id = ? AND run_number = ? ORDER BY final, step");
  row.Bind(id.job.number).Bind(id.number);
  while (row.Step()) row.Read(0, histograms.emplace_back());
  SKEW_RETURN_IF_ERROR(row.status());
  return histograms;
}

absl::StatusOr<std::vector<v1::ClassHistogram>> ReadHistograms(Database& db, JobId job, HistogramPosition after,
                                                               int limit) {
  SKEW_RETURN_IF_ERROR(ReadJobEnd(db, job).status());
  std::vector<v1::ClassHistogram> histograms;
  Statement row = db.Prepare(
      "SELECT data FROM histograms WHERE job_id = ? AND (run_number, final, step) > (?, ?, ?) "
      "ORDER BY run_number, final, step LIMIT ?");
  row.Bind(job.number).Bind(after.run_number).Bind(after.final).Bind(after.step).Bind(limit);
  while (row.Step()) row.Read(0, histograms.emplace_back());
  SKEW_RETURN_IF_ERROR(row.status());
  return histograms;
}

absl::StatusOr<v1::RunState> ReadRunState(Database& db, RunId id) {
  Statement row = db.Prepare("SELECT state FROM runs WHERE job_id = ? AND number = ?");
  row.Bind(id.job.number).Bind(id.number);
  if (!row.Step()) return row.status().ok() ? NoSuchRun(id) : row.status();
  return static_cast<v1::RunState>(row.Int(0));
}

absl::StatusOr<std::vector<v1::Run>> ReadRuns(Database& db, JobId job, int32_t after_number, int limit,
                                              const std::vector<v1::RunState>& states) {
  SKEW_RETURN_IF_ERROR(ReadJobEnd(db, job).status());
  SKEW_ASSIGN_OR_RETURN(const std::vector<int32_t> numbers, FindRuns(db, job, after_number, limit, states));
  std::vector<v1::Run> runs;
  runs.reserve(numbers.size());
  for (const int32_t number : numbers) {
    SKEW_ASSIGN_OR_RETURN(v1::Run run, ReadRun(db, RunId{job, number}));
    runs.push_back(std::move(run));
  }
  return runs;
}

absl::StatusOr<std::optional<JobId>> FindTrainingJob(Database& db, const std::string& key) {
  Statement row =
      db.Prepare("SELECT id FROM jobs WHERE classifier_key = ? AND kind = ? AND purge_time IS NOT 1 ORDER BY id DESC");
  row.Bind(key).Bind(v1::CLASSIFIER_TRAINING);
  std::optional<JobId> newest;
  while (row.Step()) {
    const JobId id{row.Int(0)};
    if (!newest.has_value()) newest = id;
    SKEW_ASSIGN_OR_RETURN(const JobEnd end, ReadJobEnd(db, id));
    if (!end.ended) return id;
  }
  SKEW_RETURN_IF_ERROR(row.status());
  return newest;
}

absl::StatusOr<std::optional<v1::Classifier>> ReadClassifier(Database& db, const std::string& key) {
  Statement row = db.Prepare("SELECT data FROM classifiers WHERE key = ?");
  row.Bind(key);
  std::optional<v1::Classifier> classifier;
  if (row.Step()) row.Read(0, classifier.emplace());
  SKEW_RETURN_IF_ERROR(row.status());
  return classifier;
}

absl::StatusOr<std::string> ReadOwner(Database& db, JobId id) {
  Statement row = db.Prepare("SELECT owner FROM jobs WHERE id = ? AND purge_time IS NOT 1");
  row.Bind(id.number);
  const bool found = row.Step();
  SKEW_RETURN_IF_ERROR(row.status());
  return found ? absl::StatusOr<std::string>(row.Text(0)) : NoSuchJob(id);
}

absl::StatusOr<std::vector<v1::Artifact>> ReadArtifacts(Database& db, JobId job, int64_t run_number) {
  SKEW_RETURN_IF_ERROR(ReadJobEnd(db, job).status());
  Statement row = db.Prepare(
      "SELECT run_number, name, media_type, digest, size_bytes, create_time, "
      "(SELECT problem FROM quarantine q WHERE q.digest = artifacts.digest) FROM artifacts "
      "WHERE job_id = ? AND (?2 = 0 OR run_number = ?2) ORDER BY run_number, name");
  row.Bind(job.number).Bind(run_number);
  std::vector<v1::Artifact> artifacts;
  while (row.Step()) {
    v1::Artifact& artifact = artifacts.emplace_back();
    artifact.set_run_id(RunId{job, row.Int32(0)}.ToString());
    artifact.set_name(row.Text(1));
    artifact.set_media_type(row.Text(2));
    artifact.set_digest(row.Text(3));
    artifact.set_size_bytes(row.Int(4));
    *artifact.mutable_create_time() = ToProto(row.Time(5));
    artifact.set_problem(row.Text(6));
  }
  SKEW_RETURN_IF_ERROR(row.status());
  return artifacts;
}

}  // namespace skew

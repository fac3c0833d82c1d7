#include "server/store/added_runs.h"

#include <cstdint>
#include <limits>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "common/content_key.h"
#include "common/expansion.h"
#include "common/status.h"
#include "common/stop_rule.h"
#include "server/store/event_log.h"
#include "server/store/job_rows.h"
#include "server/store/queue_rows.h"
#include "server/store/reuse_rows.h"
#include "server/store/run_changes.h"
#include "server/store/run_shape.h"

namespace skew {
namespace {

// What is needed of a job.
struct Study {
  v1::JobSpec spec;
  std::string dataset_digest;
  bool grows = false;
};

absl::StatusOr<Study> ReadStudy(Database& db, JobId job) {
  Statement row = db.Prepare("SELECT spec, dataset_digest, reproduces FROM jobs WHERE id = ?");
  row.Bind(job.number);
  Study study;
  if (row.Step()) {
    row.Read(0, study.spec);
    study.dataset_digest = row.Text(1);
    // A job that runs one run of another again is done with that.
    study.grows = study.spec.has_stop() && row.Text(2).empty();
  }
  SKEW_RETURN_IF_ERROR(row.status());
  return study;
}

absl::StatusOr<std::vector<v1::Run>> RunsOfCell(Database& db, JobId job, const CellKey& cell) {
  Statement row =
      db.Prepare("SELECT number, bias_point FROM runs WHERE job_id = ? AND model_index = ? ORDER BY number");
  row.Bind(job.number).Bind(cell.second);
  std::vector<int32_t> numbers;
  while (row.Step()) {
    v1::Run run;
    run.set_model_index(cell.second);
    row.Read(1, *run.mutable_bias_point());
    if (CellOf(run) == cell) numbers.push_back(row.Int32(0));
  }
  SKEW_RETURN_IF_ERROR(row.status());
  std::vector<v1::Run> runs;
  runs.reserve(numbers.size());
  for (const int32_t number : numbers) {
    SKEW_ASSIGN_OR_RETURN(runs.emplace_back(), ReadRun(db, RunId{job, number}));
  }
  return runs;
}

// What the twin of another iteration was expected to be computed in.
absl::StatusOr<v1::Precision> ExpectedPrecision(Database& db, RunId twin) {
  Statement row = db.Prepare("SELECT expected_precision FROM runs WHERE job_id = ? AND number = ?");
  row.Bind(twin.job.number).Bind(twin.number);
  const auto precision = row.Step() ? static_cast<v1::Precision>(row.Int(0)) : v1::PRECISION_UNSPECIFIED;
  SKEW_RETURN_IF_ERROR(row.status());
  return precision;
}

absl::StatusOr<int32_t> NextNumber(Database& db, JobId job) {
  Statement row = db.Prepare("SELECT MAX(number) + 1 FROM runs WHERE job_id = ?");
  row.Bind(job.number);
  const int32_t number = row.Step() ? row.Int32(0) : 1;
  SKEW_RETURN_IF_ERROR(row.status());
  return number;
}

// Queues a run that is like `twin` but for its iteration and seed.
absl::StatusOr<RunId> Add(WriteScope& scope, JobId job_id, const Study& study, const v1::Run& twin, v1::Run run) {
  SKEW_ASSIGN_OR_RETURN(const RunId twin_id, RunId::Parse(twin.id()));
  SKEW_ASSIGN_OR_RETURN(const v1::Precision precision, ExpectedPrecision(scope.db, twin_id));
  SKEW_ASSIGN_OR_RETURN(const int32_t number, NextNumber(scope.db, job_id));
  const RunId id{job_id, number};
  run.set_id(id.ToString());
  run.set_job_id(job_id.ToString());
  run.set_state(v1::QUEUED);
  run.set_priority(twin.priority());
  run.set_paused(twin.paused());
  run.set_precision(precision);
  // A twin that came out in another precision than was foreseen tells that this one will, too.
  if (!twin.content_key().empty()) {
    run.set_content_key(ContentKeys(study.spec, study.dataset_digest, precision).KeyOf(run));
  }
  SKEW_RETURN_IF_ERROR(InsertRun(scope, id, run, {RunShapes(study.spec).Of(run), run.priority(), run.paused()}));
  SKEW_RETURN_IF_ERROR(MoveInQueue(scope, id, v1::RUN_STATE_UNSPECIFIED, v1::QUEUED));
  run.clear_precision();
  v1::Event event;
  *event.mutable_run_added() = std::move(run);
  SKEW_RETURN_IF_ERROR(AppendEvent(scope, job_id, event));
  return id;
}

absl::Status LookAtCell(WriteScope& scope, JobId id, const Study& study, const CellKey& cell) {
  SKEW_ASSIGN_OR_RETURN(std::vector<v1::Run> runs, RunsOfCell(scope.db, id, cell));
  for (bool answered = true; answered;) {
    const std::optional<v1::Run> next = NextIteration(study.spec, runs);
    if (!next.has_value()) return absl::OkStatus();
    SKEW_ASSIGN_OR_RETURN(const RunId added, Add(scope, id, study, runs.back(), *next));
    SKEW_ASSIGN_OR_RETURN(answered, AnswerIfDone(scope, added));
    SKEW_ASSIGN_OR_RETURN(runs.emplace_back(), ReadRun(scope.db, added));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status AddNeededIteration(WriteScope& scope, RunId succeeded) {
  SKEW_ASSIGN_OR_RETURN(const Study study, ReadStudy(scope.db, succeeded.job));
  if (!study.grows) return absl::OkStatus();
  SKEW_ASSIGN_OR_RETURN(const v1::Run run, ReadRun(scope.db, succeeded));
  return LookAtCell(scope, succeeded.job, study, CellOf(run));
}

absl::Status AddNeededIterations(WriteScope& scope, JobId id) {
  SKEW_ASSIGN_OR_RETURN(const Study study, ReadStudy(scope.db, id));
  if (!study.grows) return absl::OkStatus();
  SKEW_ASSIGN_OR_RETURN(const std::vector<v1::Run> answered,
                        ReadRuns(scope.db, id, 0, std::numeric_limits<int>::max(), {v1::SUCCEEDED}));
  std::set<CellKey> cells;
  for (const v1::Run& run : answered) cells.insert(CellOf(run));
  for (const CellKey& cell : cells) SKEW_RETURN_IF_ERROR(LookAtCell(scope, id, study, cell));
  return absl::OkStatus();
}

}  // namespace skew

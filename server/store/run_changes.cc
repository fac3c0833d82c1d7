#include "server/store/run_changes.h"

#include "absl/strings/str_cat.h"
#include "common/run_state.h"
#include "common/state_words.h"
#include "common/status.h"
#include "server/store/event_log.h"
#include "server/store/job_rows.h"
#include "server/store/queue_rows.h"
#include "server/store/state_dir.h"

namespace skew {
namespace {

absl::Status UpdateTimes(WriteScope& scope, RunId id, v1::RunState state) {
  if (IsTerminal(state)) {
    return scope.db.Prepare("UPDATE runs SET end_time = ? WHERE job_id = ? AND number = ?")
        .Bind(scope.now)
        .Bind(id.job.number)
        .Bind(id.number)
        .Run();
  }
  if (state != v1::STARTING) return absl::OkStatus();
  return scope.db.Prepare("UPDATE runs SET start_time = ? WHERE job_id = ? AND number = ? AND start_time IS NULL")
      .Bind(scope.now)
      .Bind(id.job.number)
      .Bind(id.number)
      .Run();
}

// Nobody removes the folder that earlier attempts have left to a run that ends while it waits for the next one.
absl::Status AddWorkRemoval(WriteScope& scope, RunId id) {
  return scope.db
      .Prepare(
          "INSERT OR IGNORE INTO removals (path) SELECT ? FROM runs WHERE job_id = ? AND number = ? AND attempts > 0")
      .Bind(StateDir::WorkName(id))
      .Bind(id.job.number)
      .Bind(id.number)
      .Run();
}

}  // namespace

absl::Status InsertRun(WriteScope& scope, RunId id, const v1::Run& run, const RunPlace& place) {
  return scope.db
      .Prepare(
          "INSERT INTO runs (job_id, number, model_index, model, bias_point, iteration, seed, state, shape, priority, "
          "paused, content_key, expected_precision) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")
      .Bind(id.job.number)
      .Bind(id.number)
      .Bind(run.model_index())
      .Bind(run.model())
      .Bind(run.bias_point())
      .Bind(run.iteration())
      .Bind(run.seed())
      .Bind(v1::QUEUED)
      .Bind(place.shape)
      .Bind(place.priority)
      .Bind(place.paused)
      .Bind(run.content_key())
      .Bind(run.precision())
      .Run();
}

absl::Status ChangeRun(WriteScope& scope, RunId id, const RunChange& change) {
  SKEW_ASSIGN_OR_RETURN(const v1::RunState from, ReadRunState(scope.db, id));
  if (!IsLegalChange(from, change.state)) {
    return absl::FailedPreconditionError(
        absl::StrCat("run ", id.ToString(), " ", StateInWords(from), " and cannot ", ChangeInWords(change.state)));
  }
  SKEW_RETURN_IF_ERROR(
      scope.db.Prepare("UPDATE runs SET state = ?, reason = ?, message = ?, device = ? WHERE job_id = ? AND number = ?")
          .Bind(change.state)
          .Bind(change.reason)
          .Bind(change.message)
          .Bind(change.device)
          .Bind(id.job.number)
          .Bind(id.number)
          .Run());
  SKEW_RETURN_IF_ERROR(UpdateTimes(scope, id, change.state));
  SKEW_RETURN_IF_ERROR(MoveInQueue(scope, id, from, change.state));
  if (from == v1::QUEUED && IsTerminal(change.state)) SKEW_RETURN_IF_ERROR(AddWorkRemoval(scope, id));
  v1::Event event;
  v1::RunStateChanged& changed = *event.mutable_run_state();
  changed.set_run_id(id.ToString());
  changed.set_state(change.state);
  changed.set_reason(change.reason);
  changed.set_message(change.message);
  changed.set_attempt(change.attempt);
  changed.set_device(change.device);
  changed.set_reused_from(change.reused_from);
  return AppendEvent(scope, id.job, event);
}

absl::Status CancelRun(WriteScope& scope, RunId id) {
  SKEW_ASSIGN_OR_RETURN(const v1::Run run, ReadRun(scope.db, id));
  if (run.state() == v1::CANCELLING) return absl::OkStatus();
  RunChange change;
  change.state = IsActive(run.state()) ? v1::CANCELLING : v1::CANCELLED;
  change.reason = v1::CANCEL_REQUESTED;
  if (IsActive(run.state())) {
    change.attempt = run.attempts().rbegin()->number();
    change.device = run.device();
  }
  return ChangeRun(scope, id, change);
}

}  // namespace skew

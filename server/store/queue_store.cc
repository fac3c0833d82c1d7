#include "server/store/queue_store.h"

#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/status.h"
#include "server/store/audit_log.h"
#include "server/store/event_log.h"
#include "server/store/job_rows.h"
#include "server/store/queue_changes.h"
#include "server/store/queue_picture.h"
#include "server/store/use_decay.h"

namespace skew {
namespace {

// Brings stored use to now with the half-life it was written under, then changes that.
absl::Status ChangeHalfLife(WriteScope& scope, absl::Duration half_life) {
  Statement old = scope.db.Prepare("SELECT half_life FROM use_decay");
  const absl::Duration before = old.Step() ? absl::Microseconds(old.Int(0)) : half_life;
  SKEW_RETURN_IF_ERROR(old.status());
  if (before != half_life) {
    std::vector<std::pair<std::string, int64_t>> decayed;
    Statement use = scope.db.Prepare("SELECT user, slot_time, time FROM use ORDER BY user");
    while (use.Step()) {
      const double slot_time = DecayedUse(static_cast<double>(use.Int(1)), scope.now - use.Time(2), before);
      decayed.emplace_back(use.Text(0), static_cast<int64_t>(slot_time));
    }
    SKEW_RETURN_IF_ERROR(use.status());
    for (const auto& [user, slot_time] : decayed) {
      SKEW_RETURN_IF_ERROR(scope.db.Prepare("UPDATE use SET slot_time = ?, time = ? WHERE user = ?")
                               .Bind(slot_time)
                               .Bind(scope.now)
                               .Bind(user)
                               .Run());
    }
  }
  SKEW_RETURN_IF_ERROR(scope.db.Prepare("DELETE FROM use_decay").Run());
  return scope.db.Prepare("INSERT INTO use_decay (half_life) VALUES (?)")
      .Bind(absl::ToInt64Microseconds(half_life))
      .Run();
}

absl::Status WriteShare(WriteScope& scope, const v1::SetShareRequest& request) {
  Statement insert = scope.db.Prepare(
      "INSERT INTO shares (user, weight, max_slots, max_queued, max_artifact_bytes) VALUES (?, ?, ?, ?, ?) "
      "ON CONFLICT DO UPDATE SET weight = IFNULL(excluded.weight, weight), "
      "max_slots = IFNULL(excluded.max_slots, max_slots), max_queued = IFNULL(excluded.max_queued, max_queued), "
      "max_artifact_bytes = IFNULL(excluded.max_artifact_bytes, max_artifact_bytes)");
  insert.Bind(request.user());
  const auto bind = [&insert](bool given, int64_t value) { given ? insert.Bind(value) : insert.BindNull(); };
  bind(request.has_weight(), std::llround(request.weight() * 1000));
  bind(request.has_max_slots(), request.max_slots());
  bind(request.has_max_queued(), request.max_queued());
  bind(request.has_max_artifact_bytes(), request.max_artifact_bytes());
  return insert.Run();
}

// More than what may lie ahead: the longest pause before a retry.
constexpr absl::Duration kMostAhead = absl::Minutes(2);

// Times that are compared with the present: when they lie far ahead of it, the system's clock was set back while no
// daemon ran. Runs would wait for a day that comes again, and past use would not decay.
absl::Status ForgetFuture(WriteScope& scope) {
  SKEW_ASSIGN_OR_RETURN(const int64_t revision, NewestRevision(scope.db));
  Statement newest = scope.db.Prepare("SELECT time FROM events WHERE revision = ?");
  const bool set_back = newest.Bind(revision).Step() && newest.Time(0) > scope.now + kMostAhead;
  SKEW_RETURN_IF_ERROR(newest.status());
  if (!set_back) return absl::OkStatus();
  for (const char* sql :
       {"UPDATE runs SET not_before = ?1 WHERE state = 1 AND not_before > ?1",
        "UPDATE queue SET waiting_since = ?1 WHERE waiting_since > ?1",
        "UPDATE use SET last_start = ?1 WHERE last_start > ?1", "UPDATE use SET time = ?1 WHERE time > ?1",
        "UPDATE attempts SET start_time = ?1 WHERE end_time IS NULL AND start_time > ?1"}) {
    SKEW_RETURN_IF_ERROR(scope.db.Prepare(sql).Bind(scope.now).Run());
  }
  return absl::OkStatus();
}

std::string Describe(const v1::SetShareRequest& request) {
  std::vector<std::string> parts;
  if (request.has_weight()) parts.push_back(absl::StrCat("weight ", request.weight()));
  if (request.has_max_slots()) parts.push_back(absl::StrCat("max_slots ", request.max_slots()));
  if (request.has_max_queued()) parts.push_back(absl::StrCat("max_queued ", request.max_queued()));
  if (request.has_max_artifact_bytes()) {
    parts.push_back(absl::StrCat("max_artifact_bytes ", request.max_artifact_bytes()));
  }
  return absl::StrJoin(parts, ", ");
}

v1::QueueChanged Pause(bool paused) {
  v1::QueueChanged change;
  change.set_paused(paused);
  return change;
}

v1::QueueChanged Prioritise(int32_t priority) {
  v1::QueueChanged change;
  change.set_priority(priority);
  return change;
}

absl::StatusOr<v1::Job> ReadRecord(Database& db, JobId id) { return ReadJob(db, id); }
absl::StatusOr<v1::Run> ReadRecord(Database& db, RunId id) { return ReadRun(db, id); }

}  // namespace

struct QueueStore::AuditedAction {
  const Actor& actor;
  absl::string_view name;
  std::string detail = "";
};

absl::Status QueueStore::Open() {
  return connections_->Write(clock_->Now(), [&](WriteScope& scope) -> absl::Status {
    SKEW_RETURN_IF_ERROR(ForgetFuture(scope));
    return ChangeHalfLife(scope, half_life_);
  });
}

absl::StatusOr<QueuePicture> QueueStore::Read(const QueueRowsWanted& wanted) {
  QueuePicture picture;
  SKEW_RETURN_IF_ERROR(connections_->Read([&](Database& db) -> absl::Status {
    SKEW_ASSIGN_OR_RETURN(picture, ReadQueuePicture(db, clock_->Now(), half_life_, wanted));
    return absl::OkStatus();
  }));
  return picture;
}

absl::StatusOr<QueuePicture> QueueStore::ReadReady(int rows_per_user, const std::set<JobId>& without) {
  return Read({.only_ready = true, .per_user = rows_per_user, .without = without});
}

absl::StatusOr<QueuePicture> QueueStore::ReadAll(int rows_per_user, const std::string& also) {
  return Read({.only_ready = false, .per_user = rows_per_user, .also = also});
}

absl::StatusOr<int64_t> QueueStore::NewestRevision() {
  int64_t revision = 0;
  SKEW_RETURN_IF_ERROR(connections_->Read([&](Database& db) -> absl::Status {
    SKEW_ASSIGN_OR_RETURN(revision, skew::NewestRevision(db));
    return absl::OkStatus();
  }));
  return revision;
}

absl::Status QueueStore::AddLengths(const std::vector<QueueRow>& rows, QueuePicture& picture) {
  std::set<int64_t> shapes;
  for (const QueueRow& row : rows) shapes.insert(row.key.shape);
  return connections_->Read([&](Database& db) { return ReadLengths(db, shapes, picture); });
}

absl::StatusOr<std::vector<QueuedRun>> QueueStore::ReadQueuedRuns(JobId job) {
  std::vector<QueuedRun> runs;
  SKEW_RETURN_IF_ERROR(connections_->Read([&](Database& db) -> absl::Status {
    Statement row =
        db.Prepare("SELECT number, shape, priority, paused FROM runs WHERE job_id = ? AND state = 1 ORDER BY number");
    row.Bind(job.number);
    while (row.Step()) runs.push_back({row.Int32(0), {job, row.Int(1), row.Int32(2)}, row.Int(3) != 0});
    return row.status();
  }));
  return runs;
}

absl::StatusOr<ClassifierState> QueueStore::ReadClassifierState(const std::string& key) {
  ClassifierState state;
  SKEW_RETURN_IF_ERROR(connections_->Read([&](Database& db) -> absl::Status {
    SKEW_ASSIGN_OR_RETURN(const auto classifier, ReadClassifier(db, key));
    state.trained = classifier.has_value();
    SKEW_ASSIGN_OR_RETURN(state.training, FindTrainingJob(db, key));
    if (!state.training.has_value()) return absl::OkStatus();
    SKEW_ASSIGN_OR_RETURN(const JobEnd end, ReadJobEnd(db, *state.training));
    if (end.ended) state.training.reset();
    return absl::OkStatus();
  }));
  return state;
}

absl::Status QueueStore::SettleWaits() {
  while (true) {
    SettledWaits settled;
    SKEW_RETURN_IF_ERROR(connections_->Read([&](Database& db) -> absl::Status {
      SKEW_ASSIGN_OR_RETURN(settled, FindSettled(db));
      return absl::OkStatus();
    }));
    if (settled.changed.empty() && settled.failed.empty()) return absl::OkStatus();
    SKEW_RETURN_IF_ERROR(
        connections_->Write(clock_->Now(), [&](WriteScope& scope) { return WriteSettled(scope, settled); }));
  }
}

template <typename Record, typename Id>
absl::StatusOr<Record> QueueStore::Change(Id id, const AuditedAction& action,
                                          absl::FunctionRef<absl::Status(WriteScope&)> change) {
  Record record;
  SKEW_RETURN_IF_ERROR(connections_->Write(clock_->Now(), [&](WriteScope& scope) -> absl::Status {
    SKEW_RETURN_IF_ERROR(change(scope));
    SKEW_RETURN_IF_ERROR(AppendAuditEvent(scope, action.actor, action.name, id.ToString(), action.detail));
    SKEW_ASSIGN_OR_RETURN(record, ReadRecord(scope.db, id));
    return absl::OkStatus();
  }));
  return record;
}

absl::StatusOr<v1::Job> QueueStore::SetPaused(JobId id, bool paused, const Actor& actor) {
  return Change<v1::Job>(id, {actor, paused ? "PauseJob" : "ResumeJob"},
                         [&](WriteScope& scope) { return ChangeQueued(scope, id, Pause(paused)); });
}

absl::StatusOr<v1::Run> QueueStore::SetPaused(RunId id, bool paused, const Actor& actor) {
  return Change<v1::Run>(id, {actor, paused ? "PauseRun" : "ResumeRun"},
                         [&](WriteScope& scope) { return ChangeQueued(scope, id, Pause(paused)); });
}

absl::StatusOr<v1::Job> QueueStore::SetPriority(JobId id, int32_t priority, const Actor& actor) {
  return Change<v1::Job>(id, {actor, "SetJobPriority", absl::StrCat("priority ", priority)},
                         [&](WriteScope& scope) { return ChangeQueued(scope, id, Prioritise(priority)); });
}

absl::StatusOr<v1::Run> QueueStore::SetPriority(RunId id, int32_t priority, const Actor& actor) {
  return Change<v1::Run>(id, {actor, "SetRunPriority", absl::StrCat("priority ", priority)},
                         [&](WriteScope& scope) { return ChangeQueued(scope, id, Prioritise(priority)); });
}

absl::StatusOr<v1::Job> QueueStore::Retry(JobId id, const Actor& actor) {
  v1::Job job;
  int32_t last = 0;
  do {
    SKEW_RETURN_IF_ERROR(connections_->Write(clock_->Now(), [&](WriteScope& scope) -> absl::Status {
      const bool is_first = last == 0;
      SKEW_ASSIGN_OR_RETURN(last, RetryJob(scope, id, last, runs_at_once_));
      if (is_first) SKEW_RETURN_IF_ERROR(AppendAuditEvent(scope, actor, "RetryJob", id.ToString()));
      SKEW_ASSIGN_OR_RETURN(job, ReadJob(scope.db, id));
      return absl::OkStatus();
    }));
  } while (last != 0);
  return job;
}

absl::StatusOr<v1::Run> QueueStore::Retry(RunId id, const Actor& actor) {
  return Change<v1::Run>(id, {actor, "RetryRun"}, [&](WriteScope& scope) { return RetryRun(scope, id); });
}

absl::StatusOr<v1::ListSharesResponse> QueueStore::ListShares() {
  v1::ListSharesResponse response;
  response.set_half_life_seconds(absl::ToDoubleSeconds(half_life_));
  SKEW_RETURN_IF_ERROR(connections_->Read([&](Database& db) -> absl::Status {
    SKEW_ASSIGN_OR_RETURN(const std::vector<v1::Share> shares, ReadShares(db, clock_->Now(), half_life_));
    response.mutable_shares()->Assign(shares.begin(), shares.end());
    return absl::OkStatus();
  }));
  return response;
}

absl::StatusOr<v1::Share> QueueStore::SetShare(const v1::SetShareRequest& request, const Actor& actor) {
  SKEW_RETURN_IF_ERROR(connections_->Write(clock_->Now(), [&](WriteScope& scope) -> absl::Status {
    SKEW_RETURN_IF_ERROR(WriteShare(scope, request));
    return AppendAuditEvent(scope, actor, "SetShare", absl::StrCat("share ", request.user()), Describe(request));
  }));
  SKEW_ASSIGN_OR_RETURN(const v1::ListSharesResponse all, ListShares());
  for (const v1::Share& share : all.shares()) {
    if (share.user() == request.user()) return share;
  }
  return absl::InternalError(absl::StrCat("the share of ", request.user(), " is gone"));
}

absl::StatusOr<std::set<std::string>> QueueStore::DrainedDevices() {
  std::set<std::string> devices;
  SKEW_RETURN_IF_ERROR(connections_->Read([&](Database& db) -> absl::Status {
    Statement row = db.Prepare("SELECT device FROM drained_devices ORDER BY device");
    while (row.Step()) devices.insert(row.Text(0));
    return row.status();
  }));
  return devices;
}

absl::Status QueueStore::SetDrained(const std::vector<std::string>& devices, bool drained, const Actor& actor) {
  return connections_->Write(clock_->Now(), [&](WriteScope& scope) -> absl::Status {
    for (const std::string& device : devices) {
      SKEW_RETURN_IF_ERROR(scope.db
                               .Prepare(drained ? "INSERT OR IGNORE INTO drained_devices (device) VALUES (?)"
                                                : "DELETE FROM drained_devices WHERE device = ?")
                               .Bind(device)
                               .Run());
      SKEW_RETURN_IF_ERROR(
          AppendAuditEvent(scope, actor, drained ? "DrainDevice" : "UndrainDevice", absl::StrCat("device ", device)));
    }
    return absl::OkStatus();
  });
}

absl::StatusOr<QueueStore::Names> QueueStore::ReadNames(RunId run) {
  Names names;
  SKEW_RETURN_IF_ERROR(connections_->Read([&](Database& db) -> absl::Status {
    Statement row =
        db.Prepare("SELECT j.spec, r.model FROM jobs j JOIN runs r ON r.job_id = j.id WHERE j.id = ? AND r.number = ?");
    row.Bind(run.job.number).Bind(run.number);
    v1::JobSpec spec;
    if (row.Step()) {
      row.Read(0, spec);
      names.model = row.Text(1);
    }
    names.job = spec.name();
    return row.status();
  }));
  return names;
}

}  // namespace skew

#include "server/store/queue_picture.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "common/status.h"
#include "server/store/event_log.h"
#include "server/store/job_rows.h"
#include "server/store/judge_rows.h"
#include "server/store/use_decay.h"

namespace skew {
namespace {

static_assert(v1::QUEUED == 1 && v1::STARTING == 2 && v1::RUNNING == 3 && v1::CANCELLING == 4);
static_assert(v1::STUDY == 1 && v1::CLASSIFIER_TRAINING == 2);

// Rows by age beside those by priority: those that priority alone would leave behind.
constexpr int kOldestRows = 8;

constexpr absl::string_view kRowColumns =
    "SELECT q.job_id, q.shape, q.priority, q.paused, q.queued, q.waiting_since, q.waits, "
    "(SELECT r.number FROM runs r INDEXED BY runs_in_queue WHERE r.job_id = q.job_id AND r.shape = q.shape AND "
    "r.priority = q.priority "
    " AND r.paused = q.paused AND r.state = 1 AND r.not_before <= ? ORDER BY r.number LIMIT 1), "
    "j.kind = 2 AND (EXISTS (SELECT 1 FROM jobs s JOIN queue w ON w.job_id = s.id AND w.queued > 0 "
    "                        WHERE s.classifier_key = j.classifier_key AND s.kind = 1) "
    "                OR EXISTS (SELECT 1 FROM more_judges m JOIN queue w ON w.job_id = m.job_id AND w.queued > 0 "
    "                           WHERE m.classifier_key = j.classifier_key)), "
    "n.memory_bytes, n.whole_device "
    "FROM queue q JOIN jobs j ON j.id = q.job_id LEFT JOIN job_needs n ON n.job_id = q.job_id "
    "WHERE q.owner = ? AND q.queued > 0 ";

// What a run that no worker has begun stands back for.
absl::Status ReadStandsBack(Database& db, QueueRow& row) {
  Statement run = db.Prepare("SELECT message FROM runs WHERE job_id = ? AND number = ? AND attempts = 0");
  run.Bind(row.key.job.number).Bind(row.next_run);
  if (run.Step()) row.stands_back = run.Text(0);
  return run.status();
}

// The first run of a row whose runs all wait for their time, that time, and why.
absl::Status ReadRetry(Database& db, QueueRow& row) {
  Statement first = db.Prepare(
      "SELECT number, MIN(not_before) FROM runs INDEXED BY runs_in_queue WHERE job_id = ? AND shape = ? AND "
      "priority = ? AND paused = ? AND state = 1");
  first.Bind(row.key.job.number).Bind(row.key.shape).Bind(row.key.priority).Bind(row.paused);
  if (!first.Step()) return first.status();
  row.next_run = first.Int32(0);
  row.ready_at = first.Time(1);
  return ReadStandsBack(db, row);
}

absl::Status ReadWaits(Database& db, int64_t waits, QueueRow& row) {
  if ((waits & 2) != 0) {
    SKEW_ASSIGN_OR_RETURN(row.after, OpenDependencies(db, row.key.job));
  }
  if ((waits & 1) == 0) return absl::OkStatus();
  SKEW_ASSIGN_OR_RETURN(const std::vector<std::string> keys, ReadJudgeKeys(db, row.key.job));
  for (const std::string& key : keys) {
    SKEW_ASSIGN_OR_RETURN(const auto classifier, ReadClassifier(db, key));
    if (classifier.has_value()) continue;
    SKEW_ASSIGN_OR_RETURN(const std::optional<JobId> training, FindTrainingJob(db, key));
    row.trainings.push_back(training.value_or(JobId()));
  }
  return absl::OkStatus();
}

// At most so many more rows, none of the jobs in `without`.
absl::Status ReadRows(Database& db, absl::Time now, absl::string_view order, int limit, const std::set<JobId>& without,
                      QueueUser& user) {
  constexpr int kAll = -1;
  Statement row = db.Prepare(absl::StrCat(kRowColumns, order, " LIMIT ?"));
  row.Bind(now).Bind(user.name).Bind(without.empty() ? limit : kAll);
  while (limit > 0 && row.Step()) {
    QueueRow one;
    one.key = {JobId{row.Int(0)}, row.Int(1), row.Int32(2)};
    if (without.contains(one.key.job)) continue;
    --limit;
    one.paused = row.Int(3) != 0;
    const bool known = std::any_of(user.rows.begin(), user.rows.end(), [&](const QueueRow& other) {
      return other.key == one.key && other.paused == one.paused;
    });
    if (known) continue;
    one.runs = row.Int32(4);
    one.waiting_since = row.Time(5);
    one.next_run = row.Int32(7);
    one.awaited = row.Int(8) != 0;
    one.need.set_memory_bytes(row.Int(9));
    one.need.set_whole_device(row.Int(10) != 0);
    if (row.IsNull(7)) SKEW_RETURN_IF_ERROR(ReadRetry(db, one));
    SKEW_RETURN_IF_ERROR(ReadWaits(db, row.Int(6), one));
    user.rows.push_back(std::move(one));
  }
  return row.status();
}

// Owners of queued runs, by steps through the index.
absl::StatusOr<std::set<std::string>> ReadOwners(Database& db) {
  std::set<std::string> owners;
  std::string last;
  while (true) {
    Statement row = db.Prepare("SELECT MIN(owner) FROM queue WHERE queued > 0 AND owner > ?");
    row.Bind(last);
    const bool found = row.Step() && !row.IsNull(0);
    SKEW_RETURN_IF_ERROR(row.status());
    if (!found) return owners;
    last = row.Text(0);
    owners.insert(last);
  }
}

absl::Status ReadActive(Database& db, QueuePicture& picture) {
  Statement row = db.Prepare(
      "SELECT r.job_id, r.number, j.owner, r.shape, a.device, a.start_time, r.state, r.progress, a.resumed_step "
      "FROM runs r JOIN jobs j ON j.id = r.job_id "
      "JOIN attempts a ON a.job_id = r.job_id AND a.run_number = r.number AND a.number = r.attempts "
      "WHERE r.state IN (2, 3, 4) ORDER BY r.state, r.job_id, r.number");
  while (row.Step()) {
    ActiveRow& active = picture.active.emplace_back();
    active.run = {JobId{row.Int(0)}, row.Int32(1)};
    active.owner = row.Text(2);
    active.shape = row.Int(3);
    active.device = row.Text(4);
    active.start_time = row.Time(5);
    active.state = static_cast<v1::RunState>(row.Int(6));
    if (!row.IsNull(7)) row.Read(7, active.progress);
    active.resumed_step = row.Int32(8);
  }
  return row.status();
}

absl::Status ReadUse(Database& db, const QueuePicture& picture, absl::Duration half_life, QueueUser& user) {
  SKEW_ASSIGN_OR_RETURN(user.settings, ReadShareSettings(db, user.name));
  Statement row = db.Prepare("SELECT slot_time, time, last_start FROM use WHERE user = ?");
  row.Bind(user.name);
  if (row.Step()) {
    user.use = DecayedUse(1e-6 * static_cast<double>(row.Int(0)), picture.time - row.Time(1), half_life);
    user.last_start = row.Time(2);
  }
  for (const ActiveRow& active : picture.active) {
    if (active.owner == user.name) user.use += UseOfHolding(picture.time - active.start_time, half_life);
  }
  return row.status();
}

std::set<int64_t> ShapesOf(const QueuePicture& picture) {
  std::set<int64_t> shapes;
  for (const ActiveRow& active : picture.active) shapes.insert(active.shape);
  for (const QueueUser& user : picture.users) {
    for (const QueueRow& row : user.rows) shapes.insert(row.key.shape);
  }
  return shapes;
}

absl::Status ReadAverageLength(Database& db, QueuePicture& picture) {
  Statement average = db.Prepare("SELECT length FROM run_lengths WHERE shape = 0 AND device_kind = ''");
  if (average.Step()) picture.average_length = absl::Microseconds(average.Int(0));
  return average.status();
}

absl::Status CountQueuedRuns(Database& db, v1::Share& share) {
  Statement queued = db.Prepare("SELECT SUM(queued) FROM queue WHERE owner = ? AND queued > 0");
  queued.Bind(share.user());
  if (queued.Step()) share.set_queued_runs(queued.Int32(0));
  return queued.status();
}

}  // namespace

absl::StatusOr<QueuePicture> ReadQueuePicture(Database& db, absl::Time now, absl::Duration half_life,
                                              const QueueRowsWanted& wanted) {
  QueuePicture picture;
  picture.time = now;
  SKEW_ASSIGN_OR_RETURN(picture.revision, NewestRevision(db));
  SKEW_RETURN_IF_ERROR(ReadActive(db, picture));
  SKEW_ASSIGN_OR_RETURN(std::set<std::string> owners, ReadOwners(db));
  for (const ActiveRow& active : picture.active) owners.insert(active.owner);
  if (!wanted.also.empty()) owners.insert(wanted.also);
  for (const std::string& owner : owners) {
    QueueUser& user = picture.users.emplace_back();
    user.name = owner;
    SKEW_RETURN_IF_ERROR(ReadUse(db, picture, half_life, user));
    if (wanted.only_ready) {
      SKEW_RETURN_IF_ERROR(ReadRows(db, now, "AND q.paused = 0 AND q.waits = 0 ORDER BY q.priority DESC, q.job_id",
                                    wanted.per_user, wanted.without, user));
      SKEW_RETURN_IF_ERROR(ReadRows(db, now, "AND q.paused = 0 AND q.waits = 0 ORDER BY q.waiting_since", kOldestRows,
                                    wanted.without, user));
    } else {
      SKEW_RETURN_IF_ERROR(
          ReadRows(db, now, "ORDER BY q.paused, q.waits, q.priority DESC, q.job_id", wanted.per_user, {}, user));
    }
  }
  SKEW_RETURN_IF_ERROR(ReadLengths(db, ShapesOf(picture), picture));
  SKEW_RETURN_IF_ERROR(ReadAverageLength(db, picture));
  return picture;
}

absl::Status ReadLengths(Database& db, const std::set<int64_t>& shapes, QueuePicture& picture) {
  for (const int64_t shape : shapes) {
    Statement row =
        db.Prepare("SELECT device_kind, length, peak_bytes FROM run_lengths WHERE shape = ? ORDER BY device_kind");
    row.Bind(shape);
    while (row.Step()) picture.lengths[{shape, row.Text(0)}] = {absl::Microseconds(row.Int(1)), row.Int(2)};
    SKEW_RETURN_IF_ERROR(row.status());
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<v1::Share>> ReadShares(Database& db, absl::Time now, absl::Duration half_life) {
  QueuePicture picture;
  picture.time = now;
  SKEW_RETURN_IF_ERROR(ReadActive(db, picture));
  SKEW_ASSIGN_OR_RETURN(std::set<std::string> users, ReadOwners(db));
  for (const ActiveRow& active : picture.active) users.insert(active.owner);
  for (const char* sql : {"SELECT user FROM shares ORDER BY user", "SELECT user FROM use ORDER BY user"}) {
    Statement row = db.Prepare(sql);
    while (row.Step()) users.insert(row.Text(0));
    SKEW_RETURN_IF_ERROR(row.status());
  }
  std::vector<v1::Share> shares;
  for (const std::string& name : users) {
    QueueUser user;
    user.name = name;
    SKEW_RETURN_IF_ERROR(ReadUse(db, picture, half_life, user));
    v1::Share& share = shares.emplace_back();
    share.set_user(name);
    share.set_weight(user.settings.weight);
    share.set_max_slots(user.settings.max_slots);
    share.set_max_queued(user.settings.max_queued);
    share.set_max_artifact_bytes(user.settings.max_artifact_bytes);
    share.set_used_slot_seconds(user.use);
    share.set_active_runs(static_cast<int32_t>(std::count_if(picture.active.begin(), picture.active.end(),
                                                             [&](const ActiveRow& one) { return one.owner == name; })));
    SKEW_RETURN_IF_ERROR(CountQueuedRuns(db, share));
  }
  return shares;
}

}  // namespace skew

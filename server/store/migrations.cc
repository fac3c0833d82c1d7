#include "server/store/migrations.h"

#include <array>

namespace skew {
namespace {

constexpr absl::string_view kFirst = R"sql(
CREATE TABLE jobs (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  kind INTEGER NOT NULL,
  owner TEXT NOT NULL,
  request_id TEXT,                   -- NULL when the client gave none
  request_digest TEXT NOT NULL,      -- of the submitted spec, to tell a repetition from a clash
  spec BLOB NOT NULL,
  dataset_digest TEXT NOT NULL,
  classifier_key TEXT NOT NULL,      -- the classifier that a study needs, or that a training makes
  create_time INTEGER NOT NULL,
  last_revision INTEGER NOT NULL DEFAULT 0,
  last_sequence INTEGER NOT NULL DEFAULT 0,
  -- Of its runs, kept by the triggers on them, so that no list has to count: how many there are in which state, when
  -- the first one started and when the newest end was.
  runs_total INTEGER NOT NULL DEFAULT 0,
  runs_queued INTEGER NOT NULL DEFAULT 0,
  runs_active INTEGER NOT NULL DEFAULT 0,
  runs_succeeded INTEGER NOT NULL DEFAULT 0,
  runs_failed INTEGER NOT NULL DEFAULT 0,
  runs_cancelled INTEGER NOT NULL DEFAULT 0,
  start_time INTEGER,
  end_time INTEGER,
  -- JobStateOf (common/run_state.h) as an expression, so that it can be searched for.
  state INTEGER NOT NULL AS (CASE
    WHEN runs_queued = runs_total THEN 1
    WHEN runs_queued + runs_active > 0 THEN 2
    WHEN runs_failed > 0 THEN 4
    WHEN runs_cancelled > 0 THEN 5
    ELSE 3 END)
) STRICT;
-- Both end with the job's id, so that a range of them has the jobs in the order of lists.
CREATE INDEX jobs_by_state ON jobs (kind, state);
CREATE INDEX jobs_by_owner ON jobs (owner, kind, state);
CREATE INDEX jobs_waiting ON jobs (classifier_key, kind) WHERE runs_queued > 0;
CREATE UNIQUE INDEX jobs_by_request ON jobs (owner, request_id) WHERE request_id IS NOT NULL;
CREATE INDEX jobs_by_classifier ON jobs (classifier_key, kind);
CREATE INDEX jobs_trainings ON jobs (classifier_key) WHERE kind = 2;

CREATE TABLE job_labels (
  job_id INTEGER NOT NULL REFERENCES jobs (id),
  key TEXT NOT NULL,
  value TEXT NOT NULL,
  PRIMARY KEY (job_id, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX job_labels_by_value ON job_labels (key, value, job_id);

CREATE TABLE runs (
  job_id INTEGER NOT NULL REFERENCES jobs (id),
  number INTEGER NOT NULL,
  model_index INTEGER NOT NULL,
  model TEXT NOT NULL,
  bias_point BLOB NOT NULL,
  iteration INTEGER NOT NULL,
  seed INTEGER NOT NULL,
  state INTEGER NOT NULL,
  reason INTEGER NOT NULL DEFAULT 0,
  message TEXT NOT NULL DEFAULT '',
  device TEXT NOT NULL DEFAULT '',
  attempts INTEGER NOT NULL DEFAULT 0,
  not_before INTEGER NOT NULL DEFAULT 0,
  progress BLOB,
  manifest_digest TEXT NOT NULL DEFAULT '',
  classifier_digest TEXT NOT NULL DEFAULT '',
  precision INTEGER NOT NULL DEFAULT 0,
  start_time INTEGER,
  end_time INTEGER,
  PRIMARY KEY (job_id, number)
) STRICT, WITHOUT ROWID;
CREATE INDEX runs_by_state ON runs (state, job_id, number);
CREATE INDEX runs_by_job_state ON runs (job_id, state);
-- Over all jobs: how many runs are in a state.
CREATE TABLE run_totals (
  state INTEGER PRIMARY KEY,
  runs INTEGER NOT NULL
) STRICT;
INSERT INTO run_totals (state, runs) VALUES (1, 0), (2, 0), (3, 0), (4, 0), (5, 0), (6, 0), (7, 0);
CREATE TRIGGER runs_added AFTER INSERT ON runs BEGIN
  UPDATE run_totals SET runs = runs + 1 WHERE state = new.state;
  UPDATE jobs SET
    runs_total = runs_total + 1,
    runs_queued = runs_queued + (new.state = 1),
    runs_active = runs_active + (new.state IN (2, 3, 4)),
    runs_succeeded = runs_succeeded + (new.state = 5),
    runs_failed = runs_failed + (new.state = 6),
    runs_cancelled = runs_cancelled + (new.state = 7)
  WHERE id = new.job_id;
END;
CREATE TRIGGER runs_removed AFTER DELETE ON runs BEGIN
  UPDATE run_totals SET runs = runs - 1 WHERE state = old.state;
  UPDATE jobs SET
    runs_total = runs_total - 1,
    runs_queued = runs_queued - (old.state = 1),
    runs_active = runs_active - (old.state IN (2, 3, 4)),
    runs_succeeded = runs_succeeded - (old.state = 5),
    runs_failed = runs_failed - (old.state = 6),
    runs_cancelled = runs_cancelled - (old.state = 7)
  WHERE id = old.job_id;
END;
CREATE TRIGGER runs_changed AFTER UPDATE OF state ON runs WHEN new.state <> old.state BEGIN
  UPDATE run_totals SET runs = runs - 1 WHERE state = old.state;
  UPDATE run_totals SET runs = runs + 1 WHERE state = new.state;
  UPDATE jobs SET
    runs_queued = runs_queued + (new.state = 1) - (old.state = 1),
    runs_active = runs_active + (new.state IN (2, 3, 4)) - (old.state IN (2, 3, 4)),
    runs_succeeded = runs_succeeded + (new.state = 5) - (old.state = 5),
    runs_failed = runs_failed + (new.state = 6) - (old.state = 6),
    runs_cancelled = runs_cancelled + (new.state = 7) - (old.state = 7)
  WHERE id = new.job_id;
END;
CREATE TRIGGER runs_timed AFTER UPDATE OF start_time, end_time ON runs BEGIN
  UPDATE jobs SET
    start_time = IFNULL(MIN(start_time, new.start_time), IFNULL(start_time, new.start_time)),
    end_time = IFNULL(MAX(end_time, new.end_time), IFNULL(end_time, new.end_time))
  WHERE id = new.job_id;
END;
CREATE INDEX runs_by_retry ON runs (not_before) WHERE state = 1 AND not_before > 0;

CREATE TABLE attempts (
  job_id INTEGER NOT NULL,
  run_number INTEGER NOT NULL,
  number INTEGER NOT NULL,
  token_digest TEXT NOT NULL UNIQUE,
  state INTEGER NOT NULL,
  reason INTEGER NOT NULL DEFAULT 0,
  message TEXT NOT NULL DEFAULT '',
  device TEXT NOT NULL,
  start_time INTEGER NOT NULL,
  end_time INTEGER,                  -- NULL while it goes on
  resumed_step INTEGER NOT NULL DEFAULT 0,
  last_report INTEGER NOT NULL DEFAULT 0,
  outcome BLOB,                      -- the worker's last report (finished, failed or stopped), once it is in
  pid INTEGER NOT NULL DEFAULT 0,    -- with the next two: which process it is, across restarts of the daemon
  process_start INTEGER NOT NULL DEFAULT 0,
  boot_id TEXT NOT NULL DEFAULT '',
  PRIMARY KEY (job_id, run_number, number),
  FOREIGN KEY (job_id, run_number) REFERENCES runs (job_id, number)
) STRICT, WITHOUT ROWID;
CREATE INDEX attempts_open ON attempts (job_id, run_number, number) WHERE end_time IS NULL;

CREATE TABLE histograms (
  job_id INTEGER NOT NULL,
  run_number INTEGER NOT NULL,
  final INTEGER NOT NULL,
  step INTEGER NOT NULL,
  data BLOB NOT NULL,
  PRIMARY KEY (job_id, run_number, final, step),
  FOREIGN KEY (job_id, run_number) REFERENCES runs (job_id, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE artifacts (
  job_id INTEGER NOT NULL,
  run_number INTEGER NOT NULL,
  name TEXT NOT NULL,
  media_type TEXT NOT NULL,
  digest TEXT NOT NULL,
  size_bytes INTEGER NOT NULL,
  create_time INTEGER NOT NULL,
  PRIMARY KEY (job_id, run_number, name),
  FOREIGN KEY (job_id, run_number) REFERENCES runs (job_id, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE classifiers (
  key TEXT PRIMARY KEY,              -- dataset content and training recipe
  digest TEXT NOT NULL,
  job_id INTEGER NOT NULL REFERENCES jobs (id),
  data BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE events (
  revision INTEGER PRIMARY KEY AUTOINCREMENT,
  job_id INTEGER NOT NULL REFERENCES jobs (id),
  sequence INTEGER NOT NULL,
  time INTEGER NOT NULL,
  data BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX events_by_job ON events (job_id, revision);

-- Who may use the server, and what they changed.
CREATE TABLE users (
  name TEXT PRIMARY KEY,
  role INTEGER NOT NULL,             -- v1::Role
  disabled INTEGER NOT NULL DEFAULT 0,
  create_time INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE tokens (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  user TEXT NOT NULL REFERENCES users (name),
  name TEXT NOT NULL,
  digest TEXT NOT NULL,              -- SHA-256 of the secret, which is not stored
  parent INTEGER REFERENCES tokens (number),
  create_time INTEGER NOT NULL,
  expire_time INTEGER NOT NULL,
  last_use_time INTEGER,
  revoke_time INTEGER
) STRICT;
CREATE INDEX tokens_by_user ON tokens (user, number);
CREATE INDEX tokens_by_parent ON tokens (parent) WHERE parent IS NOT NULL;

CREATE TABLE audit_events (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  time INTEGER NOT NULL,
  actor TEXT NOT NULL,
  credential TEXT NOT NULL,
  action TEXT NOT NULL,
  object TEXT NOT NULL,
  detail TEXT NOT NULL
) STRICT;
CREATE INDEX audit_events_by_actor ON audit_events (actor, number);
CREATE INDEX audit_events_by_object ON audit_events (object, number);
)sql";

// The queue: what the scheduler reads instead of the runs, and whose turn it is. Runs of before have no shape; those
// that are queued wait since they were submitted, or since one of their job was last started.
constexpr absl::string_view kQueue = R"sql(
ALTER TABLE jobs ADD COLUMN priority INTEGER NOT NULL DEFAULT 0;
ALTER TABLE runs ADD COLUMN shape INTEGER NOT NULL DEFAULT 0;     -- see run_shape.h
ALTER TABLE runs ADD COLUMN priority INTEGER NOT NULL DEFAULT 0;
ALTER TABLE runs ADD COLUMN paused INTEGER NOT NULL DEFAULT 0;
ALTER TABLE runs ADD COLUMN forgiven INTEGER NOT NULL DEFAULT 0;  -- attempts up to this one do not count
ALTER TABLE attempts ADD COLUMN device_kind TEXT NOT NULL DEFAULT '';
ALTER TABLE attempts ADD COLUMN memory_bytes INTEGER NOT NULL DEFAULT 0;  -- with the next: what it has of the device
ALTER TABLE attempts ADD COLUMN whole_device INTEGER NOT NULL DEFAULT 0;

-- Queued runs of one job that are alike; kept by every change of a run's state into and out of QUEUED.
CREATE TABLE queue (
  job_id INTEGER NOT NULL REFERENCES jobs (id),
  shape INTEGER NOT NULL,
  priority INTEGER NOT NULL,
  paused INTEGER NOT NULL,
  owner TEXT NOT NULL,
  waits INTEGER NOT NULL DEFAULT 0,  -- 1: for its classifier, 2: for jobs it comes after, 3: for both
  queued INTEGER NOT NULL,
  waiting_since INTEGER NOT NULL,    -- the last start of one of them, or since they were queued
  PRIMARY KEY (job_id, shape, priority, paused)
) STRICT, WITHOUT ROWID;
CREATE INDEX queue_in_order ON queue (owner, paused, waits, priority DESC, job_id) WHERE queued > 0;
CREATE INDEX queue_by_age ON queue (owner, paused, waits, waiting_since) WHERE queued > 0;
CREATE INDEX queue_waits ON queue (waits, job_id) WHERE queued > 0 AND waits > 0;
CREATE INDEX runs_in_queue ON runs (job_id, shape, priority, paused, number) WHERE state = 1;

CREATE TABLE job_dependencies (
  job_id INTEGER NOT NULL REFERENCES jobs (id),
  after_job_id INTEGER NOT NULL REFERENCES jobs (id),
  PRIMARY KEY (job_id, after_job_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE job_needs (             -- only of jobs that declared one
  job_id INTEGER PRIMARY KEY REFERENCES jobs (id),
  memory_bytes INTEGER NOT NULL,
  whole_device INTEGER NOT NULL
) STRICT;

CREATE TABLE shares (                -- the user '*' stands for those that have no row with settings
  user TEXT PRIMARY KEY,
  weight INTEGER,                    -- in thousandths; NULL here and below: as '*'
  max_slots INTEGER,
  max_queued INTEGER,
  max_artifact_bytes INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE use (
  user TEXT PRIMARY KEY,
  slot_time INTEGER NOT NULL,        -- microseconds of ended attempts, decayed to `time`
  time INTEGER NOT NULL,
  last_start INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE use_decay (             -- one row
  half_life INTEGER NOT NULL         -- microseconds
) STRICT;

CREATE TABLE run_lengths (           -- what runs of a shape took on a kind of device; shape 0 and kind '': any
  shape INTEGER NOT NULL,
  device_kind TEXT NOT NULL,
  runs INTEGER NOT NULL,
  length INTEGER NOT NULL,           -- microseconds, a moving average
  peak_bytes INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (shape, device_kind)
) STRICT, WITHOUT ROWID;

CREATE TABLE drained_devices (
  device TEXT PRIMARY KEY
) STRICT, WITHOUT ROWID;

INSERT INTO queue (job_id, shape, priority, paused, owner, waits, queued, waiting_since)
  SELECT j.id, r.shape, r.priority, r.paused, j.owner,
    j.kind = 1 AND NOT EXISTS (SELECT 1 FROM classifiers c WHERE c.key = j.classifier_key),
    COUNT(*),
    MAX(j.create_time, IFNULL((SELECT MAX(started.start_time) FROM runs started WHERE started.job_id = j.id), 0))
  FROM runs r JOIN jobs j ON j.id = r.job_id WHERE r.state = 1 GROUP BY j.id, r.shape, r.priority, r.paused;
)sql";

// What was done already (see reuse_rows.h). Runs of before have no key: which engine made them is not known.
constexpr absl::string_view kReuse = R"sql(
ALTER TABLE jobs ADD COLUMN no_reuse INTEGER NOT NULL DEFAULT 0;
ALTER TABLE jobs ADD COLUMN reproduces TEXT NOT NULL DEFAULT '';      -- a run's id
ALTER TABLE jobs ADD COLUMN runs_reused INTEGER NOT NULL DEFAULT 0;   -- kept by triggers, as the other counts
ALTER TABLE runs ADD COLUMN content_key TEXT NOT NULL DEFAULT '';     -- see content_key.h; empty: not to be reused
ALTER TABLE runs ADD COLUMN expected_precision INTEGER NOT NULL DEFAULT 0;  -- that the key was made with
ALTER TABLE runs ADD COLUMN reused_from TEXT NOT NULL DEFAULT '';     -- a run's id, perhaps of one that is gone
CREATE INDEX runs_by_content ON runs (content_key, state, classifier_digest) WHERE content_key <> '';
CREATE TRIGGER runs_reused AFTER UPDATE OF reused_from ON runs WHEN old.reused_from = '' AND new.reused_from <> '' BEGIN
  UPDATE jobs SET runs_reused = runs_reused + 1 WHERE id = new.job_id;
END;
CREATE TRIGGER runs_reused_removed AFTER DELETE ON runs WHEN old.reused_from <> '' BEGIN
  UPDATE jobs SET runs_reused = runs_reused - 1 WHERE id = old.job_id;
END;
)sql";

// Content of artifacts that is not what it was (see quarantine.h).
constexpr absl::string_view kQuarantineTable = R"sql(
CREATE TABLE quarantine (
  digest TEXT PRIMARY KEY,           -- that it should have
  problem TEXT NOT NULL,
  time INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX artifacts_by_digest ON artifacts (digest);
)sql";

// What is not kept for good (see retention.h). Names of artifacts: see artifact_store.h.
constexpr absl::string_view kRetention = R"sql(
ALTER TABLE jobs ADD COLUMN delete_time INTEGER;                             -- NULL, with the next: not deleted
ALTER TABLE jobs ADD COLUMN purge_time INTEGER;
ALTER TABLE jobs ADD COLUMN compacted_revision INTEGER NOT NULL DEFAULT 0;   -- events up to this one are gone
ALTER TABLE jobs ADD COLUMN compacted_sequence INTEGER NOT NULL DEFAULT 0;
CREATE INDEX jobs_deleted ON jobs (id) WHERE delete_time IS NOT NULL;
CREATE INDEX job_dependencies_by_after ON job_dependencies (after_job_id);
ALTER TABLE artifacts ADD COLUMN kind TEXT AS (CASE
  WHEN name GLOB '*.png' THEN 'samples'
  WHEN name = 'checkpoint.pt' THEN 'weights'
  WHEN name GLOB '*.csv' THEN 'tables' END);
CREATE INDEX artifacts_by_age ON artifacts (kind, create_time);

-- Files whose rows are gone and that are still to be removed, by their paths below the state directory.
CREATE TABLE removals (
  path TEXT PRIMARY KEY
) STRICT, WITHOUT ROWID;
)sql";

// Judges of studies beside the one of jobs.classifier_key (see judge_rows.h).
constexpr absl::string_view kMoreJudges = R"sql(
CREATE TABLE more_judges (
  job_id INTEGER NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
  position INTEGER NOT NULL,
  classifier_key TEXT NOT NULL,
  PRIMARY KEY (job_id, position)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX more_judges_by_key ON more_judges (classifier_key, job_id);
)sql";

// Up to where events of all jobs are there: found at the end of an index.
constexpr absl::string_view kCompacted = R"sql(
CREATE INDEX jobs_compacted ON jobs (compacted_revision) WHERE compacted_revision > 0;
)sql";

constexpr std::array kMigrations = {kFirst, kQueue, kReuse, kQuarantineTable, kRetention, kMoreJudges, kCompacted};

}  // namespace

absl::Span<const absl::string_view> Migrations() { return kMigrations; }

}  // namespace skew

#include "server/store/garbage_rows.h"

#include <utility>

#include "common/status.h"
#include "server/store/removals.h"

namespace skew {
namespace {

// In one snapshot, and in one write.
constexpr int kJobsAtOnce = 20;
constexpr int kEventsAtOnce = 5000;

absl::Status MeasureEvents(Database& db, int64_t last_revision, absl::Time before, OldEvents& old) {
  Statement newest = db.Prepare(
      "SELECT revision, sequence FROM events WHERE job_id = ? AND revision < ? AND time < ? "
      "ORDER BY revision DESC LIMIT 1");
  newest.Bind(old.job.number).Bind(last_revision).Bind(before);
  if (!newest.Step()) return newest.status();
  old.revision = newest.Int(0);
  old.sequence = newest.Int(1);
  Statement sums = db.Prepare("SELECT COUNT(*), SUM(LENGTH(data)) FROM events WHERE job_id = ? AND revision <= ?");
  sums.Bind(old.job.number).Bind(old.revision);
  if (!sums.Step()) return sums.status();
  old.count = sums.Int(0);
  old.bytes = sums.Int(1);
  return sums.status();
}

}  // namespace

absl::StatusOr<std::vector<JobId>> ReadDueJobs(Database& db, absl::Time now) {
  std::vector<JobId> due;
  Statement row = db.Prepare("SELECT id FROM jobs WHERE delete_time IS NOT NULL AND purge_time <= ? ORDER BY id");
  row.Bind(now);
  while (row.Step()) due.push_back(JobId{row.Int(0)});
  SKEW_RETURN_IF_ERROR(row.status());
  return due;
}

absl::StatusOr<std::vector<StoredContent>> ReadContentOf(Database& db, JobId due, absl::Time now) {
  Statement row = db.Prepare(
      "SELECT digest, size_bytes FROM artifacts a WHERE job_id = ?1 AND NOT EXISTS (SELECT 1 FROM artifacts b "
      "CROSS JOIN jobs k ON k.id = b.job_id WHERE b.digest = a.digest AND IFNULL(k.purge_time > ?2, 1))");
  row.Bind(due.number).Bind(now);
  std::vector<StoredContent> contents;
  while (row.Step()) contents.push_back({row.Text(0), row.Int(1)});
  SKEW_RETURN_IF_ERROR(row.status());
  return contents;
}

absl::StatusOr<std::vector<OldArtifact>> ReadOldArtifacts(Database& db, const std::string& kind, absl::Time before,
                                                          const ArtifactLimits& gone, absl::Time now, int limit) {
  Statement row = db.Prepare(
      "SELECT job_id, run_number, name, digest, size_bytes, NOT EXISTS (SELECT 1 FROM artifacts b "
      "CROSS JOIN jobs k ON k.id = b.job_id WHERE b.digest = a.digest AND IFNULL(k.purge_time > ?3, 1) AND "
      "b.create_time >= CASE b.kind WHEN ?1 THEN ?2 WHEN 'samples' THEN ?4 WHEN 'weights' THEN ?5 WHEN 'tables' THEN "
      "?6 "
      "ELSE 0 END) FROM artifacts a WHERE kind = ?1 AND create_time < ?2 AND "
      "NOT EXISTS (SELECT 1 FROM jobs k WHERE k.id = a.job_id AND k.purge_time <= ?3) ORDER BY create_time LIMIT ?7");
  row.Bind(kind).Bind(before).Bind(now).Bind(gone.samples).Bind(gone.weights).Bind(gone.tables).Bind(limit);
  std::vector<OldArtifact> old;
  while (row.Step()) {
    old.push_back({RunId{JobId{row.Int(0)}, row.Int32(1)}, row.Text(2), {row.Text(3), row.Int(4)}, row.Int(5) != 0});
  }
  SKEW_RETURN_IF_ERROR(row.status());
  return old;
}

absl::Status RemoveArtifact(WriteScope& scope, const OldArtifact& artifact) {
  SKEW_RETURN_IF_ERROR(
      scope.db.Prepare("DELETE FROM artifacts WHERE job_id = ? AND run_number = ? AND name = ? AND digest = ?")
          .Bind(artifact.run.job.number)
          .Bind(artifact.run.number)
          .Bind(artifact.name)
          .Bind(artifact.content.digest)
          .Run());
  return AddContentRemoval(scope, artifact.content.digest);
}

absl::StatusOr<std::vector<OldEvents>> ReadOldEvents(Database& db, absl::Time before, absl::Time now, int64_t& after) {
  std::vector<std::pair<int64_t, int64_t>> jobs;
  Statement row = db.Prepare(
      "SELECT id, last_revision FROM jobs WHERE id > ? AND create_time < ? AND last_sequence > compacted_sequence + 1 "
      "AND IFNULL(purge_time > ?, 1) ORDER BY id LIMIT ?");
  row.Bind(after).Bind(before).Bind(now).Bind(kJobsAtOnce);
  while (row.Step()) jobs.emplace_back(row.Int(0), row.Int(1));
  SKEW_RETURN_IF_ERROR(row.status());
  after = jobs.empty() ? 0 : jobs.back().first;
  std::vector<OldEvents> all;
  for (const auto& [id, last_revision] : jobs) {
    OldEvents old{JobId{id}};
    SKEW_RETURN_IF_ERROR(MeasureEvents(db, last_revision, before, old));
    if (old.count > 0) all.push_back(old);
  }
  return all;
}

absl::StatusOr<bool> RemoveSomeEvents(WriteScope& scope, const OldEvents& old) {
  Statement some = scope.db.Prepare(
      "SELECT revision, sequence FROM events WHERE job_id = ? AND revision <= ? ORDER BY revision LIMIT 1 OFFSET ?");
  some.Bind(old.job.number).Bind(old.revision).Bind(kEventsAtOnce - 1);
  const bool more = some.Step();
  SKEW_RETURN_IF_ERROR(some.status());
  const int64_t revision = more ? some.Int(0) : old.revision;
  const int64_t sequence = more ? some.Int(1) : old.sequence;
  SKEW_RETURN_IF_ERROR(scope.db.Prepare("DELETE FROM events WHERE job_id = ? AND revision <= ?")
                           .Bind(old.job.number)
                           .Bind(revision)
                           .Run());
  // Another collection may have come further meanwhile.
  SKEW_RETURN_IF_ERROR(scope.db
                           .Prepare("UPDATE jobs SET compacted_revision = MAX(compacted_revision, ?), "
                                    "compacted_sequence = MAX(compacted_sequence, ?) WHERE id = ?")
                           .Bind(revision)
                           .Bind(sequence)
                           .Bind(old.job.number)
                           .Run());
  return revision == old.revision;
}

absl::StatusOr<absl::Time> OldestOpenStart(Database& db) {
  Statement row = db.Prepare("SELECT MIN(start_time) FROM runs WHERE state IN (1, 2, 3, 4) AND start_time IS NOT NULL");
  static_assert(v1::QUEUED == 1 && v1::STARTING == 2 && v1::RUNNING == 3 && v1::CANCELLING == 4);
  const bool found = row.Step() && !row.IsNull(0);
  SKEW_RETURN_IF_ERROR(row.status());
  return found ? row.Time(0) : absl::InfiniteFuture();
}

absl::StatusOr<bool> IsLogDone(Database& db, const AttemptId& attempt, absl::Time now) {
  Statement row = db.Prepare(
      "SELECT a.end_time IS NOT NULL AND IFNULL(j.purge_time > ?, 1) FROM attempts a CROSS JOIN jobs j ON j.id = "
      "a.job_id WHERE a.job_id = ? AND a.run_number = ? AND a.number = ?");
  row.Bind(now).Bind(attempt.run.job.number).Bind(attempt.run.number).Bind(attempt.number);
  const bool done = !row.Step() || row.Int(0) != 0;
  SKEW_RETURN_IF_ERROR(row.status());
  return done;
}

}  // namespace skew

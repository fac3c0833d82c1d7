#include "server/store/event_log.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/proto_time.h"
#include "common/status.h"
#include "server/store/job_rows.h"

namespace skew {

absl::Status AppendEvent(WriteScope& scope, JobId job, const v1::Event& event) {
  Statement next = scope.db.Prepare("SELECT last_sequence + 1 FROM jobs WHERE id = ?");
  next.Bind(job.number);
  if (!next.Step()) return absl::InternalError(absl::StrCat("event for unknown job ", job.ToString()));
  const int64_t sequence = next.Int(0);
  SKEW_RETURN_IF_ERROR(scope.db.Prepare("INSERT INTO events (job_id, sequence, time, data) VALUES (?, ?, ?, ?)")
                           .Bind(job.number)
                           .Bind(sequence)
                           .Bind(scope.now)
                           .Bind(event)
                           .Run());
  const int64_t revision = scope.db.LastInsertedId();
  SKEW_RETURN_IF_ERROR(scope.db.Prepare("UPDATE jobs SET last_revision = ?, last_sequence = ? WHERE id = ?")
                           .Bind(revision)
                           .Bind(sequence)
                           .Bind(job.number)
                           .Run());
  scope.appended.emplace_back(job, revision);
  return absl::OkStatus();
}

absl::StatusOr<int64_t> NewestRevision(Database& db) {
  // The sequence, not the newest row: compaction must not take the count back.
  Statement query = db.Prepare("SELECT seq FROM sqlite_sequence WHERE name = 'events'");
  const int64_t revision = query.Step() ? query.Int(0) : 0;
  SKEW_RETURN_IF_ERROR(query.status());
  return revision;
}

absl::StatusOr<int64_t> EventLog::NewestRevision() {
  int64_t revision = 0;
  SKEW_RETURN_IF_ERROR(connections_->Read([&](Database& db) -> absl::Status {
    SKEW_ASSIGN_OR_RETURN(revision, skew::NewestRevision(db));
    return absl::OkStatus();
  }));
  return revision;
}

namespace {

constexpr size_t kMostPageBytes = size_t{256} << 10;

// Revisions that a page of all jobs looks at: a few milliseconds' worth.
constexpr int64_t kMostLookedAt = 4096;

absl::Status CheckRevision(int64_t after_revision, int64_t newest) {
  if (after_revision >= 0 && after_revision <= newest) return absl::OkStatus();
  return InvalidField(
      "after_revision",
      absl::StrCat(after_revision, " is not a revision the server has reached; the newest is ", newest));
}

absl::Status GoneError(absl::string_view whose, int64_t compacted) {
  return absl::OutOfRangeError(absl::StrCat("events of ", whose, " up to revision ", compacted,
                                            " are not kept any more: watch from revision ", compacted, " on"));
}

// Fills the page with the rows of `query`: revision, sequence, time, data and job. Returns whether it took them all.
absl::StatusOr<bool> TakeEvents(Statement& query, int limit, EventPage& page) {
  while (page.bytes < kMostPageBytes && query.Step()) {
    v1::Event& event = page.events.emplace_back();
    query.Read(3, event);
    event.set_revision(query.Int(0));
    event.set_job_id(JobId{query.Int(4)}.ToString());
    event.set_sequence(query.Int(1));
    *event.mutable_time() = ToProto(query.Time(2));
    page.bytes += event.ByteSizeLong();
  }
  SKEW_RETURN_IF_ERROR(query.status());
  return static_cast<int>(page.events.size()) < limit && page.bytes < kMostPageBytes;
}

// Up to this revision, events of some job are gone.
absl::StatusOr<int64_t> NewestCompacted(Database& db) {
  Statement query = db.Prepare("SELECT MAX(compacted_revision) FROM jobs WHERE compacted_revision > 0");
  const int64_t revision = query.Step() && !query.IsNull(0) ? query.Int(0) : 0;
  SKEW_RETURN_IF_ERROR(query.status());
  return revision;
}

// Events with revisions above the first parameter, up to the second, of jobs with the filter's properties.
Statement PrepareAll(Database& db, const v1::JobFilter& filter, int64_t after_revision, int64_t up_to, int limit) {
  std::string sql =
      "SELECT e.revision, e.sequence, e.time, e.data, e.job_id FROM events e CROSS JOIN jobs j ON j.id = e.job_id "
      "WHERE e.revision > ? AND e.revision <= ? AND j.purge_time IS NOT 1";
  if (!filter.owner().empty()) sql += " AND j.owner = ?";
  if (filter.kind() != v1::JOB_KIND_UNSPECIFIED) sql += " AND j.kind = ?";
  for (int i = 0; i < filter.labels_size(); ++i) {
    sql += " AND EXISTS (SELECT 1 FROM job_labels l WHERE l.key = ? AND l.value = ? AND l.job_id = e.job_id)";
  }
  Statement query = db.Prepare(absl::StrCat(sql, " ORDER BY e.revision LIMIT ?"));
  query.Bind(after_revision).Bind(up_to);
  if (!filter.owner().empty()) query.Bind(filter.owner());
  if (filter.kind() != v1::JOB_KIND_UNSPECIFIED) query.Bind(filter.kind());
  for (const auto& [key, value] : filter.labels()) query.Bind(key).Bind(value);
  query.Bind(limit);
  return query;
}

}  // namespace

absl::StatusOr<EventPage> EventLog::Read(JobId job, int64_t after_revision, int limit) {
  EventPage page;
  SKEW_RETURN_IF_ERROR(connections_->Read([&](Database& db) -> absl::Status {
    SKEW_ASSIGN_OR_RETURN(const JobEnd end, ReadJobEnd(db, job));
    SKEW_ASSIGN_OR_RETURN(const int64_t newest, skew::NewestRevision(db));
    SKEW_RETURN_IF_ERROR(CheckRevision(after_revision, newest));
    if (after_revision < end.compacted_revision) {
      return GoneError(absl::StrCat("job ", job.ToString()), end.compacted_revision);
    }
    Statement query = db.Prepare(
        "SELECT revision, sequence, time, data, job_id FROM events WHERE job_id = ? AND revision > ? "
        "ORDER BY revision LIMIT ?");
    query.Bind(job.number).Bind(after_revision).Bind(limit);
    SKEW_ASSIGN_OR_RETURN(page.exhausted, TakeEvents(query, limit, page));
    page.reached = page.events.empty() ? after_revision : page.events.back().revision();
    page.complete = end.ended && page.reached >= end.last_revision;
    return absl::OkStatus();
  }));
  return page;
}

absl::StatusOr<EventPage> EventLog::ReadAll(const v1::JobFilter& filter, int64_t after_revision, int limit) {
  EventPage page;
  SKEW_RETURN_IF_ERROR(connections_->Read([&](Database& db) -> absl::Status {
    SKEW_ASSIGN_OR_RETURN(const int64_t newest, skew::NewestRevision(db));
    SKEW_RETURN_IF_ERROR(CheckRevision(after_revision, newest));
    SKEW_ASSIGN_OR_RETURN(const int64_t compacted, NewestCompacted(db));
    if (after_revision < compacted) return GoneError("jobs", compacted);
    const int64_t up_to = std::min(newest, after_revision + kMostLookedAt);
    Statement query = PrepareAll(db, filter, after_revision, up_to, limit);
    SKEW_ASSIGN_OR_RETURN(const bool all, TakeEvents(query, limit, page));
    page.reached = all ? up_to : page.events.back().revision();
    page.exhausted = page.reached == newest;
    return absl::OkStatus();
  }));
  return page;
}

}  // namespace skew

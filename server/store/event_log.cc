#include "server/store/event_log.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/proto_time.h"
#include "common/status.h"
#include "server/store/job_rows.h"

namespace skew {

absl::Status AppendEvent(WriteScope& scope, JobId job, v1::Event event) {
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

absl::Status ReadPage(Database& db, JobId job, int64_t after_revision, int limit, EventPage& page) {
  Statement query = db.Prepare(
      "SELECT revision, sequence, time, data FROM events WHERE job_id = ? AND revision > ? ORDER BY revision LIMIT ?");
  query.Bind(job.number).Bind(after_revision).Bind(limit);
  while (page.bytes < kMostPageBytes && query.Step()) {
    v1::Event& event = page.events.emplace_back();
    query.Read(3, event);
    event.set_revision(query.Int(0));
    event.set_job_id(job.ToString());
    event.set_sequence(query.Int(1));
    *event.mutable_time() = ToProto(query.Time(2));
    page.bytes += event.ByteSizeLong();
  }
  return query.status();
}

}  // namespace

absl::StatusOr<EventPage> EventLog::Read(JobId job, int64_t after_revision, int limit) {
  EventPage page;
  SKEW_RETURN_IF_ERROR(connections_->Read([&](Database& db) -> absl::Status {
    SKEW_ASSIGN_OR_RETURN(const JobEnd end, ReadJobEnd(db, job));
    SKEW_ASSIGN_OR_RETURN(const int64_t newest, skew::NewestRevision(db));
    if (after_revision < 0 || after_revision > newest) {
      return InvalidField(
          "after_revision",
          absl::StrCat(after_revision, " is not a revision the server has reached; the newest is ", newest));
    }
    if (after_revision < end.compacted_revision) {
      return absl::OutOfRangeError(absl::StrCat("events of job ", job.ToString(), " up to revision ",
                                                end.compacted_revision, " are not kept any more: watch from revision ",
                                                end.compacted_revision, " on"));
    }
    SKEW_RETURN_IF_ERROR(ReadPage(db, job, after_revision, limit, page));
    page.exhausted = static_cast<int>(page.events.size()) < limit && page.bytes < kMostPageBytes;
    const int64_t reached = page.events.empty() ? after_revision : page.events.back().revision();
    page.complete = end.ended && reached >= end.last_revision;
    return absl::OkStatus();
  }));
  return page;
}

}  // namespace skew

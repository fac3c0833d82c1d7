#include "server/store/garbage_collector.h"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <set>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "common/digest.h"
#include "common/ids.h"
#include "common/status.h"
#include "spdlog/spdlog.h"

namespace skew {
namespace {

namespace fs = std::filesystem;

// Rows that one write removes at most, so that others need not wait for long.
constexpr int kRowsAtOnce = 200;

// A file that no row names may belong to a report that is still to come: of an import that goes on, or of a run that
// has started since, which cannot hand the file over a second time.
constexpr absl::Duration kStrayAge = absl::Hours(24);

const Actor& ServerItself() {
  static const Actor* const actor = new Actor{"skewd", "the server itself"};
  return *actor;
}

// A file as a folder lists it. Others may remove it any time.
struct ListedFile {
  fs::path path;
  absl::Time modified;
  int64_t bytes = 0;
};

// Calls `look` with the files in a folder and the folders in it that were last written before `before`.
absl::Status ListOldFiles(const std::string& folder, absl::Time before,
                          absl::FunctionRef<absl::Status(const ListedFile&)> look) {
  std::error_code error;
  for (fs::recursive_directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
    std::error_code gone;
    if (!entry->is_regular_file(gone)) continue;
    const auto written = std::chrono::file_clock::to_sys(entry->last_write_time(gone));
    const auto bytes = static_cast<int64_t>(entry->file_size(gone));
    const absl::Time modified = absl::FromChrono(std::chrono::time_point_cast<std::chrono::nanoseconds>(written));
    if (gone || modified >= before) continue;
    SKEW_RETURN_IF_ERROR(look({entry->path(), modified, bytes}));
  }
  if (error) return absl::InternalError(absl::StrCat("cannot read ", folder, ": ", error.message()));
  return absl::OkStatus();
}

// The opposite of StateDir::LogName.
std::optional<AttemptId> ParseLogName(const std::string& file) {
  const size_t dash = file.rfind('-');
  if (dash == std::string::npos) return std::nullopt;
  AttemptId attempt;
  absl::string_view number = absl::string_view(file).substr(dash + 1);
  const absl::StatusOr<RunId> run = RunId::Parse(absl::string_view(file).substr(0, dash));
  if (!run.ok() || !absl::ConsumeSuffix(&number, ".log") || !absl::SimpleAtoi(number, &attempt.number)) {
    return std::nullopt;
  }
  attempt.run = *run;
  return attempt;
}

}  // namespace

// One call of Collect.
struct GarbageCollector::Collection {
  const Request& request;
  absl::FunctionRef<bool()> go_on;
  absl::Time now;
  v1::CollectGarbageResponse response;
  ArtifactLimits gone;             // artifacts that were collected
  std::set<std::string> contents;  // that were counted

  bool removes() const { return !request.dry_run; }

  absl::Status CheckGoOn() const {
    return go_on() ? absl::OkStatus() : absl::CancelledError("the collection of garbage was cancelled");
  }

  void Add(absl::string_view kind, int64_t count, int64_t bytes) {
    if (count == 0) return;
    auto& all = *response.mutable_garbage();
    auto garbage = std::find_if(all.begin(), all.end(), [&](const v1::Garbage& one) { return one.kind() == kind; });
    if (garbage == all.end()) {
      response.add_garbage()->set_kind(std::string(kind));
      garbage = all.end() - 1;
    }
    garbage->set_count(garbage->count() + count);
    garbage->set_size_bytes(garbage->size_bytes() + bytes);
  }

  // Bytes that content gives back: once.
  int64_t BytesOf(const StoredContent& content) {
    return contents.insert(content.digest).second ? content.size_bytes : 0;
  }
};

absl::StatusOr<v1::CollectGarbageResponse> GarbageCollector::Collect(const Request& request,
                                                                     absl::FunctionRef<bool()> go_on) {
  Collection collection{request, go_on, clock_->Now(), {}, {}, {}};
  const absl::Status status = CollectAll(collection);
  // Also of what was removed before an error.
  const bool tell = collection.response.garbage_size() > 0 || (status.ok() && request.actor.has_value());
  if (tell && !request.dry_run) SKEW_RETURN_IF_ERROR(Audit(request, collection.response));
  SKEW_RETURN_IF_ERROR(status);
  return std::move(collection.response);
}

absl::Status GarbageCollector::CollectAll(Collection& collection) {
  SKEW_RETURN_IF_ERROR(CollectJobs(collection));
  SKEW_RETURN_IF_ERROR(CollectArtifacts("samples", retention_.samples, collection.gone.samples, collection));
  SKEW_RETURN_IF_ERROR(CollectArtifacts("weights", retention_.weights, collection.gone.weights, collection));
  SKEW_RETURN_IF_ERROR(CollectArtifacts("tables", retention_.tables, collection.gone.tables, collection));
  SKEW_RETURN_IF_ERROR(CollectLogs(collection));
  SKEW_RETURN_IF_ERROR(CollectEvents(collection));
  SKEW_RETURN_IF_ERROR(CollectStrays(collection));
  if (collection.removes()) FinishRemovals();
  return absl::OkStatus();
}

// Work folders of runs that were cancelled while they waited, and what was in use or in the way before.
void GarbageCollector::FinishRemovals() {
  const absl::Status left = removals_->Finish();
  if (!left.ok()) spdlog::warn("files that are to be removed are left for the next time: {}", left.ToString());
}

absl::Status GarbageCollector::Audit(const Request& request, const v1::CollectGarbageResponse& response) {
  const std::string what = absl::StrJoin(response.garbage(), ", ", [](std::string* out, const v1::Garbage& one) {
    absl::StrAppend(out, one.count(), " ", one.kind());
  });
  return connections_->Write(clock_->Now(), [&](WriteScope& scope) {
    return AppendAuditEvent(scope, request.actor.value_or(ServerItself()), "CollectGarbage", "store",
                            what.empty() ? "nothing" : what);
  });
}

absl::Status GarbageCollector::CollectJobs(Collection& collection) {
  std::vector<JobId> due;
  SKEW_RETURN_IF_ERROR(connections_->Read([&](Database& db) -> absl::Status {
    SKEW_ASSIGN_OR_RETURN(due, ReadDueJobs(db, collection.now));
    return absl::OkStatus();
  }));
  for (const JobId job : due) {
    SKEW_RETURN_IF_ERROR(collection.CheckGoOn());
    std::vector<StoredContent> contents;
    SKEW_RETURN_IF_ERROR(connections_->Read([&](Database& db) -> absl::Status {
      SKEW_ASSIGN_OR_RETURN(contents, ReadContentOf(db, job, collection.now));
      return absl::OkStatus();
    }));
    if (collection.removes()) {
      const absl::Status purged =
          deletion_
              ->Purge(job, JobDeletion::When::kDue, collection.request.actor.value_or(ServerItself()), collection.go_on)
              .status();
      if (absl::IsFailedPrecondition(purged) || absl::IsNotFound(purged)) continue;  // not any more
      SKEW_RETURN_IF_ERROR(purged);
    }
    collection.response.add_purged_jobs(job.ToString());
    collection.Add("jobs", 1, 0);
    for (const StoredContent& content : contents) collection.Add("artifacts", 1, collection.BytesOf(content));
  }
  return absl::OkStatus();
}

absl::Status GarbageCollector::CollectArtifacts(const std::string& kind, absl::Duration age, absl::Time& limit,
                                                Collection& collection) {
  if (age == absl::InfiniteDuration()) return absl::OkStatus();
  const absl::Time before = collection.now - age;
  for (bool more = true; more;) {
    SKEW_RETURN_IF_ERROR(collection.CheckGoOn());
    std::vector<OldArtifact> old;
    SKEW_RETURN_IF_ERROR(connections_->Read([&](Database& db) -> absl::Status {
      const int at_once = collection.removes() ? kRowsAtOnce : -1;
      SKEW_ASSIGN_OR_RETURN(old, ReadOldArtifacts(db, kind, before, collection.gone, collection.now, at_once));
      return absl::OkStatus();
    }));
    more = collection.removes() && !old.empty();
    if (more) {
      SKEW_RETURN_IF_ERROR(removals_->Remove([&](WriteScope& scope) -> absl::Status {
        for (const OldArtifact& artifact : old) SKEW_RETURN_IF_ERROR(RemoveArtifact(scope, artifact));
        return absl::OkStatus();
      }));
    }
    for (const OldArtifact& artifact : old) {
      collection.Add(kind, 1, artifact.last ? collection.BytesOf(artifact.content) : 0);
    }
  }
  limit = before;
  return absl::OkStatus();
}

absl::Status GarbageCollector::CollectLogs(Collection& collection) {
  if (retention_.logs == absl::InfiniteDuration()) return absl::OkStatus();
  return ListOldFiles(state_dir_->Logs(), collection.now - retention_.logs,
                      [&](const ListedFile& file) -> absl::Status {
                        const std::optional<AttemptId> attempt = ParseLogName(file.path.filename().string());
                        if (!attempt.has_value()) return absl::OkStatus();
                        bool done = false;
                        SKEW_RETURN_IF_ERROR(connections_->Read([&](Database& db) -> absl::Status {
                          SKEW_ASSIGN_OR_RETURN(done, IsLogDone(db, *attempt, collection.now));
                          return absl::OkStatus();
                        }));
                        if (!done) return absl::OkStatus();
                        std::error_code error;
                        if (collection.removes()) fs::remove(file.path, error);
                        if (!error) collection.Add("logs", 1, file.bytes);
                        return absl::OkStatus();
                      });
}

absl::Status GarbageCollector::CollectEvents(Collection& collection) {
  if (retention_.events == absl::InfiniteDuration()) return absl::OkStatus();
  const absl::Time before = collection.now - retention_.events;
  int64_t after = 0;
  do {
    SKEW_RETURN_IF_ERROR(collection.CheckGoOn());
    std::vector<OldEvents> old;
    SKEW_RETURN_IF_ERROR(connections_->Read([&](Database& db) -> absl::Status {
      SKEW_ASSIGN_OR_RETURN(old, ReadOldEvents(db, before, collection.now, after));
      return absl::OkStatus();
    }));
    for (const OldEvents& events : old) {
      if (collection.removes()) SKEW_RETURN_IF_ERROR(Compact(events));
      collection.Add("events", events.count, events.bytes);
    }
  } while (after != 0);
  return absl::OkStatus();
}

absl::Status GarbageCollector::Compact(const OldEvents& old) {
  for (bool done = false; !done;) {
    SKEW_RETURN_IF_ERROR(connections_->Write(clock_->Now(), [&](WriteScope& scope) -> absl::Status {
      SKEW_ASSIGN_OR_RETURN(done, RemoveSomeEvents(scope, old));
      return absl::OkStatus();
    }));
  }
  return absl::OkStatus();
}

absl::Status GarbageCollector::CollectStrays(Collection& collection) {
  std::vector<StoredContent> strays;
  absl::Time oldest_start;
  SKEW_RETURN_IF_ERROR(connections_->Read([&](Database& db) -> absl::Status {
    SKEW_ASSIGN_OR_RETURN(oldest_start, OldestOpenStart(db));
    return absl::OkStatus();
  }));
  const absl::Time before = std::min(collection.now, oldest_start) - kStrayAge;
  SKEW_RETURN_IF_ERROR(ListOldFiles(state_dir_->Artifacts(), before, [&](const ListedFile& file) -> absl::Status {
    const std::string digest = file.path.filename().string();
    if (!IsSha256Hex(digest)) return absl::OkStatus();
    SKEW_RETURN_IF_ERROR(collection.CheckGoOn());
    bool named = false;
    SKEW_RETURN_IF_ERROR(connections_->Read([&](Database& db) -> absl::Status {
      SKEW_ASSIGN_OR_RETURN(named, IsNamed(db, digest));
      return absl::OkStatus();
    }));
    if (named) return absl::OkStatus();
    strays.push_back({digest, file.bytes});
    return absl::OkStatus();
  }));
  if (!strays.empty() && collection.removes()) {
    SKEW_RETURN_IF_ERROR(removals_->Remove([&](WriteScope& scope) -> absl::Status {
      for (const StoredContent& stray : strays) SKEW_RETURN_IF_ERROR(AddContentRemoval(scope, stray.digest));
      return absl::OkStatus();
    }));
  }
  for (const StoredContent& stray : strays) collection.Add("strays", 1, stray.size_bytes);
  return absl::OkStatus();
}

}  // namespace skew

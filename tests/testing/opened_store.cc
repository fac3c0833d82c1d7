#include "tests/testing/opened_store.h"

#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/status.h"
#include "server/store/stored_file.h"

namespace skew {
namespace {

// Each finds rows that cannot be: its first column says which. Of jobs whose removal has begun (purge_time 1) events
// and runs may be gone; what is there is whole.
constexpr const char* kContradictions[] = {
    // A job has its first event, which says how many runs it has; all of them are there.
    "SELECT 'job without its first event: ' || id FROM jobs WHERE purge_time IS NOT 1 AND NOT EXISTS "
    "(SELECT 1 FROM events WHERE job_id = id AND sequence = 1)",
    "SELECT 'job without runs: ' || id FROM jobs WHERE runs_total = 0",
    "SELECT 'runs of a job with a gap: ' || job_id FROM runs WHERE job_id NOT IN "
    "(SELECT id FROM jobs WHERE purge_time = 1) GROUP BY job_id "
    "HAVING MIN(number) <> 1 OR MAX(number) <> COUNT(*)",
    "SELECT 'study without a training of its judge: ' || id FROM jobs j WHERE kind = 1 AND NOT EXISTS "
    "(SELECT 1 FROM jobs t WHERE t.classifier_key = j.classifier_key AND t.kind = 2)",
    "SELECT 'job without an audit event: ' || id FROM jobs WHERE NOT EXISTS "
    "(SELECT 1 FROM audit_events WHERE object = 'j' || id)",
    // What is counted is what is there.
    "SELECT 'counters of job ' || id FROM jobs WHERE "
    "(runs_total, runs_queued, runs_active, runs_succeeded, runs_failed, runs_cancelled) <> "
    "(SELECT COUNT(*), IFNULL(SUM(state = 1), 0), IFNULL(SUM(state IN (2, 3, 4)), 0), IFNULL(SUM(state = 5), 0), "
    "IFNULL(SUM(state = 6), 0), IFNULL(SUM(state = 7), 0) FROM runs WHERE job_id = id)",
    "SELECT 'total of state ' || state FROM run_totals t WHERE runs <> "
    "(SELECT COUNT(*) FROM runs r WHERE r.state = t.state)",
    "SELECT 'queue of job ' || id FROM jobs WHERE "
    "runs_queued <> (SELECT IFNULL(SUM(queued), 0) FROM queue WHERE job_id = id)",
    // Revisions and sequences.
    "SELECT 'sequence of job ' || job_id FROM events WHERE job_id NOT IN "
    "(SELECT id FROM jobs WHERE purge_time = 1) GROUP BY job_id "
    "HAVING MIN(sequence) <> 1 OR MAX(sequence) <> COUNT(*) OR COUNT(DISTINCT sequence) <> COUNT(*)",
    "SELECT 'last event of job ' || id FROM jobs WHERE purge_time IS NOT 1 AND (last_revision, last_sequence) <> "
    "(SELECT MAX(revision), MAX(sequence) FROM events WHERE job_id = id)",
    // Jobs that are purged take theirs with them.
    "SELECT 'revisions of all jobs' FROM (SELECT COUNT(*) AS count, COUNT(DISTINCT revision) AS different, "
    "IFNULL(MAX(revision), 0) AS newest FROM events) "
    "WHERE different <> count OR (count <> newest AND "
    "(SELECT COUNT(*) = MAX(id) AND SUM(purge_time IS 1) = 0 FROM jobs))",
    // Attempts.
    "SELECT 'open attempts of run ' || job_id || '.' || number FROM runs r WHERE (state IN (2, 3, 4)) <> "
    "(SELECT COUNT(*) FROM attempts a WHERE a.job_id = r.job_id AND run_number = r.number AND a.end_time IS NULL)",
    "SELECT 'attempts of run ' || job_id || '.' || number FROM runs r WHERE attempts <> "
    "(SELECT COUNT(*) FROM attempts a WHERE a.job_id = r.job_id AND run_number = r.number)",
    "SELECT 'end of run ' || job_id || '.' || number FROM runs WHERE (state IN (5, 6, 7)) <> (end_time IS NOT NULL)",
    // Results.
    "SELECT 'run without its histogram: ' || r.job_id || '.' || r.number FROM runs r JOIN jobs j ON j.id = r.job_id "
    "WHERE j.kind = 1 AND r.state = 5 AND NOT EXISTS "
    "(SELECT 1 FROM histograms h WHERE h.job_id = r.job_id AND h.run_number = r.number AND h.final = 1)",
    "SELECT 'judge without weights: ' || key FROM classifiers c WHERE NOT EXISTS "
    "(SELECT 1 FROM artifacts a WHERE a.job_id = c.job_id AND name = 'classifier.pt')",
    "SELECT 'training without a judge: ' || j.id FROM jobs j WHERE kind = 2 AND state = 3 AND NOT EXISTS "
    "(SELECT 1 FROM classifiers c WHERE c.job_id = j.id)",
    "SELECT 'foreign key of ' || \"table\" FROM pragma_foreign_key_check()",
    "SELECT 'integrity: ' || integrity_check FROM pragma_integrity_check() WHERE integrity_check <> 'ok'",
};

absl::Status FindContradictions(Database& db, std::vector<std::string>& problems) {
  for (const char* sql : kContradictions) {
    Statement row = db.Prepare(sql);
    while (row.Step()) problems.push_back(row.Text(0));
    SKEW_RETURN_IF_ERROR(row.status());
  }
  return absl::OkStatus();
}

absl::Status ReadContents(Database& db, std::vector<StoredContent>& contents) {
  std::optional<StoredContent> next = StoredContent{};
  while (true) {
    SKEW_ASSIGN_OR_RETURN(next, NextContent(db, next->digest));
    if (!next.has_value()) return absl::OkStatus();
    contents.push_back(*next);
  }
}

}  // namespace

absl::StatusOr<std::unique_ptr<OpenedStore>> OpenedStore::Open(const std::string& root) {
  SKEW_ASSIGN_OR_RETURN(StateDir state, StateDir::Open(root));
  SKEW_ASSIGN_OR_RETURN(std::unique_ptr<Connections> connections, Connections::Open(state.Database()));
  auto store = std::make_unique<OpenedStore>(std::move(state), std::move(connections));
  SKEW_RETURN_IF_ERROR(store->backups.Open());
  SKEW_RETURN_IF_ERROR(store->queue.Open());
  return store;
}

std::vector<std::string> ProblemsOf(OpenedStore& store) {
  std::vector<std::string> problems;
  std::vector<StoredContent> contents;
  const absl::Status status = store.connections->Read([&](Database& db) -> absl::Status {
    SKEW_RETURN_IF_ERROR(FindContradictions(db, problems));
    return ReadContents(db, contents);
  });
  if (!status.ok()) problems.push_back(status.ToString());
  for (const StoredContent& content : contents) {
    const absl::Status whole = CheckContent(store.artifacts.PathOf(content.digest), content);
    if (!whole.ok()) problems.push_back(absl::StrCat("artifact: ", whole.ToString()));
  }
  return problems;
}

}  // namespace skew

#include "server/store/reuse_rows.h"

#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/status.h"
#include "server/store/event_log.h"
#include "server/store/job_rows.h"
#include "server/store/judge_rows.h"
#include "server/store/removals.h"
#include "server/store/run_changes.h"

namespace skew {
namespace {

// Digests, in the order of the spec: see judge_rows.h. How further judges are trained is part of the content, so the
// runs of one content have equally many.
using JudgeDigests = std::vector<std::string>;

// The newest run that succeeded with this content and first judge, and of which nothing is in quarantine; unless the
// further judges were others.
absl::StatusOr<std::optional<RunId>> FindDone(Database& db, const std::string& content_key,
                                              const JudgeDigests& judges) {
  Statement row = db.Prepare(
      "SELECT job_id, number FROM runs WHERE content_key = ? AND content_key <> '' AND state = 5 AND "
      "classifier_digest = ? AND NOT EXISTS (SELECT 1 FROM artifacts a CROSS JOIN quarantine q ON q.digest = a.digest "
      "WHERE a.job_id = runs.job_id AND a.run_number = runs.number) AND NOT EXISTS (SELECT 1 FROM jobs j "
      "WHERE j.id = runs.job_id AND j.purge_time = 1) ORDER BY job_id DESC, number DESC LIMIT 1");
  static_assert(v1::SUCCEEDED == 5);
  row.Bind(content_key).Bind(judges.front());
  std::optional<RunId> done;
  if (row.Step()) done = RunId{JobId{row.Int(0)}, row.Int32(1)};
  SKEW_RETURN_IF_ERROR(row.status());
  if (!done.has_value() || judges.size() == 1) return done;
  SKEW_ASSIGN_OR_RETURN(const JudgeDigests of_done, ReadJudgesOfRun(db, *done));
  if (of_done != judges) done.reset();
  return done;
}

// Queued runs that would get this content and first judge, and that no worker has begun: nothing of them was judged so
// far.
absl::StatusOr<std::vector<RunId>> FindWaiting(Database& db, const std::string& content_key, const std::string& judge) {
  Statement row = db.Prepare(
      "SELECT r.job_id, r.number FROM runs r CROSS JOIN jobs j ON j.id = r.job_id "
      "CROSS JOIN classifiers c ON c.key = j.classifier_key "
      "WHERE r.content_key = ? AND r.content_key <> '' AND r.state = 1 AND r.classifier_digest = '' AND r.attempts = 0 "
      "AND j.no_reuse = 0 AND c.digest = ? ORDER BY r.job_id, r.number");
  static_assert(v1::QUEUED == 1);
  row.Bind(content_key).Bind(judge);
  std::vector<RunId> waiting;
  while (row.Step()) waiting.push_back(RunId{JobId{row.Int(0)}, row.Int32(1)});
  SKEW_RETURN_IF_ERROR(row.status());
  return waiting;
}

// What its attempts brought, should it have been begun.
absl::Status DropOwnResults(WriteScope& scope, RunId id) {
  std::set<std::string> digests;
  Statement row = scope.db.Prepare("SELECT digest FROM artifacts WHERE job_id = ? AND run_number = ?");
  row.Bind(id.job.number).Bind(id.number);
  while (row.Step()) digests.insert(row.Text(0));
  SKEW_RETURN_IF_ERROR(row.status());
  for (const char* table : {"histograms", "artifacts"}) {
    SKEW_RETURN_IF_ERROR(scope.db.Prepare(absl::StrCat("DELETE FROM ", table, " WHERE job_id = ? AND run_number = ?"))
                             .Bind(id.job.number)
                             .Bind(id.number)
                             .Run());
  }
  for (const std::string& digest : digests) SKEW_RETURN_IF_ERROR(AddContentRemoval(scope, digest));
  return absl::OkStatus();
}

absl::Status CopyRunRow(Database& db, RunId id, RunId source, const std::string& original) {
  return db
      .Prepare(
          "UPDATE runs SET reused_from = ?, (progress, manifest_digest, classifier_digest, precision) = "
          "(SELECT progress, manifest_digest, classifier_digest, precision FROM runs WHERE job_id = ? AND number = ?) "
          "WHERE job_id = ? AND number = ?")
      .Bind(original)
      .Bind(source.job.number)
      .Bind(source.number)
      .Bind(id.job.number)
      .Bind(id.number)
      .Run();
}

// As new ones: they are kept for as long as if the run had made them.
absl::Status CopyArtifacts(WriteScope& scope, RunId id, RunId source) {
  return scope.db
      .Prepare(
          "INSERT INTO artifacts (job_id, run_number, name, media_type, digest, size_bytes, create_time) "
          "SELECT ?, ?, name, media_type, digest, size_bytes, ? FROM artifacts WHERE job_id = ? AND run_number = ?")
      .Bind(id.job.number)
      .Bind(id.number)
      .Bind(scope.now)
      .Bind(source.job.number)
      .Bind(source.number)
      .Run();
}

absl::Status InsertHistogram(Database& db, RunId id, const v1::ClassHistogram& histogram) {
  return db.Prepare("INSERT INTO histograms (job_id, run_number, final, step, data) VALUES (?, ?, ?, ?, ?)")
      .Bind(id.job.number)
      .Bind(id.number)
      .Bind(histogram.final())
      .Bind(histogram.step())
      .Bind(histogram)
      .Run();
}

// Watchers are told of the final one only: what was on the way is history.
absl::Status CopyHistograms(WriteScope& scope, RunId id, RunId source) {
  SKEW_ASSIGN_OR_RETURN(std::vector<v1::ClassHistogram> histograms, ReadHistograms(scope.db, source));
  for (v1::ClassHistogram& histogram : histograms) {
    histogram.set_run_id(id.ToString());
    SKEW_RETURN_IF_ERROR(InsertHistogram(scope.db, id, histogram));
    if (!histogram.final()) continue;
    v1::Event event;
    *event.mutable_histogram() = std::move(histogram);
    SKEW_RETURN_IF_ERROR(AppendEvent(scope, id.job, event));
  }
  return absl::OkStatus();
}

// The run that trained what `source` has.
absl::StatusOr<std::string> OriginalOf(Database& db, RunId source) {
  Statement row = db.Prepare("SELECT reused_from FROM runs WHERE job_id = ? AND number = ?");
  row.Bind(source.job.number).Bind(source.number);
  std::string original = row.Step() ? row.Text(0) : "";
  SKEW_RETURN_IF_ERROR(row.status());
  return original.empty() ? source.ToString() : original;
}

// A run that has nothing of its own.
absl::Status Answer(WriteScope& scope, RunId id, RunId source) {
  RunChange change;
  change.state = v1::SUCCEEDED;
  SKEW_ASSIGN_OR_RETURN(change.reused_from, OriginalOf(scope.db, source));
  SKEW_RETURN_IF_ERROR(CopyRunRow(scope.db, id, source, change.reused_from));
  SKEW_RETURN_IF_ERROR(CopyArtifacts(scope, id, source));
  SKEW_RETURN_IF_ERROR(CopyHistograms(scope, id, source));
  return ChangeRun(scope, id, change);
}

// The judges that the job's runs would get now; empty when one is not trained or they may not be answered.
absl::StatusOr<JudgeDigests> JudgesOf(Database& db, const NewJob& job) {
  if (job.no_reuse || job.kind != v1::STUDY) return JudgeDigests();
  return ReadJudgeDigests(db, job.JudgeKeys());
}

absl::StatusOr<JudgeDigests> JudgesOf(Database& db, JobId job) {
  SKEW_ASSIGN_OR_RETURN(const std::vector<std::string> keys, ReadJudgeKeys(db, job));
  return ReadJudgeDigests(db, keys);
}

// The position of a run in its job, and the run that has its answer.
using Source = std::pair<size_t, RunId>;

// In ascending order of positions. Runs of one job have different contents, so none is another's source.
absl::StatusOr<std::vector<Source>> FindSources(Database& db, const NewJob& job) {
  SKEW_ASSIGN_OR_RETURN(const JudgeDigests judges, JudgesOf(db, job));
  std::vector<Source> sources;
  if (judges.empty()) return sources;
  for (size_t position = 0; position < job.runs.size(); ++position) {
    SKEW_ASSIGN_OR_RETURN(const std::optional<RunId> done, FindDone(db, job.runs[position].content_key(), judges));
    if (done.has_value()) sources.emplace_back(position, *done);
  }
  return sources;
}

}  // namespace

absl::Status AnswerFromStore(WriteScope& scope, JobId id, const NewJob& job) {
  SKEW_ASSIGN_OR_RETURN(const std::vector<Source> sources, FindSources(scope.db, job));
  for (const auto& [position, done] : sources) {
    SKEW_RETURN_IF_ERROR(Answer(scope, RunId{id, static_cast<int32_t>(position) + 1}, done));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<size_t>> FindAnswers(Database& db, const NewJob& job) {
  SKEW_ASSIGN_OR_RETURN(const std::vector<Source> sources, FindSources(db, job));
  std::vector<size_t> answers;
  answers.reserve(sources.size());
  for (const auto& [position, done] : sources) answers.push_back(position);
  return answers;
}

absl::StatusOr<bool> AnswerIfDone(WriteScope& scope, RunId id) {
  Statement row = scope.db.Prepare(
      "SELECT r.content_key FROM runs r JOIN jobs j ON j.id = r.job_id "
      "WHERE r.job_id = ? AND r.number = ? AND j.no_reuse = 0");
  row.Bind(id.job.number).Bind(id.number);
  const bool may_be = row.Step();
  SKEW_RETURN_IF_ERROR(row.status());
  if (!may_be) return false;
  SKEW_ASSIGN_OR_RETURN(const JudgeDigests judges, JudgesOf(scope.db, id.job));
  if (judges.empty()) return false;
  SKEW_ASSIGN_OR_RETURN(const std::optional<RunId> done, FindDone(scope.db, row.Text(0), judges));
  if (!done.has_value()) return false;
  SKEW_RETURN_IF_ERROR(DropOwnResults(scope, id));
  SKEW_RETURN_IF_ERROR(Answer(scope, id, *done));
  return true;
}

absl::StatusOr<std::optional<RunId>> FindTwinUnderWay(Database& db, RunId id) {
  Statement row = db.Prepare(
      "SELECT t.job_id, t.number FROM runs r CROSS JOIN jobs j ON j.id = r.job_id "
      "CROSS JOIN runs t ON t.content_key = r.content_key AND t.content_key <> '' AND t.state IN (2, 3) "
      "CROSS JOIN jobs u ON u.id = t.job_id AND u.classifier_key = j.classifier_key "
      "WHERE r.job_id = ? AND r.number = ? AND r.state = 1 AND r.attempts = 0 AND j.no_reuse = 0 "
      "LIMIT 1");
  static_assert(v1::QUEUED == 1 && v1::STARTING == 2 && v1::RUNNING == 3);
  row.Bind(id.job.number).Bind(id.number);
  std::optional<RunId> twin;
  if (row.Step()) twin = RunId{JobId{row.Int(0)}, row.Int32(1)};
  SKEW_RETURN_IF_ERROR(row.status());
  return twin;
}

absl::Status ReleaseTwins(WriteScope& scope, RunId id) {
  return scope.db
      .Prepare(
          "UPDATE runs SET not_before = 0, message = '' WHERE content_key = (SELECT content_key FROM runs "
          "WHERE job_id = ? AND number = ?) AND content_key <> '' AND state = 1 AND attempts = 0 AND not_before > 0")
      .Bind(id.job.number)
      .Bind(id.number)
      .Run();
}

absl::StatusOr<std::vector<RunId>> AnswerWaitingTwins(WriteScope& scope, RunId done) {
  Statement row = scope.db.Prepare("SELECT content_key, classifier_digest FROM runs WHERE job_id = ? AND number = ?");
  row.Bind(done.job.number).Bind(done.number);
  const bool found = row.Step();
  SKEW_RETURN_IF_ERROR(row.status());
  std::vector<RunId> answered;
  if (!found || row.Text(0).empty()) return answered;
  SKEW_ASSIGN_OR_RETURN(const std::vector<RunId> waiting, FindWaiting(scope.db, row.Text(0), row.Text(1)));
  if (waiting.empty()) return answered;
  SKEW_ASSIGN_OR_RETURN(const JudgeDigests judges, ReadJudgesOfRun(scope.db, done));
  for (const RunId id : waiting) {
    SKEW_ASSIGN_OR_RETURN(const JudgeDigests of_waiting, JudgesOf(scope.db, id.job));
    if (of_waiting != judges) continue;
    SKEW_RETURN_IF_ERROR(Answer(scope, id, done));
    answered.push_back(id);
  }
  return answered;
}

absl::Status CheckPrecision(WriteScope& scope, RunId id, v1::Precision precision) {
  static_assert(v1::AUTO == 1);  // nobody knew
  return scope.db
      .Prepare(
          "UPDATE runs SET content_key = '' WHERE job_id = ? AND number = ? AND content_key <> '' AND "
          "expected_precision NOT IN (1, ?)")
      .Bind(id.job.number)
      .Bind(id.number)
      .Bind(precision)
      .Run();
}

std::string ReuseNote(const v1::RunCounts& counts) {
  return absl::StrCat(counts.reused(), " of ", counts.total(), counts.total() == 1 ? " run" : " runs",
                      " done already: answered from the store");
}

}  // namespace skew

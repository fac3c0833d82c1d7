#include "server/store/judge_rows.h"

#include "common/status.h"
#include "skew/v1/job.pb.h"
#include "skew/v1/run.pb.h"

namespace skew {

static_assert(v1::STUDY == 1);

namespace {

// Classifiers whose training has ended without one and has not begun again.
absl::StatusOr<std::vector<std::string>> FindLostClassifiers(Database& db) {
  std::vector<std::string> keys;
  Statement row = db.Prepare(
      "SELECT DISTINCT t.classifier_key FROM jobs t INDEXED BY jobs_trainings "
      "WHERE t.kind = 2 AND NOT EXISTS (SELECT 1 FROM classifiers c WHERE c.key = t.classifier_key) "
      "AND NOT EXISTS (SELECT 1 FROM jobs u WHERE u.classifier_key = t.classifier_key AND u.kind = 2 "
      "                AND u.runs_queued + u.runs_active > 0) "
      "ORDER BY t.classifier_key");
  while (row.Step()) keys.push_back(row.Text(0));
  SKEW_RETURN_IF_ERROR(row.status());
  return keys;
}

}  // namespace

absl::Status InsertMoreJudges(Database& db, JobId job, const std::vector<std::string>& keys) {
  int64_t position = 0;
  for (const std::string& key : keys) {
    SKEW_RETURN_IF_ERROR(db.Prepare("INSERT INTO more_judges (job_id, position, classifier_key) VALUES (?, ?, ?)")
                             .Bind(job.number)
                             .Bind(position++)
                             .Bind(key)
                             .Run());
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<std::string>> ReadJudgeKeys(Database& db, JobId job) {
  std::vector<std::string> keys;
  Statement first = db.Prepare("SELECT classifier_key FROM jobs WHERE id = ? AND kind = 1");
  first.Bind(job.number);
  if (first.Step()) keys.push_back(first.Text(0));
  SKEW_RETURN_IF_ERROR(first.status());
  Statement more = db.Prepare("SELECT classifier_key FROM more_judges WHERE job_id = ? ORDER BY position");
  more.Bind(job.number);
  while (more.Step()) keys.push_back(more.Text(0));
  SKEW_RETURN_IF_ERROR(more.status());
  return keys;
}

absl::StatusOr<std::vector<std::string>> ReadJudgeDigests(Database& db, const std::vector<std::string>& keys) {
  std::vector<std::string> digests;
  for (const std::string& key : keys) {
    Statement row = db.Prepare("SELECT digest FROM classifiers WHERE key = ?");
    row.Bind(key);
    const bool trained = row.Step();
    SKEW_RETURN_IF_ERROR(row.status());
    if (!trained) return std::vector<std::string>();
    digests.push_back(row.Text(0));
  }
  return digests;
}

absl::StatusOr<std::vector<std::string>> ReadJudgesOfRun(Database& db, RunId run) {
  Statement row = db.Prepare(
      "SELECT r.classifier_digest, h.data FROM runs r LEFT JOIN histograms h ON h.job_id = r.job_id "
      "AND h.run_number = r.number AND h.final = 1 WHERE r.job_id = ? AND r.number = ?");
  row.Bind(run.job.number).Bind(run.number);
  std::vector<std::string> digests(1);
  if (row.Step()) {
    digests[0] = row.Text(0);
    v1::ClassHistogram histogram;
    if (!row.IsNull(1)) row.Read(1, histogram);
    for (const v1::ClassHistogram& further : histogram.more_judges()) digests.push_back(further.classifier_digest());
  }
  SKEW_RETURN_IF_ERROR(row.status());
  return digests;
}

absl::StatusOr<std::map<RunId, std::string>> FindOrphanedStudies(Database& db, int64_t limit) {
  std::map<RunId, std::string> orphans;
  SKEW_ASSIGN_OR_RETURN(const std::vector<std::string> keys, FindLostClassifiers(db));
  for (const std::string& key : keys) {
    for (const char* studies :
         {"SELECT j.id, r.number FROM jobs j CROSS JOIN runs r ON r.job_id = j.id AND r.state = 1 "
          "WHERE j.classifier_key = ? AND j.kind = 1 AND j.runs_queued > 0 ORDER BY j.id, r.number LIMIT ?",
          "SELECT m.job_id, r.number FROM more_judges m CROSS JOIN runs r ON r.job_id = m.job_id AND r.state = 1 "
          "WHERE m.classifier_key = ? ORDER BY m.job_id, r.number LIMIT ?"}) {
      Statement row = db.Prepare(studies);
      row.Bind(key).Bind(limit - static_cast<int64_t>(orphans.size()));
      while (row.Step()) orphans.emplace(RunId{JobId{row.Int(0)}, row.Int32(1)}, key);
      SKEW_RETURN_IF_ERROR(row.status());
    }
  }
  return orphans;
}

}  // namespace skew

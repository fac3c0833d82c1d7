#include "server/store/reuse_store.h"

#include "common/status.h"
#include "server/store/job_rows.h"
#include "server/store/reuse_rows.h"

namespace skew {
namespace {

absl::StatusOr<std::vector<v1::Artifact>> ReadArtifacts(Database& db, RunId run) {
  std::vector<v1::Artifact> artifacts;
  Statement row = db.Prepare("SELECT name, digest FROM artifacts WHERE job_id = ? AND run_number = ? ORDER BY name");
  row.Bind(run.job.number).Bind(run.number);
  while (row.Step()) {
    v1::Artifact& artifact = artifacts.emplace_back();
    artifact.set_run_id(run.ToString());
    artifact.set_name(row.Text(0));
    artifact.set_digest(row.Text(1));
  }
  SKEW_RETURN_IF_ERROR(row.status());
  return artifacts;
}

}  // namespace

absl::StatusOr<std::vector<size_t>> ReuseStore::FindAnswers(const NewJob& job) {
  std::vector<size_t> answers;
  SKEW_RETURN_IF_ERROR(connections_->Read([&](Database& db) -> absl::Status {
    SKEW_ASSIGN_OR_RETURN(answers, skew::FindAnswers(db, job));
    return absl::OkStatus();
  }));
  return answers;
}

absl::StatusOr<RunRecord> ReuseStore::ReadRecord(RunId run) {
  RunRecord record;
  SKEW_RETURN_IF_ERROR(connections_->Read([&](Database& db) -> absl::Status {
    SKEW_ASSIGN_OR_RETURN(record.run, ReadRun(db, run));
    SKEW_ASSIGN_OR_RETURN(record.histograms, ReadHistograms(db, run));
    SKEW_ASSIGN_OR_RETURN(record.artifacts, ReadArtifacts(db, run));
    return absl::OkStatus();
  }));
  return record;
}

}  // namespace skew

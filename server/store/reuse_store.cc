#include "server/store/reuse_store.h"

#include "common/status.h"
#include "server/store/job_rows.h"
#include "server/store/reuse_rows.h"

namespace skew {
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
    SKEW_ASSIGN_OR_RETURN(record.artifacts, ReadArtifacts(db, run.job, run.number));
    return absl::OkStatus();
  }));
  return record;
}

}  // namespace skew

#include "server/api/preview.h"

#include "common/run_state.h"
#include "common/status.h"

namespace skew {

absl::Status DescribePreview(const NewJob& job, ReuseStore& reuse, v1::SubmitJobResponse& response) {
  SKEW_ASSIGN_OR_RETURN(const int32_t answers, reuse.CountAnswers(job));
  v1::Job& preview = *response.mutable_job();
  preview.set_kind(job.kind);
  preview.set_owner(job.owner);
  *preview.mutable_spec() = job.spec;
  preview.set_dataset_digest(job.dataset_digest);
  preview.set_no_reuse(job.no_reuse);
  AddRuns(v1::QUEUED, static_cast<int32_t>(job.runs.size()) - answers, *preview.mutable_runs());
  AddRuns(v1::SUCCEEDED, answers, *preview.mutable_runs());
  preview.mutable_runs()->set_reused(answers);
  preview.set_state(JobStateOf(preview.runs()));
  return absl::OkStatus();
}

}  // namespace skew

#include "server/api/preview.h"

#include <utility>
#include <vector>

#include "common/run_state.h"
#include "common/status.h"

namespace skew {
namespace {

v1::Job JobOf(const NewJob& job, int32_t answers) {
  v1::Job preview;
  preview.set_kind(job.kind);
  preview.set_owner(job.owner);
  *preview.mutable_spec() = job.spec;
  preview.set_dataset_digest(job.dataset_digest);
  preview.set_no_reuse(job.no_reuse);
  preview.set_priority(job.priority);
  preview.set_paused(job.paused);
  for (const JobId after : job.after) preview.add_after(after.ToString());
  *preview.mutable_need() = job.need;
  AddRuns(v1::QUEUED, static_cast<int32_t>(job.runs.size()) - answers, *preview.mutable_runs());
  AddRuns(v1::SUCCEEDED, answers, *preview.mutable_runs());
  preview.mutable_runs()->set_reused(answers);
  preview.set_state(JobStateOf(preview.runs()));
  return preview;
}

// `positions` are in ascending order.
void RemoveRuns(const std::vector<size_t>& positions, NewJob& job) {
  std::vector<v1::Run> kept;
  kept.reserve(job.runs.size() - positions.size());
  auto next = positions.begin();
  for (size_t i = 0; i < job.runs.size(); ++i) {
    if (next != positions.end() && *next == i) {
      ++next;
    } else {
      kept.push_back(std::move(job.runs[i]));
    }
  }
  job.runs = std::move(kept);
}

}  // namespace

absl::Status DescribePreview(PreparedJob prepared, ReuseStore& reuse, QueueView& view,
                             v1::SubmitJobResponse& response) {
  NewJob& job = prepared.job;
  SKEW_ASSIGN_OR_RETURN(const std::vector<size_t> answers, reuse.FindAnswers(job));
  *response.mutable_job() = JobOf(job, static_cast<int32_t>(answers.size()));
  RemoveRuns(answers, job);
  if (job.runs.empty()) return absl::OkStatus();
  return view.DescribeSubmission(job, prepared.trainings, *response.mutable_job());
}

}  // namespace skew

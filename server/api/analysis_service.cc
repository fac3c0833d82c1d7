#include "server/api/analysis_service.h"

#include <algorithm>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/file.h"
#include "common/status.h"
#include "server/api/id_field.h"
#include "server/api/large_calls.h"
#include "server/api/respond.h"
#include "server/api/spec_findings.h"

namespace skew {
namespace {

constexpr size_t kMostLossBytes = size_t{64} << 20;  // of one losses.csv

}  // namespace

grpc::Status AnalysisService::AnalyseJobs(grpc::ServerContext* context, const v1::AnalyseJobsRequest* request,
                                          v1::AnalyseJobsResponse* response) {
  const absl::StatusOr<Caller> caller = gate_->Admit(*context, *request);
  if (!caller.ok()) return ToGrpc(caller.status());
  if (const absl::Status status = CheckJobsToAnalyse(*request); !status.ok()) return ToGrpc(status);
  const absl::StatusOr<std::vector<JobId>> ids = CheckRuns(*request);
  if (!ids.ok()) return ToGrpc(ids.status());
  const absl::StatusOr<OpenStreams::Place> turn = AwaitTurn(*streams_, *caller, *context);
  if (!turn.ok()) return ToGrpc(turn.status());
  std::vector<JobToAnalyse> jobs;
  LossByDigest losses;
  for (const JobId id : *ids) {
    absl::StatusOr<JobToAnalyse> job = Load(id, losses);
    if (!job.ok()) return ToGrpc(job.status());
    jobs.push_back(*std::move(job));
  }
  // Findings do not depend on the order in which jobs are named.
  std::sort(jobs.begin(), jobs.end(), [](const JobToAnalyse& a, const JobToAnalyse& b) {
    return JobId::Parse(a.job.id())->number < JobId::Parse(b.job.id())->number;
  });
  return Respond(skew::AnalyseJobs(jobs, *request), *response);
}

absl::StatusOr<std::vector<JobId>> AnalysisService::CheckRuns(const v1::AnalyseJobsRequest& request) {
  std::vector<JobId> ids;
  int64_t runs = 0;
  for (const std::string& text : request.job_ids()) {
    SKEW_ASSIGN_OR_RETURN(const JobId id, ParseIdIn<JobId>("job_ids", text));
    SKEW_ASSIGN_OR_RETURN(const v1::Job job, jobs_->Get(id));
    runs += job.runs().total();
    ids.push_back(id);
  }
  if (runs <= kMostRuns) return ids;
  return InvalidField("job_ids", absl::StrCat(runs, " runs in all; at most ", kMostRuns, " are analysed together"));
}

absl::StatusOr<JobToAnalyse> AnalysisService::Load(JobId id, LossByDigest& losses) {
  SKEW_ASSIGN_OR_RETURN(JobStore::JobWithRuns stored, jobs_->GetWithRuns(id));
  JobToAnalyse job{std::move(stored.job), std::move(stored.runs), std::move(stored.classifiers), {}};
  std::set<std::string> with_losses;
  for (const v1::Run& run : job.runs) {
    if (NeedsLosses(job.job, run)) with_losses.insert(run.id());
  }
  if (with_losses.empty()) return job;
  SKEW_ASSIGN_OR_RETURN(const std::vector<v1::Artifact> artifacts, artifacts_->List(id));
  for (const v1::Artifact& artifact : artifacts) {
    if (artifact.name() != "losses.csv" || !with_losses.contains(artifact.run_id())) continue;
    const auto [loss, is_new] = losses.try_emplace(artifact.digest());
    if (is_new) {
      SKEW_ASSIGN_OR_RETURN(const RunId run, RunId::Parse(artifact.run_id()));
      SKEW_RETURN_IF_ERROR(artifacts_->Find(run, artifact.name()).status());
      SKEW_ASSIGN_OR_RETURN(const std::string csv, ReadFile(artifacts_->PathOf(artifact.digest()), kMostLossBytes));
      loss->second = LargestInColumn(csv, "loss_g");
    }
    if (loss->second.has_value()) job.largest_generator_loss[artifact.run_id()] = *loss->second;
  }
  return job;
}

}  // namespace skew

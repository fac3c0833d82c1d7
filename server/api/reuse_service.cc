#include "server/api/reuse_service.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/digest.h"
#include "common/run_comparison.h"
#include "common/state_words.h"
#include "common/status.h"
#include "server/api/id_field.h"
#include "server/api/preview.h"
#include "server/api/respond.h"

namespace skew {
namespace {

absl::Status CheckIsStudy(const v1::Job& job, absl::string_view what) {
  if (job.kind() == v1::STUDY) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat("job ", job.id(), " trains a classifier; only ", what));
}

// Of the runs of `job`, only the one that `run` is; none when this version derives another seed for it.
void KeepOnly(const v1::Run& run, NewJob& job) {
  std::erase_if(job.runs, [&](const v1::Run& other) {
    return other.model_index() != run.model_index() || other.iteration() != run.iteration() ||
           other.seed() != run.seed();
  });
}

}  // namespace

grpc::Status ReuseService::ExtendJob(grpc::ServerContext* context, const v1::ExtendJobRequest* request,
                                     v1::SubmitJobResponse* response) {
  const absl::StatusOr<Caller> caller = gate_->Admit(*context, *request);
  if (!caller.ok()) return ToGrpc(caller.status());
  absl::StatusOr<PreparedJob> prepared = PrepareExtension(*request, *caller, *context);
  if (prepared.ok() && request->validate_only()) {
    return ToGrpc(DescribePreview(*std::move(prepared), *reuse_, *view_, *response));
  }
  return ToGrpc(Submit(prepared, *caller, *response));
}

grpc::Status ReuseService::ReproduceRun(grpc::ServerContext* context, const v1::ReproduceRunRequest* request,
                                        v1::SubmitJobResponse* response) {
  const absl::StatusOr<Caller> caller = gate_->Admit(*context, *request);
  if (!caller.ok()) return ToGrpc(caller.status());
  return ToGrpc(Submit(PrepareReproduction(*request, *caller, *context), *caller, *response));
}

grpc::Status ReuseService::CompareRuns(grpc::ServerContext* context, const v1::CompareRunsRequest* request,
                                       v1::CompareRunsResponse* response) {
  const absl::StatusOr<Caller> caller = gate_->Admit(*context, *request);
  if (!caller.ok()) return ToGrpc(caller.status());
  const auto compare = [&]() -> absl::StatusOr<v1::CompareRunsResponse> {
    SKEW_ASSIGN_OR_RETURN(const RunId run, RunId::Parse(request->run_id()));
    SKEW_ASSIGN_OR_RETURN(const RunId other, ParseIdIn<RunId>("other_run_id", request->other_run_id()));
    SKEW_ASSIGN_OR_RETURN(const RunRecord record, reuse_->ReadRecord(run));
    SKEW_ASSIGN_OR_RETURN(const RunRecord other_record, reuse_->ReadRecord(other));
    return skew::CompareRuns(record, other_record);
  };
  return Respond(compare(), *response);
}

absl::StatusOr<PreparedJob> ReuseService::Prepare(const v1::SubmitJobRequest& request, const Caller& caller,
                                                  const grpc::ServerContextBase& context) {
  return PrepareJob(request, caller.user, *datasets_, auto_precision_,
                    [&](int64_t runs) { return AwaitTurnFor(runs, *streams_, caller, context); });
}

absl::StatusOr<PreparedJob> ReuseService::PrepareExtension(const v1::ExtendJobRequest& request, const Caller& caller,
                                                           const grpc::ServerContextBase& context) {
  SKEW_ASSIGN_OR_RETURN(const JobId id, JobId::Parse(request.job_id()));
  SKEW_ASSIGN_OR_RETURN(const v1::Job job, jobs_->Get(id));
  SKEW_RETURN_IF_ERROR(CheckIsStudy(job, "studies have iterations"));
  if (!job.reproduces().empty()) {
    return absl::FailedPreconditionError(
        absl::StrCat("job ", job.id(), " only runs ", job.reproduces(), " again; extend the job of that run"));
  }
  if (request.iterations() <= job.spec().iterations()) {
    return InvalidField("iterations", absl::StrCat(request.iterations(), " is not more than the ",
                                                   job.spec().iterations(), " that job ", job.id(), " has"));
  }
  SKEW_RETURN_IF_ERROR(CheckDataset(job));
  v1::SubmitJobRequest submit;
  *submit.mutable_spec() = job.spec();
  submit.mutable_spec()->set_iterations(request.iterations());
  *submit.mutable_need() = job.need();
  submit.set_request_id(request.request_id());
  SKEW_ASSIGN_OR_RETURN(PreparedJob prepared, Prepare(submit, caller, context));
  prepared.job.audit_action = "ExtendJob";
  prepared.job.audit_detail = absl::StrCat(job.id(), " to ", request.iterations(), " iterations");
  return prepared;
}

absl::StatusOr<PreparedJob> ReuseService::PrepareReproduction(const v1::ReproduceRunRequest& request,
                                                              const Caller& caller,
                                                              const grpc::ServerContextBase& context) {
  SKEW_ASSIGN_OR_RETURN(const RunId id, RunId::Parse(request.run_id()));
  SKEW_ASSIGN_OR_RETURN(const v1::Run run, jobs_->GetRun(id));
  SKEW_ASSIGN_OR_RETURN(const v1::Job job, jobs_->Get(id.job));
  SKEW_RETURN_IF_ERROR(CheckIsStudy(job, "runs of studies are reproduced"));
  if (run.state() != v1::SUCCEEDED) {
    return absl::FailedPreconditionError(absl::StrCat("run ", run.id(), " ", StateInWords(run.state()),
                                                      "; only a run that has succeeded can be reproduced"));
  }
  SKEW_RETURN_IF_ERROR(CheckDataset(job));
  SKEW_RETURN_IF_ERROR(CheckJudges(run));
  v1::SubmitJobRequest submit;
  *submit.mutable_spec() = job.spec();
  submit.mutable_spec()->set_name(absl::StrCat("reproduction of ", run.id()));
  submit.mutable_spec()->clear_labels();  // a list of a study's jobs by label must not count it twice
  submit.set_request_id(request.request_id());
  submit.set_no_reuse(true);
  *submit.mutable_need() = job.need();
  SKEW_ASSIGN_OR_RETURN(PreparedJob prepared, Prepare(submit, caller, context));
  KeepOnly(run, prepared.job);
  if (prepared.job.runs.empty()) {
    return absl::FailedPreconditionError(
        absl::StrCat("run ", run.id(), " has seed ", run.seed(), ", which this version does not derive for its cell"));
  }
  prepared.job.reproduces = run.id();
  prepared.job.request_digest = Sha256Hex(absl::StrCat("reproduce/", run.id()));
  prepared.job.audit_action = "ReproduceRun";
  prepared.job.audit_detail = run.id();
  return prepared;
}

absl::Status ReuseService::CheckDataset(const v1::Job& job) {
  SKEW_ASSIGN_OR_RETURN(const v1::Dataset dataset, datasets_->Find(job.spec().dataset()));
  if (dataset.digest() == job.dataset_digest()) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat("dataset ", dataset.name(), " has content ", dataset.digest(),
                                                    " now; job ", job.id(), " was made with ", job.dataset_digest()));
}

absl::Status ReuseService::CheckJudges(const v1::Run& run) {
  SKEW_ASSIGN_OR_RETURN(const std::vector<v1::Classifier> classifiers, jobs_->ListClassifiers());
  std::vector<std::string> judges = {run.classifier_digest()};
  for (const v1::ClassHistogram& further : run.histogram().more_judges()) {
    judges.push_back(further.classifier_digest());
  }
  for (const std::string& judge : judges) {
    const bool is_there = std::any_of(classifiers.begin(), classifiers.end(),
                                      [&](const v1::Classifier& one) { return one.digest() == judge; });
    if (is_there) continue;
    return absl::FailedPreconditionError(absl::StrCat("classifier ", judge, ", which judged run ", run.id(),
                                                      ", was replaced: another one's histogram could not be compared"));
  }
  return absl::OkStatus();
}

absl::Status ReuseService::Submit(const absl::StatusOr<PreparedJob>& prepared, const Caller& caller,
                                  v1::SubmitJobResponse& response) {
  SKEW_RETURN_IF_ERROR(prepared.status());
  SKEW_ASSIGN_OR_RETURN(const bool repeated, AnswerRepeated(prepared->job, *jobs_, response));
  if (repeated) return absl::OkStatus();
  if (hub_->draining()) return absl::UnavailableError("the server is shutting down and takes no new jobs");
  return SubmitPrepared(*prepared, caller, *jobs_, *scheduler_, response);
}

}  // namespace skew

#include "server/api/submission.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/content_key.h"
#include "common/digest.h"
#include "common/expansion.h"
#include "common/status.h"
#include "server/api/id_field.h"
#include "server/api/ordered_bytes.h"
#include "server/api/queue_service.h"
#include "server/api/spec_check.h"
#include "server/api/spec_defaults.h"

namespace skew {
namespace {

// Changes when trainings of equal specs come out different, or more is measured of them: then stored classifiers are
// not taken for new ones. The same weights keep their digest.
constexpr char kTrainingRecipe[] = "classifier/2";

std::string ClassifierKey(absl::string_view dataset_digest, const v1::ClassifierSpec& spec) {
  return Sha256Hex(
      absl::StrCat(kTrainingRecipe, "/", dataset_digest, "/epochs=", spec.epochs(), "/seed=", spec.seed()));
}

NewJob TrainingJob(const NewJob& study, const v1::ClassifierSpec& spec) {
  NewJob training;
  training.kind = v1::CLASSIFIER_TRAINING;
  training.owner = study.owner;
  training.dataset_digest = study.dataset_digest;
  training.classifier_key = ClassifierKey(study.dataset_digest, spec);
  training.spec.set_dataset(study.spec.dataset());
  *training.spec.mutable_classifier() = spec;
  FillDefaults(training.spec);
  training.request_digest = Sha256Hex(OrderedBytes(training.spec));
  training.runs = Expand(training.spec);
  return training;
}

// Of a spec with its defaults.
std::string RequestDigest(const v1::JobSpec& spec, bool no_reuse) {
  return absl::StrCat(Sha256Hex(OrderedBytes(spec)), no_reuse ? "/no_reuse" : "");
}

void Answer(Submission submission, v1::SubmitJobResponse& response) {
  *response.mutable_job() = std::move(submission.job);
  response.set_existing(submission.existing);
  response.mutable_notes()->Assign(submission.notes.begin(), submission.notes.end());
}

void NameContents(NewJob& job, v1::Precision auto_precision) {
  const ContentKeys keys(job.spec, job.dataset_digest, auto_precision);
  for (v1::Run& run : job.runs) {
    run.set_precision(keys.ExpectedPrecisionOf(run));
    run.set_content_key(keys.KeyOf(run));
  }
}

// When to run it and where.
absl::Status ReadQueueSettings(const v1::SubmitJobRequest& request, NewJob& job) {
  SKEW_RETURN_IF_ERROR(CheckPriority(request.priority()));
  if (request.after_size() > 100) {
    return InvalidField("after", absl::StrCat(request.after_size(), " jobs; at most 100 are accepted"));
  }
  if (request.need().memory_bytes() < 0) {
    return InvalidField("need.memory_bytes", absl::StrCat(request.need().memory_bytes(), " is negative"));
  }
  job.priority = request.priority();
  job.paused = request.paused();
  job.need = request.need();
  for (const std::string& after : request.after()) {
    SKEW_ASSIGN_OR_RETURN(const JobId id, ParseIdIn<JobId>("after", after));
    if (std::find(job.after.begin(), job.after.end(), id) == job.after.end()) job.after.push_back(id);
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<PreparedJob> PrepareJob(const v1::SubmitJobRequest& request, absl::string_view owner,
                                       DatasetRegistry& datasets, v1::Precision auto_precision,
                                       AwaitTurnOfCall await_turn) {
  const std::string& request_id = request.request_id();
  if (request_id.size() > 128) {
    return InvalidField("request_id", absl::StrCat(request_id.size(), " bytes; at most 128 are accepted"));
  }
  SKEW_RETURN_IF_ERROR(CheckSpecSize(request.spec()));
  SKEW_ASSIGN_OR_RETURN(std::optional<OpenStreams::Place> turn, await_turn(CountRuns(request.spec())));
  PreparedJob prepared{{}, {}, std::move(turn)};
  NewJob& job = prepared.job;
  SKEW_RETURN_IF_ERROR(ReadQueueSettings(request, job));
  job.spec = request.spec();
  FillDefaults(job.spec);
  const absl::StatusOr<v1::Dataset> dataset = datasets.Find(job.spec.dataset());
  if (absl::IsUnavailable(dataset.status())) return dataset.status();
  const std::vector<v1::FieldViolation> violations = CheckSpec(job.spec, dataset);
  if (!violations.empty()) return InvalidFields(violations);
  const bool is_training = job.spec.has_classifier();
  job.kind = is_training ? v1::CLASSIFIER_TRAINING : v1::STUDY;
  job.owner = std::string(owner);
  job.request_id = request_id;
  job.no_reuse = request.no_reuse();
  job.request_digest = RequestDigest(job.spec, job.no_reuse);
  job.dataset_digest = dataset->digest();
  job.classifier_key =
      ClassifierKey(job.dataset_digest, is_training ? job.spec.classifier() : job.spec.evaluation().classifier());
  job.runs = Expand(job.spec);
  if (is_training) return prepared;
  NameContents(job, auto_precision);
  const v1::EvaluationSpec& evaluation = job.spec.evaluation();
  prepared.trainings.push_back(TrainingJob(job, evaluation.classifier()));
  for (const v1::ClassifierSpec& judge : evaluation.more_judges()) {
    prepared.trainings.push_back(TrainingJob(job, judge));
    job.more_judge_keys.push_back(prepared.trainings.back().classifier_key);
  }
  return prepared;
}

absl::StatusOr<bool> AnswerRepeated(const v1::SubmitJobRequest& request, absl::string_view owner, JobStore& jobs,
                                    v1::SubmitJobResponse& response) {
  if (request.request_id().empty()) return false;
  SKEW_RETURN_IF_ERROR(CheckSpecSize(request.spec()));
  NewJob job;
  job.owner = std::string(owner);
  job.request_id = request.request_id();
  job.spec = request.spec();
  FillDefaults(job.spec);
  job.request_digest = RequestDigest(job.spec, request.no_reuse());
  return AnswerRepeated(job, jobs, response);
}

absl::StatusOr<bool> AnswerRepeated(const NewJob& job, JobStore& jobs, v1::SubmitJobResponse& response) {
  if (job.request_id.empty()) return false;
  SKEW_ASSIGN_OR_RETURN(std::optional<Submission> found, jobs.FindByRequest(job));
  if (!found.has_value()) return false;
  Answer(*std::move(found), response);
  return true;
}

absl::Status SubmitPrepared(const PreparedJob& prepared, const Caller& caller, JobStore& jobs, Scheduler& scheduler,
                            v1::SubmitJobResponse& response) {
  SKEW_RETURN_IF_ERROR(scheduler.CheckRoom());
  SKEW_ASSIGN_OR_RETURN(Submission submission, jobs.Submit(prepared.job, prepared.trainings, caller.AsActor()));
  scheduler.Wake();
  Answer(std::move(submission), response);
  return absl::OkStatus();
}

}  // namespace skew

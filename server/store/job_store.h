// Jobs: the queue is these tables, there is no other one.
#ifndef SKEW_SERVER_STORE_JOB_STORE_H_
#define SKEW_SERVER_STORE_JOB_STORE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/clock.h"
#include "common/ids.h"
#include "server/store/audit_log.h"
#include "server/store/connections.h"
#include "server/store/run_changes.h"
#include "skew/v1/job.pb.h"
#include "skew/v1/job_service.pb.h"
#include "skew/v1/run_service.pb.h"

namespace skew {

// A job that was validated and expanded, ready to be stored.
struct NewJob {
  v1::JobKind kind = v1::STUDY;
  std::string owner;
  std::string request_id;      // empty: none
  std::string request_digest;  // of the submitted spec
  v1::JobSpec spec;            // normalised
  std::string dataset_digest;
  std::string classifier_key;                // the classifier a study needs, or a training makes
  std::vector<std::string> more_judge_keys;  // the further classifiers that a study needs
  // model_index, model, bias_point, iteration and seed are set, and of studies content_key and precision (the expected
  // one); numbered by position.
  std::vector<v1::Run> runs;
  int32_t priority = 0;
  bool paused = false;
  std::vector<JobId> after;  // each once
  v1::DeviceNeed need;
  bool no_reuse = false;
  std::string reproduces;                  // see v1::Job
  std::string audit_action = "SubmitJob";  // the method that makes it
  std::string audit_detail;                // empty: its kind

  // Of all classifiers that a study needs.
  std::vector<std::string> JudgeKeys() const {
    std::vector<std::string> keys = {classifier_key};
    keys.insert(keys.end(), more_judge_keys.begin(), more_judge_keys.end());
    return keys;
  }
};

struct Submission {
  v1::Job job;
  bool existing = false;  // the request id named it already
  std::vector<std::string> notes;
};

// Every change by a user is stored with its audit event. Thread-safe.
class JobStore {
 public:
  // `runs_at_once`: of a job that is cancelled, in one transaction.
  JobStore(Connections* connections, Clock* clock, int runs_at_once = kRunsAtOnce)
      : connections_(connections), clock_(clock), runs_at_once_(runs_at_once) {}

  // Stores `job` with its runs and first event in one transaction; on disk when it returns. `trainings` make the
  // classifiers that it needs: one whose classifier is neither trained nor being trained is stored before it in the
  // same transaction. Runs that were done already are answered from the store, unless `job` says no_reuse.
  // ALREADY_EXISTS when `request_id` was used with another spec. RESOURCE_EXHAUSTED: over a limit of the owner's share.
  // INVALID_ARGUMENT: it comes after a job that there is not; FAILED_PRECONDITION: after one that has ended without
  // success.
  absl::StatusOr<Submission> Submit(const NewJob& job, const std::vector<NewJob>& trainings, const Actor& actor);

  // The job that was stored for the owner's request with this id; nothing when there is none. ALREADY_EXISTS when the
  // id was used with another spec. Needs no more of `job` than these: owner, request_id, request_digest.
  absl::StatusOr<std::optional<Submission>> FindByRequest(const NewJob& job);

  // NOT_FOUND
  absl::StatusOr<v1::Job> Get(JobId id);
  // Whose job it is, for good. NOT_FOUND
  absl::StatusOr<std::string> Owner(JobId id);

  // INVALID_ARGUMENT for a page size out of 1..1000 or a page token that is not of this list. See FindJobs for the work
  // it takes.
  absl::StatusOr<v1::ListJobsResponse> List(const v1::ListJobsRequest& request);

  // See JobService.CancelJob and RunService.CancelRun.
  absl::StatusOr<v1::Job> Cancel(JobId id, const Actor& actor);
  absl::StatusOr<v1::Run> Cancel(RunId id, const Actor& actor);

  absl::StatusOr<v1::Run> GetRun(RunId id);
  absl::StatusOr<v1::ListRunsResponse> ListRuns(const v1::ListRunsRequest& request);

  absl::StatusOr<v1::ListHistogramsResponse> ListHistograms(const v1::ListHistogramsRequest& request);

  // Every run of a job, and the job, on one snapshot.
  struct JobWithRuns {
    v1::Job job;
    std::vector<v1::Run> runs;
    std::vector<v1::Classifier> classifiers;  // the judges of the runs' histograms
  };
  absl::StatusOr<JobWithRuns> GetWithRuns(JobId id);

  absl::StatusOr<std::vector<v1::Classifier>> ListClassifiers();

  // Over all jobs.
  absl::StatusOr<v1::RunCounts> CountRuns();

 private:
  Connections* const connections_;
  Clock* const clock_;
  const int runs_at_once_;
};

}  // namespace skew

#endif  // SKEW_SERVER_STORE_JOB_STORE_H_

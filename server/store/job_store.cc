#include "server/store/job_store.h"

#include <algorithm>
#include <limits>
#include <set>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/digest.h"
#include "common/judges.h"
#include "common/run_state.h"
#include "common/state_words.h"
#include "common/status.h"
#include "server/store/event_log.h"
#include "server/store/histogram_list.h"
#include "server/store/job_listing.h"
#include "server/store/job_rows.h"
#include "server/store/judge_rows.h"
#include "server/store/page_size.h"
#include "server/store/run_changes.h"

namespace skew {
namespace {

constexpr int32_t kNoMore = std::numeric_limits<int32_t>::max();

absl::Status CheckCancellable(Database& db, JobId id) {
  SKEW_ASSIGN_OR_RETURN(const v1::JobState state, ReadJobState(db, id));
  if (!IsTerminal(state)) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat("job ", id.ToString(), " ", StateInWords(state), " and cannot be cancelled"));
}

absl::StatusOr<std::vector<int32_t>> ReadOpenRuns(Database& db, JobId id, int32_t after, int most) {
  static_assert(v1::QUEUED == 1 && v1::STARTING == 2 && v1::RUNNING == 3);
  Statement row = db.Prepare(
      "SELECT number FROM runs WHERE job_id = ? AND number > ? AND state IN (1, 2, 3) ORDER BY number LIMIT ?");
  row.Bind(id.number).Bind(after).Bind(most);
  std::vector<int32_t> numbers;
  while (row.Step()) numbers.push_back(row.Int32(0));
  SKEW_RETURN_IF_ERROR(row.status());
  return numbers;
}

// Page tokens name a position and the list it is in.
std::string PageToken(absl::string_view list, int64_t position) {
  return absl::StrCat(Sha256Hex(list).substr(0, 12), "-", position);
}

absl::StatusOr<int64_t> ParsePageToken(absl::string_view list, const std::string& token, int64_t start) {
  if (token.empty()) return start;
  const std::vector<std::string> parts = absl::StrSplit(token, '-');
  int64_t last = 0;
  if (parts.size() != 2 || !absl::SimpleAtoi(parts[1], &last) || token != PageToken(list, last)) {
    return InvalidField(
        "page_token",
        absl::StrCat("'", token,
                     "' is not a page of this list; take next_page_token of the page before, with the same filter"));
  }
  return last;
}

std::string Describe(const google::protobuf::Message& filter) { return filter.ShortDebugString(); }

absl::StatusOr<std::vector<v1::Classifier>> ReadClassifiers(Database& db) {
  std::vector<v1::Classifier> classifiers;
  Statement row =
      db.Prepare("SELECT c.data, j.spec FROM classifiers c LEFT JOIN jobs j ON j.id = c.job_id ORDER BY c.job_id DESC");
  while (row.Step()) {
    row.Read(0, classifiers.emplace_back());
    v1::JobSpec training;
    if (!row.IsNull(1)) row.Read(1, training);
    if (training.has_classifier()) *classifiers.back().mutable_spec() = training.classifier();
  }
  SKEW_RETURN_IF_ERROR(row.status());
  return classifiers;
}

}  // namespace

absl::StatusOr<v1::Job> JobStore::Get(JobId id) {
  v1::Job job;
  SKEW_RETURN_IF_ERROR(connections_->Read([&](Database& db) -> absl::Status {
    SKEW_ASSIGN_OR_RETURN(job, ReadJob(db, id));
    return absl::OkStatus();
  }));
  return job;
}

absl::StatusOr<std::string> JobStore::Owner(JobId id) {
  std::string owner;
  SKEW_RETURN_IF_ERROR(connections_->Read([&](Database& db) -> absl::Status {
    SKEW_ASSIGN_OR_RETURN(owner, ReadOwner(db, id));
    return absl::OkStatus();
  }));
  return owner;
}

absl::StatusOr<v1::ListJobsResponse> JobStore::List(const v1::ListJobsRequest& request) {
  SKEW_ASSIGN_OR_RETURN(const int limit, PageSize(request.page_size(), 100));
  const std::string list = Describe(request.filter());
  SKEW_ASSIGN_OR_RETURN(const int64_t before,
                        ParsePageToken(list, request.page_token(), std::numeric_limits<int64_t>::max()));
  v1::ListJobsResponse response;
  SKEW_RETURN_IF_ERROR(connections_->Read([&](Database& db) -> absl::Status {
    SKEW_ASSIGN_OR_RETURN(const JobIdPage page, FindJobs(db, request.filter(), before, limit));
    for (const JobId id : page.ids) {
      SKEW_ASSIGN_OR_RETURN(*response.add_jobs(), ReadJob(db, id));
    }
    if (page.before > 0) response.set_next_page_token(PageToken(list, page.before));
    SKEW_ASSIGN_OR_RETURN(const int64_t revision, NewestRevision(db));
    response.set_revision(revision);
    return absl::OkStatus();
  }));
  return response;
}

// By number, those after the runs that are cancelled: one that has started meanwhile is among them, one that was added
// comes last.
absl::StatusOr<v1::Job> JobStore::Cancel(JobId id, const Actor& actor) {
  v1::Job job;
  for (int32_t last = 0; last != kNoMore;) {
    SKEW_RETURN_IF_ERROR(connections_->Write(clock_->Now(), [&](WriteScope& scope) -> absl::Status {
      if (last == 0) {
        SKEW_RETURN_IF_ERROR(CheckCancellable(scope.db, id));
        SKEW_RETURN_IF_ERROR(AppendAuditEvent(scope, actor, "CancelJob", id.ToString()));
      }
      SKEW_ASSIGN_OR_RETURN(const std::vector<int32_t> numbers, ReadOpenRuns(scope.db, id, last, runs_at_once_));
      for (const int32_t number : numbers) SKEW_RETURN_IF_ERROR(CancelRun(scope, RunId{id, number}));
      last = static_cast<int>(numbers.size()) < runs_at_once_ ? kNoMore : numbers.back();
      SKEW_ASSIGN_OR_RETURN(job, ReadJob(scope.db, id));
      return absl::OkStatus();
    }));
  }
  return job;
}

absl::StatusOr<v1::Run> JobStore::Cancel(RunId id, const Actor& actor) {
  v1::Run run;
  SKEW_RETURN_IF_ERROR(connections_->Write(clock_->Now(), [&](WriteScope& scope) -> absl::Status {
    SKEW_RETURN_IF_ERROR(CancelRun(scope, id));
    SKEW_RETURN_IF_ERROR(AppendAuditEvent(scope, actor, "CancelRun", id.ToString()));
    SKEW_ASSIGN_OR_RETURN(run, ReadRun(scope.db, id));
    return absl::OkStatus();
  }));
  return run;
}

absl::StatusOr<v1::Run> JobStore::GetRun(RunId id) {
  v1::Run run;
  SKEW_RETURN_IF_ERROR(connections_->Read([&](Database& db) -> absl::Status {
    SKEW_ASSIGN_OR_RETURN(run, ReadRun(db, id));
    return absl::OkStatus();
  }));
  return run;
}

absl::StatusOr<v1::ListRunsResponse> JobStore::ListRuns(const v1::ListRunsRequest& request) {
  SKEW_ASSIGN_OR_RETURN(const JobId job, JobId::Parse(request.job_id()));
  SKEW_ASSIGN_OR_RETURN(const int limit, PageSize(request.page_size(), 1000));
  v1::ListRunsRequest list = request;
  list.clear_page_size();
  list.clear_page_token();
  SKEW_ASSIGN_OR_RETURN(const int64_t after, ParsePageToken(Describe(list), request.page_token(), 0));
  std::vector<v1::RunState> states;
  for (const int state : request.states()) states.push_back(static_cast<v1::RunState>(state));
  v1::ListRunsResponse response;
  SKEW_RETURN_IF_ERROR(connections_->Read([&](Database& db) -> absl::Status {
    SKEW_ASSIGN_OR_RETURN(const std::vector<v1::Run> runs,
                          ReadRuns(db, job, static_cast<int32_t>(after), limit + 1, states));
    SKEW_ASSIGN_OR_RETURN(const int64_t revision, NewestRevision(db));
    response.mutable_runs()->Assign(runs.begin(), runs.end());
    response.set_revision(revision);
    return absl::OkStatus();
  }));
  if (response.runs_size() > limit) {
    response.mutable_runs()->RemoveLast();
    SKEW_ASSIGN_OR_RETURN(const RunId last, RunId::Parse(response.runs().rbegin()->id()));
    response.set_next_page_token(PageToken(Describe(list), last.number));
  }
  return response;
}

absl::StatusOr<v1::ListHistogramsResponse> JobStore::ListHistograms(const v1::ListHistogramsRequest& request) {
  v1::ListHistogramsResponse response;
  SKEW_RETURN_IF_ERROR(connections_->Read([&](Database& db) -> absl::Status {
    SKEW_ASSIGN_OR_RETURN(response, skew::ListHistograms(db, request));
    return absl::OkStatus();
  }));
  return response;
}

absl::StatusOr<JobStore::JobWithRuns> JobStore::GetWithRuns(JobId id) {
  JobWithRuns result;
  SKEW_RETURN_IF_ERROR(connections_->Read([&](Database& db) -> absl::Status {
    SKEW_ASSIGN_OR_RETURN(result.job, ReadJob(db, id));
    SKEW_ASSIGN_OR_RETURN(result.runs, ReadRuns(db, id, 0, std::numeric_limits<int>::max(), {}));
    SKEW_ASSIGN_OR_RETURN(result.classifiers, ReadClassifiers(db));
    return absl::OkStatus();
  }));
  std::set<std::string> judges;
  for (const v1::Run& run : result.runs) {
    judges.insert(run.classifier_digest());
    for (const v1::ClassHistogram& further : run.histogram().more_judges()) judges.insert(further.classifier_digest());
  }
  // The newest description of each: judges are trained again when more is measured of them.
  std::erase_if(result.classifiers,
                [&](const v1::Classifier& classifier) { return judges.erase(classifier.digest()) == 0; });
  for (v1::Classifier& classifier : result.classifiers) {
    SetAcceptedConfusion(result.job.spec().evaluation().reject_below(), classifier);
  }
  return result;
}

absl::StatusOr<std::vector<v1::Classifier>> JobStore::ListClassifiers() {
  std::vector<v1::Classifier> classifiers;
  SKEW_RETURN_IF_ERROR(connections_->Read([&](Database& db) -> absl::Status {
    SKEW_ASSIGN_OR_RETURN(classifiers, ReadClassifiers(db));
    return absl::OkStatus();
  }));
  for (v1::Classifier& classifier : classifiers) classifier.clear_confidences();
  return classifiers;
}

absl::StatusOr<v1::RunCounts> JobStore::CountRuns() {
  v1::RunCounts counts;
  SKEW_RETURN_IF_ERROR(connections_->Read([&](Database& db) -> absl::Status {
    Statement row = db.Prepare("SELECT state, runs FROM run_totals WHERE state BETWEEN 1 AND 7 ORDER BY state");
    while (row.Step()) AddRuns(static_cast<v1::RunState>(row.Int(0)), row.Int32(1), counts);
    return row.status();
  }));
  return counts;
}

}  // namespace skew

#include "common/analysis.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "common/job_study.h"
#include "common/judge_results.h"
#include "common/judges.h"
#include "common/results.h"
#include "common/stats/claims.h"
#include "common/status.h"

namespace skew {
namespace {

absl::Status CheckAlike(absl::Span<const JobToAnalyse> jobs) {
  const v1::Job& first = jobs.front().job;
  for (const auto& [job, runs, classifiers, losses] : jobs) {
    if (job.kind() != v1::STUDY) {
      return absl::FailedPreconditionError(absl::StrCat("job ", job.id(), " trains a classifier: it claims nothing"));
    }
    if (job.dataset_digest() != first.dataset_digest()) {
      return absl::FailedPreconditionError(
          absl::StrCat("jobs ", first.id(), " and ", job.id(), " have different datasets"));
    }
    if (ClassesOf(job) != ClassesOf(first)) {
      return absl::FailedPreconditionError(absl::StrCat(
          "jobs ", first.id(), " and ", job.id(), " have different classes: ", absl::StrJoin(ClassesOf(first), ", "),
          " and ", absl::StrJoin(ClassesOf(job), ", ")));
    }
  }
  return absl::OkStatus();
}

// The classifiers of all jobs, each once.
std::vector<v1::Classifier> ClassifiersOf(absl::Span<const JobToAnalyse> jobs) {
  std::vector<v1::Classifier> classifiers;
  std::set<std::string> seen;
  for (const JobToAnalyse& job : jobs) {
    for (const v1::Classifier& classifier : job.classifiers) {
      if (seen.insert(classifier.digest()).second) classifiers.push_back(classifier);
    }
  }
  return classifiers;
}

std::set<std::string> JudgesOfAll(absl::Span<const JobToAnalyse> jobs) {
  std::set<std::string> digests;
  for (const JobToAnalyse& job : jobs) digests.merge(JudgesOf(job.runs));
  return digests;
}

v1::Verdict ToProto(stats::Verdict verdict) {
  switch (verdict) {
    case stats::Verdict::kSupported:
      return v1::SUPPORTED;
    case stats::Verdict::kOpposite:
      return v1::OPPOSITE;
    case stats::Verdict::kPreserved:
      return v1::PRESERVED;
    case stats::Verdict::kUndecided:
      break;
  }
  return v1::UNDECIDED;
}

v1::ClaimTest ToProto(const stats::ClaimTest& test) {
  v1::ClaimTest result;
  result.set_verdict(ToProto(test.verdict));
  if (!test.p.has_value()) return result;
  result.set_statistic_name(test.statistic_name);
  result.set_statistic(test.statistic);
  result.set_effect(test.effect);
  result.set_p(*test.p);
  if (test.interval.has_value()) {
    result.set_low(test.interval->low);
    result.set_high(test.interval->high);
  }
  if (test.adjusted_p.has_value()) result.set_adjusted_p(*test.adjusted_p);
  if (test.equivalence_p.has_value()) result.set_equivalence_p(*test.equivalence_p);
  if (test.adjusted_equivalence_p.has_value()) result.set_adjusted_equivalence_p(*test.adjusted_equivalence_p);
  if (test.units_needed.has_value()) result.set_units_needed(*test.units_needed);
  return result;
}

v1::Finding ToProto(const stats::Finding& finding) {
  v1::Finding result;
  result.set_claim(finding.claim);
  result.set_part(finding.part);
  result.set_arm(finding.arm);
  result.set_against(finding.against);
  result.set_untrained(finding.untrained);
  if (finding.label.has_value()) result.set_class_(*finding.label);
  result.set_effect_name(finding.effect_name);
  result.set_null_effect(finding.null);
  result.set_margin(finding.margin);
  result.set_predicted(finding.predicted);
  result.set_units(finding.units);
  result.set_unit(finding.unit);
  *result.mutable_raw() = ToProto(finding.raw);
  if (finding.corrected.has_value()) *result.mutable_corrected() = ToProto(*finding.corrected);
  result.set_note(finding.note);
  return result;
}

void AddNotes(absl::Span<const JobToAnalyse> jobs, const stats::Study& study, size_t judges,
              v1::AnalyseJobsResponse& response) {
  const auto repeats = static_cast<int32_t>(study.runs.size()) - response.runs();
  if (repeats > 0) {
    response.add_notes(absl::StrCat(repeats, " of ", study.runs.size(),
                                    " runs repeat another (model, settings, images and seed), and count once"));
  }
  const bool all_correctable =
      std::all_of(study.runs.begin(), study.runs.end(), [](const stats::StudyRun& run) { return run.judge >= 0; });
  if (!all_correctable) {
    response.add_notes("nothing is corrected: the judge of some runs is not known, or cannot be corrected for");
  } else if (!study.runs.empty()) {
    response.add_notes("corrected values suppose that the judge errs on generated images as it does on real ones");
  }
  if (judges > 1) response.add_notes("different judges: a difference between runs may be theirs");
  for (const JobToAnalyse& job : jobs) {
    if (!HaveMoreJudges(job.runs)) continue;
    const std::string spread = JudgeSpreadText(ComputeResults(job.runs, job.classifiers));
    if (!spread.empty()) {
      response.add_notes(absl::StrCat("job ", job.job.id(), ": the findings rest on the first judge; ", spread));
    }
  }
  for (const JobToAnalyse& job : jobs) {
    const auto empty = std::count_if(job.runs.begin(), job.runs.end(), [](const v1::Run& run) {
      return HasResult(run) && AcceptedImages(run.histogram()) == 0;
    });
    if (empty > 0) {
      response.add_notes(absl::StrCat("job ", job.job.id(), ": ", empty, " of ", job.runs.size(),
                                      " runs generated no image that the judge takes for one of the classes, and are "
                                      "in no finding: what is said holds for the others"));
    }
  }
  for (const JobToAnalyse& job : jobs) {
    const auto open =
        std::count_if(job.runs.begin(), job.runs.end(), [](const v1::Run& run) { return !HasResult(run); });
    if (open > 0) {
      response.add_notes(
          absl::StrCat("job ", job.job.id(), ": ", open, " of ", job.runs.size(), " runs have no result"));
    }
  }
}

}  // namespace

absl::Status CheckJobsToAnalyse(const v1::AnalyseJobsRequest& request) {
  if (request.job_ids().empty() || request.job_ids_size() > 100) {
    return InvalidField("job_ids", absl::StrCat(request.job_ids_size(), " jobs are not 1 to 100"));
  }
  std::set<std::string> seen;
  for (const std::string& id : request.job_ids()) {
    if (!seen.insert(id).second) return InvalidField("job_ids", absl::StrCat("job ", id, " is named twice"));
  }
  return absl::OkStatus();
}

absl::StatusOr<v1::AnalyseJobsResponse> AnalyseJobs(absl::Span<const JobToAnalyse> jobs,
                                                    const v1::AnalyseJobsRequest& request) {
  SKEW_RETURN_IF_ERROR(CheckJobsToAnalyse(request));
  SKEW_RETURN_IF_ERROR(CheckAlike(jobs));
  stats::AnalysisOptions options;
  if (request.has_focus_class()) {
    if (!ClassesOf(jobs.front().job).contains(request.focus_class())) {
      return InvalidField("focus_class", absl::StrCat(request.focus_class(), " is not a class of the jobs: ",
                                                      absl::StrJoin(ClassesOf(jobs.front().job), ", ")));
    }
    options.focus_class = request.focus_class();
  }
  const std::set<std::string> digests = JudgesOfAll(jobs);
  if (!request.allow_different_judges()) SKEW_RETURN_IF_ERROR(CheckOneJudge(digests));
  const stats::Study study = StudyOf(jobs);
  SKEW_ASSIGN_OR_RETURN(const stats::Analysis analysis, stats::AnalyseStudy(study, options));
  v1::AnalyseJobsResponse response;
  *response.mutable_job_ids() = request.job_ids();
  response.set_runs(analysis.runs);
  for (const stats::Finding& finding : analysis.findings) *response.add_findings() = ToProto(finding);
  const std::vector<v1::Classifier> classifiers = ClassifiersOf(jobs);
  response.mutable_classifiers()->Assign(classifiers.begin(), classifiers.end());
  response.set_alpha(options.alpha);
  AddNotes(jobs, study, digests.size(), response);
  return response;
}

bool NeedsLosses(const v1::Job& job, const v1::Run& run) {
  return job.kind() == v1::STUDY && HasResult(run) &&
         FamilyOf(job.spec().models(run.model_index())) == stats::Family::kGan;
}

std::optional<double> LargestInColumn(absl::string_view csv, absl::string_view column) {
  std::optional<double> largest;
  std::ptrdiff_t index = -1;
  for (const absl::string_view line : absl::StrSplit(csv, '\n', absl::SkipEmpty())) {
    const std::vector<absl::string_view> fields = absl::StrSplit(line, ',');
    if (index < 0) {
      const auto found = std::find(fields.begin(), fields.end(), column);
      if (found == fields.end()) return std::nullopt;
      index = found - fields.begin();
      continue;
    }
    double value = 0;
    const auto field = static_cast<size_t>(index);
    if (field < fields.size() && absl::SimpleAtod(fields[field], &value) && std::isfinite(value)) {
      largest = std::max(largest.value_or(value), value);
    }
  }
  return largest;
}

}  // namespace skew

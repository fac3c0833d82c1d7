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
#include "common/judge_results.h"
#include "common/judges.h"
#include "common/results.h"
#include "common/stats/claims.h"
#include "common/status.h"

namespace skew {
namespace {

stats::Family FamilyOf(const v1::ModelSpec& model) {
  switch (model.family_case()) {
    case v1::ModelSpec::kDcgan:
      return stats::Family::kGan;
    case v1::ModelSpec::kVae:
    case v1::ModelSpec::kVaeMlp:
      return stats::Family::kVae;
    default:
      return stats::Family::kOther;
  }
}

// How a model is trained, but for the order of the first batches.
std::string BudgetOf(const v1::JobSpec& spec, const v1::ModelSpec& model) {
  if (FamilyOf(model) == stats::Family::kOther) return "";  // trains nothing
  v1::TrainingSpec training = spec.training();
  training.clear_first_batches();
  return training.ShortDebugString();
}

// Everything that makes the runs of a model differ but the data, the first batches and the seed.
std::string SettingsOf(const v1::JobSpec& spec, const v1::ModelSpec& model) {
  return absl::StrCat(model.ShortDebugString(), "|", BudgetOf(spec, model), "|", spec.generation().ShortDebugString(),
                      "|", spec.evaluation().reject_below());
}

// Names of arms: the model's, with the job's where another job means something else by it. The orders of first batches
// are orders of one arm, which is never without one (shuffled), where they are orders of as many batches.
class ArmNames {
 public:
  std::string Of(const v1::Job& job, const v1::Run& run) {
    const v1::ModelSpec& model = job.spec().models(run.model_index());
    const std::pair<std::string, std::string> key(run.model(), SettingsOf(job.spec(), model));
    const auto [name, added] = names_.try_emplace(key);
    if (added) {
      const bool first = used_.insert(run.model()).second;
      name->second = first ? run.model() : absl::StrCat(run.model(), " (", job.id(), ")");
    }
    if (!job.spec().training().has_first_batches() || FamilyOf(model) == stats::Family::kOther) return name->second;
    const int32_t batches = job.spec().training().first_batches().batches();
    const bool as_first = batches_.try_emplace(key, batches).first->second == batches;
    return as_first ? name->second : absl::StrCat(name->second, ", ", batches, " batches");
  }

 private:
  std::map<std::pair<std::string, std::string>, std::string> names_;
  std::map<std::pair<std::string, std::string>, int32_t> batches_;
  std::set<std::string> used_;
};

std::set<int32_t> ClassesOf(const v1::Job& job) {
  std::set<int32_t> classes;
  for (const auto& [label, count] : job.spec().bias().fixed()) classes.insert(label);
  if (job.spec().bias().has_varied()) classes.insert(job.spec().bias().varied().class_());
  for (const int32_t label : job.spec().bias().profile().classes()) classes.insert(label);
  return classes;
}

stats::FirstBatches FirstBatchesOf(const v1::TrainingSpec& training) {
  switch (training.first_batches().order()) {
    case v1::STRATIFIED:
      return stats::FirstBatches::kStratified;
    case v1::MAJORITY_FIRST:
      return stats::FirstBatches::kMajorityFirst;
    case v1::MINORITY_FIRST:
      return stats::FirstBatches::kMinorityFirst;
    default:
      return stats::FirstBatches::kShuffled;
  }
}

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

// Those of them that can be corrected for: one for each threshold of a job below which it rejects.
class JudgeList {
 public:
  explicit JudgeList(absl::Span<const JobToAnalyse> jobs) {
    const std::set<int32_t> classes = ClassesOf(jobs.front().job);
    const std::vector<int> labels(classes.begin(), classes.end());
    for (const JobToAnalyse& job : jobs) {
      for (const v1::Classifier& classifier : job.classifiers) {
        const auto [entry, added] = index_.try_emplace(KeyOf(job.job, classifier.digest()), -1);
        stats::ConfusionMatrix confusion = ConfusionOf(classifier);
        if (!added || !stats::CorrectionOf(confusion, labels, 0, 0).ok()) continue;
        entry->second = static_cast<int>(confusions_.size());
        confusions_.push_back(std::move(confusion));
      }
    }
  }

  // -1 where there is none.
  int Find(const v1::Job& job, const std::string& digest) const {
    const auto found = index_.find(KeyOf(job, digest));
    return found == index_.end() ? -1 : found->second;
  }
  const std::vector<stats::ConfusionMatrix>& confusions() const { return confusions_; }

 private:
  using Key = std::pair<std::string, double>;
  static Key KeyOf(const v1::Job& job, const std::string& digest) {
    return {digest, job.spec().evaluation().reject_below()};
  }

  std::map<Key, int> index_;
  std::vector<stats::ConfusionMatrix> confusions_;
};

stats::StudyRun StudyRunOf(const JobToAnalyse& job, const v1::Run& run, std::string arm, int judge) {
  stats::StudyRun result;
  result.arm = std::move(arm);
  result.family = FamilyOf(job.job.spec().models(run.model_index()));
  result.first_batches = FirstBatchesOf(job.job.spec().training());
  result.job = job.job.id();
  result.job_seed = job.job.spec().seed();
  result.iteration = run.iteration();
  result.seed = run.seed();
  result.budget = BudgetOf(job.job.spec(), job.job.spec().models(run.model_index()));
  for (const auto& [label, count] : run.bias_point().counts()) {
    result.trained[label] = count;
    const auto found = run.histogram().counts().find(label);
    result.counts[label] = found == run.histogram().counts().end() ? 0 : found->second;
  }
  result.images = run.manifest_digest();
  if (result.images.empty()) {
    result.images = absl::StrCat(job.job.id(), "/", run.iteration(), "/",
                                 absl::StrJoin(result.trained, ",", absl::PairFormatter(":")));
  }
  // Iterations that share their images differ all the same, and have their pairs in the same iteration.
  if (job.job.spec().bias().draw() == v1::PER_JOB) absl::StrAppend(&result.images, "/", run.iteration());
  result.judge = judge;
  for (const auto& [label, measures] : run.histogram().image_measures().classes()) {
    if (measures.has_vendi()) result.vendi[label] = measures.vendi();
    if (measures.has_frechet()) result.frechet[label] = measures.frechet();
  }
  const auto loss = job.largest_generator_loss.find(run.id());
  if (loss != job.largest_generator_loss.end()) result.largest_generator_loss = loss->second;
  return result;
}

std::set<std::string> JudgesOfAll(absl::Span<const JobToAnalyse> jobs) {
  std::set<std::string> digests;
  for (const JobToAnalyse& job : jobs) digests.merge(JudgesOf(job.runs));
  return digests;
}

stats::Study StudyOf(absl::Span<const JobToAnalyse> jobs, const JudgeList& judges) {
  stats::Study study;
  ArmNames names;
  for (const JobToAnalyse& job : jobs) {
    for (const v1::Run& run : job.runs) {
      if (!HasResult(run) || AcceptedImages(run.histogram()) == 0) continue;
      const int judge = judges.Find(job.job, run.histogram().classifier_digest());
      study.runs.push_back(StudyRunOf(job, run, names.Of(job.job, run), judge));
    }
  }
  study.judges = judges.confusions();
  return study;
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
  const JudgeList judges(jobs);
  const stats::Study study = StudyOf(jobs, judges);
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

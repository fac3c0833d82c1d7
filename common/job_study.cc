#include "common/job_study.h"

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/judges.h"
#include "common/results.h"

namespace skew {
namespace {

// How a model is trained, but for the order of the first batches.
std::string TrainingOf(const v1::JobSpec& spec, const v1::ModelSpec& model) {
  if (FamilyOf(model) == stats::Family::kOther) return "";  // trains nothing
  v1::TrainingSpec training = spec.training();
  training.clear_first_batches();
  return training.ShortDebugString();
}

// What runs of different models must have in common to be compared: the updates that came of epochs and batches, which
// its last histogram counts, the rest of how they are trained, and below what their images are rejected.
std::string BudgetOf(const v1::JobSpec& spec, const v1::Run& run) {
  const v1::ModelSpec& model = spec.models(run.model_index());
  v1::JobSpec rest = spec;
  if (run.histogram().step() > 0) {
    rest.mutable_training()->clear_epochs();
    rest.mutable_training()->clear_steps();
  }
  return absl::StrCat(run.histogram().step(), " updates|", TrainingOf(rest, model), "|",
                      spec.evaluation().reject_below());
}

// Everything that makes the runs of a model differ but the data, the first batches and the seed.
std::string SettingsOf(const v1::JobSpec& spec, const v1::ModelSpec& model) {
  return absl::StrCat(model.ShortDebugString(), "|", TrainingOf(spec, model), "|", spec.generation().ShortDebugString(),
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

// The judges that can be corrected for: one for each threshold of a job below which it rejects.
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
  result.budget = BudgetOf(job.job.spec(), run);
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

}  // namespace

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

std::set<int32_t> ClassesOf(const v1::Job& job) {
  std::set<int32_t> classes;
  for (const auto& [label, count] : job.spec().bias().fixed()) classes.insert(label);
  if (job.spec().bias().has_varied()) classes.insert(job.spec().bias().varied().class_());
  for (const int32_t label : job.spec().bias().profile().classes()) classes.insert(label);
  return classes;
}

stats::Study StudyOf(absl::Span<const JobToAnalyse> jobs) {
  const JudgeList judges(jobs);
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

}  // namespace skew

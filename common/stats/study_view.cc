#include "common/stats/study_view.h"

#include <algorithm>
#include <set>
#include <tuple>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "common/stats/amplification.h"
#include "common/stats/cell.h"

namespace skew::stats {
namespace {

std::string OrderSuffix(FirstBatches order) {
  switch (order) {
    case FirstBatches::kShuffled:
      return "";
    case FirstBatches::kStratified:
      return " stratified first";
    case FirstBatches::kMajorityFirst:
      return " majority first";
    case FirstBatches::kMinorityFirst:
      return " minority first";
  }
  return "";
}

// What trains nothing has no first batches.
FirstBatches OrderOf(const StudyRun& run) { return TrainsNothing(run) ? FirstBatches::kShuffled : run.first_batches; }

int64_t Sum(const std::map<int, int64_t>& counts) {
  int64_t sum = 0;
  for (const auto& [label, count] : counts) sum += count;
  return sum;
}

std::vector<int64_t> Values(const std::map<int, int64_t>& counts) {
  std::vector<int64_t> values;
  values.reserve(counts.size());
  for (const auto& [label, count] : counts) values.push_back(count);
  return values;
}

absl::Status Check(const StudyRun& run, const std::vector<int>& labels) {
  const auto same_classes = [&](const std::map<int, int64_t>& counts) {
    return std::equal(counts.begin(), counts.end(), labels.begin(), labels.end(),
                      [](const auto& entry, int label) { return entry.first == label; });
  };
  if (!same_classes(run.trained) || !same_classes(run.counts)) {
    return absl::InvalidArgumentError(absl::StrCat("runs of job ", run.job, " have other classes than the first run"));
  }
  for (const auto& [label, count] : run.trained) {
    if (count < 1) return absl::InvalidArgumentError(absl::StrCat("class ", label, " has no training images"));
  }
  if (Sum(run.counts) < 1) {
    return absl::InvalidArgumentError(absl::StrCat("a run of job ", run.job, " has no accepted image"));
  }
  return absl::OkStatus();
}

// The class whose counts vary in these runs of one job; where several do (a fixed total, say) the one whose training
// share varies most.
std::optional<int> VariedClass(const RunList& runs, const std::vector<int>& labels) {
  std::optional<int> varied;
  double widest = 0;
  for (const int label : labels) {
    std::set<int64_t> counts;
    std::set<double> logits;
    for (const StudyRun* run : runs) {
      counts.insert(run->trained.at(label));
      logits.insert(Logit(TrainedShare(*run, label)));
    }
    const double range = *logits.rbegin() - *logits.begin();
    if (counts.size() < 2 || range <= widest * (1 + 1e-9)) continue;
    varied = label;
    widest = range;
  }
  return varied;
}

}  // namespace

bool TrainsNothing(const StudyRun& run) { return run.family == Family::kOther; }

absl::StatusOr<StudyView> StudyView::Make(const Study& study, const AnalysisOptions& options) {
  StudyView view;
  view.options_ = options;
  if (const absl::Status status = view.AddRuns(study); !status.ok()) return status;
  if (const absl::Status status = view.AddJudges(study); !status.ok()) return status;
  view.AddSeries(study);
  return view;
}

absl::Status StudyView::AddRuns(const Study& study) {
  if (study.runs.empty()) return absl::OkStatus();
  for (const auto& [label, count] : study.runs.front().trained) labels_.push_back(label);
  if (labels_.size() < 2) return absl::InvalidArgumentError("a study has at least two classes");
  const bool has_one = std::count(labels_.begin(), labels_.end(), 1) > 0;
  focus_ = options_.focus_class.value_or(has_one ? 1 : labels_.front());
  if (std::count(labels_.begin(), labels_.end(), focus_) == 0) {
    return absl::InvalidArgumentError(absl::StrCat("class ", focus_, " is not one of the study's"));
  }
  std::set<std::tuple<std::string, FirstBatches, std::string, uint32_t>> seen;
  for (const StudyRun& run : study.runs) {
    if (absl::Status status = Check(run, labels_); !status.ok()) return status;
    const FirstBatches order = OrderOf(run);
    if (!seen.emplace(run.arm, order, run.images, run.seed).second) continue;
    arms_[ArmName(run.arm, order)].push_back(&run);
    orders_[run.arm][order].push_back(&run);
  }
  return absl::OkStatus();
}

absl::Status StudyView::AddJudges(const Study& study) {
  std::set<std::pair<int, bool>> used;
  for (const StudyRun& run : study.runs) used.insert({run.judge, TrainsNothing(run)});
  corrects_ = !used.empty() && used.begin()->first >= 0;
  if (!corrects_) return absl::OkStatus();
  for (const auto& [judge, trains_nothing] : used) {
    absl::StatusOr<JudgeCorrection> correction = CorrectionOf(
        study.judges.at(static_cast<size_t>(judge)), labels_, options_.judge_draws,
        options_.seed + static_cast<uint64_t>(judge), trains_nothing ? JudgedOn::kHeldOutImages : JudgedOn::kAnyImages);
    if (!correction.ok()) return correction.status();
    judges_.emplace(std::pair(judge, trains_nothing), *std::move(correction));
  }
  return absl::OkStatus();
}

const JudgeCorrection& StudyView::JudgeOf(const StudyRun& run) const {
  return judges_.at({run.judge, TrainsNothing(run)});
}

// Of all runs: those that repeat another job's belong to the series of theirs.
void StudyView::AddSeries(const Study& study) {
  std::map<std::string, std::map<std::string, RunList>> jobs_of;  // by arm
  for (const StudyRun& run : study.runs) jobs_of[ArmName(run.arm, OrderOf(run))][run.job].push_back(&run);
  for (const auto& [arm, jobs] : jobs_of) {
    std::map<int, RunList> by_label;
    std::set<std::tuple<int, std::string, uint32_t>> seen;
    for (const auto& [job, runs] : jobs) {
      const std::optional<int> label = VariedClass(runs, labels_);
      if (!label.has_value()) continue;
      for (const StudyRun* run : runs) {
        if (seen.emplace(*label, run->images, run->seed).second) by_label[*label].push_back(run);
      }
    }
    for (auto& [label, of_label] : by_label) series_.push_back({arm, label, std::move(of_label)});
  }
}

size_t StudyView::IndexOf(int label) const {
  return static_cast<size_t>(std::find(labels_.begin(), labels_.end(), label) - labels_.begin());
}

std::vector<double> StudyView::UnboundedShares(const StudyRun& run, Shown shown) const {
  std::vector<double> raw = SharesOf(Values(run.counts));
  if (shown.draw == Shown::kRaw) return raw;
  const JudgeCorrection& judge = JudgeOf(run);
  return (shown.draw == Shown::kMean ? judge.mean : judge.draws[static_cast<size_t>(shown.draw)]).Solve(raw);
}

std::vector<double> StudyView::Shares(const StudyRun& run, Shown shown) const {
  std::vector<double> shares = UnboundedShares(run, shown);
  return shown.draw == Shown::kRaw ? shares : ProjectOntoSimplex(shares);
}

double StudyView::LogitOf(const StudyRun& run, int label, Shown shown) const {
  return SmoothedLogit(ShareOf(run, label, shown), static_cast<double>(Sum(run.counts)));
}

double StudyView::LogitOf(const StudyRun& run, absl::Span<const int> labels, Shown shown) const {
  const std::vector<double> shares = Shares(run, shown);
  double sum = 0;
  for (const int label : labels) sum += shares[IndexOf(label)];
  return SmoothedLogit(sum, static_cast<double>(Sum(run.counts)));
}

double StudyView::DeltaOf(const StudyRun& run, int label, Shown shown) const {
  return LogitOf(run, label, shown) - Logit(TrainedShare(run, label));
}

std::string ArmName(const std::string& arm, FirstBatches order) { return absl::StrCat(arm, OrderSuffix(order)); }

double TrainedShare(const StudyRun& run, int label) {
  return static_cast<double>(run.trained.at(label)) / static_cast<double>(Sum(run.trained));
}

std::vector<double> TrainedShares(const StudyRun& run) { return SharesOf(Values(run.trained)); }

int MinorityOf(const StudyRun& run) {
  return std::min_element(run.trained.begin(), run.trained.end(),
                          [](const auto& a, const auto& b) { return a.second < b.second; })
      ->first;
}

std::vector<int> MinoritiesOf(const StudyRun& run) {
  const int64_t fewest = run.trained.at(MinorityOf(run));
  std::vector<int> minorities;
  for (const auto& [label, count] : run.trained) {
    if (count == fewest) minorities.push_back(label);
  }
  return minorities;
}

bool IsBalanced(const StudyRun& run) {
  return std::all_of(run.trained.begin(), run.trained.end(),
                     [&](const auto& entry) { return entry.second == run.trained.begin()->second; });
}

Replicates ReplicatesOf(const RunList& runs) {
  using BiasPoints = std::set<std::map<int, int64_t>>;
  struct OfSeed {
    BiasPoints points;
    std::map<int, std::pair<RunList, BiasPoints>> iterations;
  };
  std::map<uint32_t, OfSeed> seeds;
  for (const StudyRun* run : runs) {
    OfSeed& seed = seeds[run->job_seed];
    auto& [list, points] = seed.iterations[run->iteration];
    list.push_back(run);
    points.insert(run->trained);
    seed.points.insert(run->trained);
  }
  Replicates replicates;
  for (auto& [key, seed] : seeds) {
    for (auto& [iteration, entry] : seed.iterations) {
      if (entry.second == seed.points) {
        replicates.complete.push_back(std::move(entry.first));
      } else {
        ++replicates.left_out;
      }
    }
  }
  return replicates;
}

std::vector<RunList> BiasPointsOf(const RunList& runs, int label) {
  std::map<std::pair<double, std::map<int, int64_t>>, RunList> points;
  for (const StudyRun* run : runs) points[{TrainedShare(*run, label), run->trained}].push_back(run);
  std::vector<RunList> lists;
  lists.reserve(points.size());
  for (auto& [key, list] : points) lists.push_back(std::move(list));
  return lists;
}

std::vector<std::pair<const StudyRun*, const StudyRun*>> PairsOf(const RunList& first, const RunList& second) {
  std::map<std::string, const StudyRun*> by_images;
  for (const StudyRun* run : second) by_images.emplace(run->images, run);
  std::vector<std::pair<const StudyRun*, const StudyRun*>> pairs;
  std::set<std::string> taken;
  for (const StudyRun* run : first) {
    const auto found = by_images.find(run->images);
    if (found != by_images.end() && taken.insert(run->images).second) pairs.emplace_back(run, found->second);
  }
  return pairs;
}

}  // namespace skew::stats

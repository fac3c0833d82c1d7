// A study as the claims look at it. For claims*.cc only.
#ifndef SKEW_COMMON_STATS_STUDY_VIEW_H_
#define SKEW_COMMON_STATS_STUDY_VIEW_H_

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "common/stats/claims.h"
#include "common/stats/judge.h"

namespace skew::stats {

using RunList = std::vector<const StudyRun*>;

// Whose shares: as judged, corrected with the judges' mean corrections, or with draw 0, 1, ... of each.
struct Shown {
  static constexpr int kRaw = -2;
  static constexpr int kMean = -1;
  int draw = kRaw;
};

// Runs of one arm whose counts of one class vary from bias point to bias point. A run that jobs which vary different
// classes have in common (at equal counts, say) is in the series of each.
struct Series {
  std::string arm;
  int label = 0;
  RunList runs;
};

class StudyView {
 public:
  // Borrows the study. Errors as AnalyseStudy.
  static absl::StatusOr<StudyView> Make(const Study& study, const AnalysisOptions& options);

  const AnalysisOptions& options() const { return options_; }
  const std::vector<int>& labels() const { return labels_; }
  int focus() const { return focus_; }
  // Whether all runs have a judge to correct for.
  bool corrects() const { return corrects_; }
  int draws() const { return options_.judge_draws; }

  // By arm, with the order of first batches in its name.
  const std::map<std::string, RunList>& arms() const { return arms_; }
  // By arm without that, and order.
  const std::map<std::string, std::map<FirstBatches, RunList>>& orders() const { return orders_; }
  const std::vector<Series>& series() const { return series_; }

  // In the order of labels().
  std::vector<double> Shares(const StudyRun& run, Shown shown) const;
  // Likewise, but corrected ones not moved onto the simplex: some may be below 0, and their mean over runs is unbiased.
  std::vector<double> UnboundedShares(const StudyRun& run, Shown shown) const;
  double ShareOf(const StudyRun& run, int label, Shown shown) const { return Shares(run, shown)[IndexOf(label)]; }
  // Smoothed, see SmoothedLogit.
  double LogitOf(const StudyRun& run, int label, Shown shown) const;
  // Of the share of these classes together.
  double LogitOf(const StudyRun& run, absl::Span<const int> labels, Shown shown) const;
  double DeltaOf(const StudyRun& run, int label, Shown shown) const;
  size_t IndexOf(int label) const;

 private:
  const JudgeCorrection& JudgeOf(const StudyRun& run) const;
  absl::Status AddRuns(const Study& study);
  absl::Status AddJudges(const Study& study);
  void AddSeries(const Study& study);

  AnalysisOptions options_;
  std::vector<int> labels_;
  int focus_ = 0;
  bool corrects_ = false;
  // By judge, and whether it is for runs that train nothing, whose images are always the same.
  std::map<std::pair<int, bool>, JudgeCorrection> judges_;
  std::map<std::string, RunList> arms_;
  std::map<std::string, std::map<FirstBatches, RunList>> orders_;
  std::vector<Series> series_;
};

// An arm with the order of its first batches.
std::string ArmName(const std::string& arm, FirstBatches order);

// Of the training set.
double TrainedShare(const StudyRun& run, int label);
std::vector<double> TrainedShares(const StudyRun& run);
// Of an arm that is there to check the instrument.
bool TrainsNothing(const StudyRun& run);
// The class with the fewest training images; of several the smallest label.
int MinorityOf(const StudyRun& run);
// All classes with as few as that; all classes where the counts are equal.
std::vector<int> MinoritiesOf(const StudyRun& run);
bool IsBalanced(const StudyRun& run);

// Runs by iteration and seed of the job. With all bias points that iterations of that seed have in `runs`; an iteration
// that lacks some (it is still under way, has failed runs or was stopped early) is left out.
struct Replicates {
  std::vector<RunList> complete;
  int left_out = 0;

  int size() const { return static_cast<int>(complete.size()); }
};
Replicates ReplicatesOf(const RunList& runs);
// Runs by training counts, in the order of the training share of `label`.
std::vector<RunList> BiasPointsOf(const RunList& runs, int label);
// Runs of two lists that were trained on the same images, in the order of the first list.
std::vector<std::pair<const StudyRun*, const StudyRun*>> PairsOf(const RunList& first, const RunList& second);

}  // namespace skew::stats

#endif  // SKEW_COMMON_STATS_STUDY_VIEW_H_

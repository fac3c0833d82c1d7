// H2 bias: which of two arms is further from the training shares.
#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_format.h"
#include "common/stats/claim_tests.h"
#include "common/stats/divergence.h"
#include "common/stats/student.h"

namespace skew::stats {
namespace {

using Counts = std::map<int, int64_t>;

// One bias point's runs of two arms, and in which replicates they are.
struct PairedPoint {
  std::vector<size_t> replicates;
  RunList first;
  RunList second;
};

// What is compared: bias points with as many replicates as it takes to leave one out.
struct PairedPoints {
  Replicates replicates;  // of the first arm's runs
  std::vector<PairedPoint> points;
};

Replicates OfEnoughRuns(Replicates replicates) {
  std::map<Counts, size_t> runs_of;
  for (const RunList& runs : replicates.complete) {
    for (const StudyRun* run : runs) ++runs_of[run->trained];
  }
  for (RunList& runs : replicates.complete) {
    std::erase_if(runs, [&](const StudyRun* run) { return runs_of[run->trained] < kFewestToLeaveOut; });
  }
  std::erase_if(replicates.complete, [](const RunList& runs) { return runs.empty(); });
  return replicates;
}

PairedPoints PointsOf(const Pairs& pairs) {
  RunList first;
  std::map<const StudyRun*, const StudyRun*> second;
  for (const auto& [one, other] : pairs) {
    first.push_back(one);
    second[one] = other;
  }
  PairedPoints paired;
  paired.replicates = OfEnoughRuns(ReplicatesOf(first));
  std::map<Counts, PairedPoint> points;
  for (size_t i = 0; i < paired.replicates.complete.size(); ++i) {
    for (const StudyRun* run : paired.replicates.complete[i]) {
      PairedPoint& point = points[run->trained];
      point.replicates.push_back(i);
      point.first.push_back(run);
      point.second.push_back(second.at(run));
    }
  }
  for (auto& [counts, point] : points) paired.points.push_back(std::move(point));
  return paired;
}

std::vector<double> ValuesOf(const StudyView& view, const RunList& runs, Shown shown) {
  const std::vector<double> trained = TrainedShares(*runs.front());
  std::vector<std::vector<double>> deviations;
  for (const StudyRun* run : runs) {
    std::vector<double>& one = deviations.emplace_back(view.UnboundedShares(*run, shown));
    for (size_t c = 0; c < trained.size(); ++c) one[c] -= trained[c];
  }
  return SquaredDistanceValues(deviations);
}

// Of each replicate, over its bias points.
std::vector<double> DifferencesOf(const StudyView& view, const PairedPoints& paired, Shown shown) {
  std::vector<double> values(paired.replicates.complete.size(), 0);
  for (const PairedPoint& point : paired.points) {
    const std::vector<double> first = ValuesOf(view, point.first, shown);
    const std::vector<double> second = ValuesOf(view, point.second, shown);
    for (size_t i = 0; i < first.size(); ++i) {
      const size_t replicate = point.replicates[i];
      values[replicate] += (first[i] - second[i]) / static_cast<double>(paired.replicates.complete[replicate].size());
    }
  }
  return values;
}

// As judged, over the bias points: of the mean shares, and of single runs.
struct TotalVariations {
  double of_means = 0;
  double of_runs = 0;

  void Add(const StudyView& view, const RunList& runs, double points) {
    const std::vector<double> trained = TrainedShares(*runs.front());
    std::vector<double> means(trained.size(), 0);
    for (const StudyRun* run : runs) {
      const std::vector<double> shares = view.Shares(*run, {Shown::kRaw});
      for (size_t c = 0; c < means.size(); ++c) means[c] += shares[c] / static_cast<double>(runs.size());
      of_runs += TotalVariation(shares, trained) / static_cast<double>(runs.size()) / points;
    }
    of_means += TotalVariation(means, trained) / points;
  }
};

void NoteTotalVariation(const StudyView& view, const PairedPoints& paired, Finding& finding) {
  TotalVariations first;
  TotalVariations second;
  for (const PairedPoint& point : paired.points) {
    first.Add(view, point.first, static_cast<double>(paired.points.size()));
    second.Add(view, point.second, static_cast<double>(paired.points.size()));
  }
  AddNote(absl::StrFormat("total variation distance of the mean shares as judged %.2g against %.2g, of single runs, "
                          "which vary, %.2g against %.2g",
                          first.of_means, second.of_means, first.of_runs, second.of_runs),
          finding);
}

}  // namespace

Draft DistanceDraft(const StudyView& view, const std::string& gan, const std::string& vae, const Pairs& pairs) {
  Draft draft = PairDraft("H2", "bias", "squared distance difference", gan, vae, 1);
  const PairedPoints paired = PointsOf(pairs);
  if (paired.points.empty()) {
    draft.finding.unit = "iterations";
    AddNote("needs three iterations or more", draft.finding);
    return draft;
  }
  FillByMeans(
      view, paired.replicates, [&](Shown shown) { return DifferencesOf(view, paired, shown); }, draft);
  NoteTotalVariation(view, paired, draft.finding);
  return draft;
}

}  // namespace skew::stats

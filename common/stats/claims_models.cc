// H2 erratic, H3 and H6: arms against each other, on the same training images.
#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <set>
#include <string>

#include "absl/functional/function_ref.h"
#include "absl/strings/str_cat.h"
#include "common/stats/amplification.h"
#include "common/stats/claim_tests.h"
#include "common/stats/permutation.h"
#include "common/stats/student.h"
#include "common/stats/variance_ratio.h"

namespace skew::stats {
namespace {

// Of a pair of runs on the same images; absent where one of them does not have it.
using OfPair = absl::FunctionRef<std::optional<double>(const StudyRun& first, const StudyRun& second, Shown shown)>;

constexpr char kNeedsBoth[] =
    "needs a GAN and a VAE trained on the same images with the same budget (updates, composition of batches) and "
    "judged with the same threshold";

// The mean difference between the runs of pairs, over the bias points of each replicate.
void FillByPairs(const StudyView& view, const Pairs& pairs, bool shares_play_a_part, OfPair difference, Draft& draft) {
  RunList first;
  std::map<const StudyRun*, const StudyRun*> second;
  for (const auto& [one, other] : pairs) {
    if (!difference(*one, *other, {Shown::kRaw}).has_value()) continue;
    first.push_back(one);
    second[one] = other;
  }
  const Replicates replicates = ReplicatesOf(first);
  const auto values = [&](Shown shown) {
    return MeansOf(replicates, [&](const StudyRun& run) { return *difference(run, *second.at(&run), shown); });
  };
  FillByMeans(view, replicates, values, draft, shares_play_a_part);
  if (draft.finding.units >= 2) AddNote(WithoutNormality(values({Shown::kRaw}), view.options()), draft.finding);
}

// The class whose logit tells how erratic an arm is: the varied one, or else the minority.
int ErraticClass(const StudyView& view, const std::string& arm, const StudyRun& run) {
  const auto series = std::find_if(view.series().begin(), view.series().end(), [&](const Series& one) {
    return one.arm == arm &&
           std::any_of(one.runs.begin(), one.runs.end(), [&](const StudyRun* other) { return other->job == run.job; });
  });
  return series == view.series().end() ? MinorityOf(run) : series->label;
}

// Logits of the runs of each bias point with two pairs or more, on one side at least not all alike.
std::vector<PairedGroup> LogitGroups(const StudyView& view, const std::string& arm, const Pairs& pairs, Shown shown) {
  std::map<std::pair<int, std::map<int, int64_t>>, PairedGroup> points;
  for (const auto& [gan, vae] : pairs) {
    const int label = ErraticClass(view, arm, *gan);
    PairedGroup& group = points[{label, gan->trained}];
    group.first.push_back(view.LogitOf(*gan, label, shown));
    group.second.push_back(view.LogitOf(*vae, label, shown));
  }
  std::vector<PairedGroup> groups;
  for (auto& [key, group] : points) {
    if (group.first.size() > 1 && (Variance(group.first) > 0 || Variance(group.second) > 0))
      groups.push_back(std::move(group));
  }
  return groups;
}

Draft ErraticDraft(const StudyView& view, const std::string& gan, const std::string& vae, const Pairs& pairs) {
  Draft draft = PairDraft("H2", "erratic", "sd ratio", gan, vae, 1);
  draft.finding.null = 1;
  draft.finding.unit = "contrasts";
  const auto test = [&](Shown shown) -> std::optional<ClaimTest> {
    const std::vector<PairedGroup> groups = LogitGroups(view, gan, pairs, shown);
    draft.finding.units = std::accumulate(groups.begin(), groups.end(), 0, [](int sum, const PairedGroup& group) {
      return sum + static_cast<int>(group.first.size()) - 1;
    });
    if (groups.empty()) return std::nullopt;
    const PermutationTest permutation = VarianceSwapTest(groups, view.options().permutations, view.options().seed);
    if (std::isnan(permutation.statistic)) return std::nullopt;
    ClaimTest claim;
    claim.statistic_name = "log variance ratio";
    claim.statistic = permutation.statistic;
    const std::optional<DeviationRatio> ratio = EstimateDeviationRatio(groups);
    claim.effect = ratio->ratio;
    claim.interval = ratio->interval;
    claim.p = permutation.p;
    return claim;
  };
  FillByShares(view, test, draft);
  if (!draft.finding.raw.p.has_value()) draft.finding.note = "needs two iterations or more that differ";
  return draft;
}

using OfClasses = std::map<int, double>;

std::set<int> ClassesOfBoth(const OfClasses& a, const OfClasses& b) {
  std::set<int> classes;
  for (const auto& [label, value] : a) {
    if (b.contains(label)) classes.insert(label);
  }
  return classes;
}

// By bias point.
using MeasuredClasses = std::map<std::map<int, int64_t>, std::set<int>>;

// The classes that all pairs of a bias point have the measure of. Of pairs that lack one in some iterations the mean
// would be over other classes from iteration to iteration, and differ for that. Only pairs of replicates with all bias
// points have a say.
MeasuredClasses MeasuredClassesOf(OfClasses StudyRun::*values, const Pairs& pairs) {
  RunList first;
  std::map<const StudyRun*, std::set<int>> classes;
  for (const auto& [gan, vae] : pairs) {
    const std::set<int> of_both = ClassesOfBoth(gan->*values, vae->*values);
    if (of_both.empty()) continue;
    first.push_back(gan);
    classes[gan] = of_both;
  }
  MeasuredClasses measured;
  for (const RunList& replicate : ReplicatesOf(first).complete) {
    for (const StudyRun* run : replicate) {
      const auto [entry, added] = measured.try_emplace(run->trained, classes[run]);
      std::erase_if(entry->second, [&](int label) { return !classes[run].contains(label); });
    }
  }
  return measured;
}

// Says which classes a measure is not taken of everywhere.
void NoteClasses(const StudyView& view, const MeasuredClasses& measured, Finding& finding) {
  for (const int label : view.labels()) {
    const auto points = std::count_if(measured.begin(), measured.end(),
                                      [&](const auto& entry) { return entry.second.contains(label); });
    if (points == static_cast<std::ptrdiff_t>(measured.size())) continue;
    AddNote(absl::StrCat("class ", label, " at ", points, " of ", measured.size(), " bias points"), finding);
  }
}

// A measure within classes, on the mean over the classes that all runs of the bias point have it of.
Draft WithinClassDraft(const StudyView& view, const std::string& part, const std::string& measure,
                       OfClasses StudyRun::*values, int predicted, const std::string& gan, const std::string& vae,
                       const Pairs& pairs) {
  Draft draft = PairDraft("H3", part, measure + " difference", gan, vae, predicted);
  const MeasuredClasses measured = MeasuredClassesOf(values, pairs);
  const auto difference = [&](const StudyRun& of_gan, const StudyRun& of_vae, Shown) -> std::optional<double> {
    const auto classes = measured.find(of_gan.trained);
    if (classes == measured.end() || classes->second.empty()) return std::nullopt;
    double sum = 0;
    for (const int label : classes->second) {
      const auto first = (of_gan.*values).find(label);
      const auto second = (of_vae.*values).find(label);
      if (first == (of_gan.*values).end() || second == (of_vae.*values).end()) return std::nullopt;
      sum += first->second - second->second;
    }
    return sum / static_cast<double>(classes->second.size());
  };
  if (std::none_of(measured.begin(), measured.end(), [](const auto& entry) { return !entry.second.empty(); })) {
    draft.finding.note = "needs the " + measure + " of the generated images within classes";
    return draft;
  }
  FillByPairs(view, pairs, false, difference, draft);
  NoteClasses(view, measured, draft.finding);
  return draft;
}

void DraftPair(const StudyView& view, const std::string& gan, const std::string& vae, const Pairs& pairs,
               std::vector<Draft>& drafts) {
  drafts.push_back(DistanceDraft(view, gan, vae, pairs));
  drafts.push_back(ErraticDraft(view, gan, vae, pairs));
  Draft closer = PairDraft("H3", "closer", "", gan, vae, 1);
  closer.repeats = true;
  drafts.push_back(std::move(closer));
  drafts.push_back(WithinClassDraft(view, "less diverse", "Vendi score", &StudyRun::vendi, 1, gan, vae, pairs));
  drafts.push_back(WithinClassDraft(view, "less sharp", "Frechet distance", &StudyRun::frechet, -1, gan, vae, pairs));
}

// How much more of the minority is generated when the first batches show more of it: of all classes with the fewest
// images together, because they are shown one after the other. Where all counts are equal there is none.
void DraftFirstBatches(const StudyView& view, std::vector<Draft>& drafts) {
  static constexpr std::pair<FirstBatches, FirstBatches> kOrders[] = {
      {FirstBatches::kMinorityFirst, FirstBatches::kMajorityFirst},
      {FirstBatches::kMinorityFirst, FirstBatches::kStratified},
      {FirstBatches::kStratified, FirstBatches::kMajorityFirst},
  };
  bool any = false;
  for (const auto& [arm, orders] : view.orders()) {
    for (const auto& [more, less] : kOrders) {
      const auto first = orders.find(more);
      const auto second = orders.find(less);
      if (first == orders.end() || second == orders.end()) continue;
      Pairs pairs = PairsOf(first->second, second->second);
      std::erase_if(pairs, [](const auto& pair) { return IsBalanced(*pair.first); });
      if (pairs.empty()) continue;
      any = true;
      Draft draft = PairDraft("H6", "first batches", "logit difference", ArmName(arm, more), ArmName(arm, less), 1);
      FillByPairs(
          view, pairs, true,
          [&](const StudyRun& one, const StudyRun& other, Shown shown) -> std::optional<double> {
            const std::vector<int> minorities = MinoritiesOf(one);
            return view.LogitOf(one, minorities, shown) - view.LogitOf(other, minorities, shown);
          },
          draft);
      drafts.push_back(std::move(draft));
    }
  }
  if (!any) {
    drafts.push_back(Untested("H6", "first batches", "",
                              "needs runs on the same images, with unequal counts, in two of the orders minority "
                              "first, stratified and majority first"));
  }
}

}  // namespace

void DraftModelClaims(const StudyView& view, std::vector<Draft>& drafts) {
  bool any = false;
  for (const auto& [gan, gan_runs] : view.arms()) {
    if (gan_runs.front()->family != Family::kGan) continue;
    for (const auto& [vae, vae_runs] : view.arms()) {
      if (vae_runs.front()->family != Family::kVae) continue;
      Pairs pairs = PairsOf(gan_runs, vae_runs);
      std::erase_if(pairs, [](const auto& pair) { return pair.first->budget != pair.second->budget; });
      if (pairs.empty()) continue;
      any = true;
      DraftPair(view, gan, vae, pairs, drafts);
    }
  }
  if (!any) {
    drafts.push_back(Untested("H2", "bias", "", kNeedsBoth));
    drafts.push_back(Untested("H3", "closer", "", kNeedsBoth));
  }
  DraftFirstBatches(view, drafts);
}

}  // namespace skew::stats

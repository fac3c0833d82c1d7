// H1, H4 and H8: what becomes of the shares of one arm.
#include <algorithm>
#include <cmath>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/stats/amplification.h"
#include "common/stats/claim_tests.h"

namespace skew::stats {
namespace {

std::optional<Line> LineOf(const StudyView& view, const RunList& runs, int label, Shown shown) {
  std::vector<double> x;
  std::vector<double> y;
  for (const StudyRun* run : runs) {
    x.push_back(Logit(TrainedShare(*run, label)));
    y.push_back(view.LogitOf(*run, label, shown));
  }
  return FitLine(x, y);
}

// Those of another job may be at one bias point only.
Replicates WithASlope(const StudyView& view, const RunList& of_series, int label) {
  Replicates replicates = ReplicatesOf(of_series);
  std::erase_if(replicates.complete,
                [&](const RunList& runs) { return !LineOf(view, runs, label, {Shown::kRaw}).has_value(); });
  return replicates;
}

// The bias points with the smaller training shares, or those with the larger ones; of an odd number the middle one is
// among both.
RunList HalfOf(const RunList& replicate, int label, bool upper) {
  const std::vector<RunList> points = BiasPointsOf(replicate, label);
  const size_t half = (points.size() + 1) / 2;
  RunList runs;
  for (size_t i = 0; i < half; ++i) {
    const RunList& of_point = points[upper ? points.size() - 1 - i : i];
    runs.insert(runs.end(), of_point.begin(), of_point.end());
  }
  return runs;
}

// Says where one slope does not describe the shares: an average may be 1 where small ones are halved and large ones
// made up for.
void NoteBend(const StudyView& view, const Replicates& replicates, int label, Finding& finding) {
  constexpr size_t kFewestPoints = 4;
  std::vector<double> lower;
  std::vector<double> upper;
  std::vector<double> bends;
  for (const RunList& replicate : replicates.complete) {
    if (BiasPointsOf(replicate, label).size() < kFewestPoints) return;
    lower.push_back(LineOf(view, HalfOf(replicate, label, false), label, {Shown::kRaw})->slope);
    upper.push_back(LineOf(view, HalfOf(replicate, label, true), label, {Shown::kRaw})->slope);
    bends.push_back(upper.back() - lower.back());
  }
  if (bends.size() < 2) return;
  const double p = StudentMixture::OfMeans({bends}).TwoSidedP(0);
  if (p > view.options().alpha) return;
  AddNote(absl::StrFormat("not a line: as judged, the slope is %.2f over the smaller training shares and %.2f over the "
                          "larger ones (p = %.2g)",
                          Mean(lower), Mean(upper), p),
          finding);
}

// With one replicate its line's residuals are all that says how sure the slope is.
void FillByResiduals(const StudyView& view, const RunList& runs, int label, Draft& draft) {
  if (!LineOf(view, runs, label, {Shown::kRaw})->slope_error.has_value()) {
    AddNote("needs two iterations, or three bias points", draft.finding);
    return;
  }
  const auto fill = [&](const std::vector<Shown>& all) {
    std::vector<StudentMixture::Component> components;
    for (const Shown shown : all) {
      const Line line = *LineOf(view, runs, label, shown);
      components.push_back({line.slope, *line.slope_error});
    }
    return TestMean({std::move(components), static_cast<double>(runs.size()) - 2}, 1, draft.finding.null,
                    draft.finding.margin);
  };
  draft.finding.raw = fill({{Shown::kRaw}}).test;
  if (view.corrects()) {
    std::vector<Shown> draws;
    draws.reserve(static_cast<size_t>(view.draws()));
    for (int draw = 0; draw < view.draws(); ++draw) draws.push_back({draw});
    draft.finding.corrected = fill(draws).test;
  }
  AddNote("one iteration: the interval is from the residuals of its line, not from repetitions", draft.finding);
}

void DraftSlopes(const StudyView& view, std::vector<Draft>& drafts) {
  for (const Series& series : view.series()) {
    const Replicates replicates = WithASlope(view, series.runs, series.label);
    if (replicates.complete.empty()) continue;
    Draft draft = NewDraft("H1", "slope", series.arm, "beta");
    Finding& finding = draft.finding;
    finding.label = series.label;
    finding.null = 1;
    finding.margin = view.options().slope_margin;
    finding.predicted = 1;
    const auto slopes = [&](Shown shown) {
      std::vector<double> values;
      for (const RunList& runs : replicates.complete) values.push_back(LineOf(view, runs, series.label, shown)->slope);
      return values;
    };
    if (replicates.size() == 1) {
      CountReplicates(replicates, finding);
      FillByResiduals(view, replicates.complete[0], series.label, draft);
    } else {
      FillByMeans(view, replicates, slopes, draft);
      NoteBend(view, replicates, series.label, finding);
    }
    drafts.push_back(std::move(draft));
  }
}

double Excess(const StudyView& view, const StudyRun& run, Shown shown) {
  double others = 0;
  for (const int label : view.labels()) {
    if (label != view.focus()) others += view.DeltaOf(run, label, shown);
  }
  return view.DeltaOf(run, view.focus(), shown) - others / (static_cast<double>(view.labels().size()) - 1);
}

RunList Balanced(const RunList& runs) {
  RunList balanced;
  std::copy_if(runs.begin(), runs.end(), std::back_inserter(balanced),
               [](const StudyRun* run) { return IsBalanced(*run); });
  return balanced;
}

Draft FocusDraft(const StudyView& view, const std::string& arm, std::string part, std::string effect_name) {
  Draft draft = NewDraft("H4", std::move(part), arm, std::move(effect_name));
  draft.finding.label = view.focus();
  draft.finding.margin = view.options().delta_margin;
  draft.finding.predicted = 1;
  return draft;
}

Draft ExcessDraft(const StudyView& view, const std::string& arm, const RunList& runs) {
  Draft draft = FocusDraft(view, arm, "amplification", "Delta difference");
  const Replicates replicates = ReplicatesOf(runs);
  FillByMeans(
      view, replicates,
      [&](Shown shown) { return MeansOf(replicates, [&](const StudyRun& run) { return Excess(view, run, shown); }); },
      draft);
  return draft;
}

// Where several classes vary in turn, one for each: their bias points are no replicates of each other.
void DraftExcesses(const StudyView& view, const std::string& arm, const RunList& runs, std::vector<Draft>& drafts) {
  bool any = false;
  for (const Series& series : view.series()) {
    if (series.arm != arm) continue;
    any = true;
    Draft draft = ExcessDraft(view, arm, series.runs);
    AddNote(absl::StrCat("mean over the bias points of class ", series.label,
                         " as they are: what happens to small shares is part of it"),
            draft.finding);
    drafts.push_back(std::move(draft));
  }
  if (!any) drafts.push_back(ExcessDraft(view, arm, runs));
}

void DraftFocus(const StudyView& view, const std::string& arm, const RunList& runs, std::vector<Draft>& drafts) {
  DraftExcesses(view, arm, runs, drafts);
  const Replicates balanced = ReplicatesOf(Balanced(runs));
  if (balanced.complete.empty()) {
    drafts.push_back(Untested("H4", "balanced", arm, "needs a bias point with equal counts"));
    return;
  }
  Draft share = FocusDraft(view, arm, "balanced", "Delta");
  FillByMeans(
      view, balanced,
      [&](Shown shown) {
        return MeansOf(balanced, [&](const StudyRun& run) { return view.DeltaOf(run, view.focus(), shown); });
      },
      share);
  drafts.push_back(std::move(share));
}

// Of all classes the one with the strongest evidence that it has not its share (the smallest p), with Bonferroni's
// correction for having looked at all of them; as good as equal only when every class is.
MeanTest TestClasses(const StudyView& view, bool corrected, const Replicates& replicates, int& worst) {
  const auto classes = static_cast<double>(view.labels().size());
  MeanTest result;
  double least_equal = 0;
  for (const int label : view.labels()) {
    const StudentMixture mixture = MixtureOf(view, corrected, [&](Shown shown) {
      return MeansOf(replicates, [&](const StudyRun& run) { return view.DeltaOf(run, label, shown); });
    });
    MeanTest one = TestMean(mixture, replicates.size(), 0, view.options().delta_margin);
    least_equal = std::max(least_equal, *one.test.equivalence_p);
    if (result.test.p.has_value() && *one.test.p >= *result.test.p) continue;
    result = std::move(one);
    result.test.interval = mixture.CentralInterval(1 - 0.05 / classes);
    worst = label;
  }
  result.plan->looks = static_cast<int>(view.labels().size());
  result.test.statistic_name = "max t";
  result.test.p = std::min(1.0, classes * *result.test.p);
  result.test.equivalence_p = least_equal;
  return result;
}

void DraftClassEffects(const StudyView& view, const std::string& arm, const RunList& runs, std::vector<Draft>& drafts) {
  const Replicates replicates = ReplicatesOf(Balanced(runs));
  if (replicates.size() < 2) {
    drafts.push_back(
        Untested("H8", "class effects", arm, "needs a bias point with equal counts, in two iterations or more"));
    return;
  }
  Draft draft = NewDraft("H8", "class effects", arm, "Delta");
  Finding& finding = draft.finding;
  finding.margin = view.options().delta_margin;
  finding.units = replicates.size();
  finding.unit = "iterations";
  finding.note = "effect of the class with the strongest evidence; interval for all classes together";
  int worst = 0;
  MeanTest raw = TestClasses(view, false, replicates, worst);
  finding.label = worst;
  finding.raw = std::move(raw.test);
  draft.raw_plan = raw.plan;
  if (view.corrects()) {
    MeanTest corrected = TestClasses(view, true, replicates, worst);
    finding.corrected = std::move(corrected.test);
    draft.corrected_plan = corrected.plan;
    if (worst != *finding.label) AddNote(absl::StrCat("corrected, that is class ", worst), finding);
  }
  drafts.push_back(std::move(draft));
}

}  // namespace

void DraftShareClaims(const StudyView& view, std::vector<Draft>& drafts) {
  DraftSlopes(view, drafts);
  if (drafts.empty()) drafts.push_back(Untested("H1", "slope", "", "needs two bias points or more in a job"));
  if (view.arms().empty()) {
    drafts.push_back(Untested("H4", "amplification", "", "needs finished runs"));
    drafts.push_back(Untested("H8", "class effects", "", "needs finished runs"));
  }
  for (const auto& [arm, runs] : view.arms()) {
    DraftFocus(view, arm, runs, drafts);
    DraftClassEffects(view, arm, runs, drafts);
  }
}

}  // namespace skew::stats

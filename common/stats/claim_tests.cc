#include "common/stats/claim_tests.h"

#include <cmath>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/stats/permutation.h"

namespace skew::stats {

Draft NewDraft(std::string claim, std::string part, std::string arm, std::string effect_name) {
  Draft draft;
  draft.finding.claim = std::move(claim);
  draft.finding.part = std::move(part);
  draft.finding.arm = std::move(arm);
  draft.finding.effect_name = std::move(effect_name);
  return draft;
}

Draft PairDraft(std::string claim, std::string part, std::string effect_name, const std::string& arm,
                const std::string& against, int predicted) {
  Draft draft = NewDraft(std::move(claim), std::move(part), arm, std::move(effect_name));
  draft.finding.against = against;
  draft.finding.predicted = predicted;
  return draft;
}

Draft Untested(std::string claim, std::string part, std::string arm, std::string note) {
  Draft draft = NewDraft(std::move(claim), std::move(part), std::move(arm), "");
  draft.finding.note = std::move(note);
  return draft;
}

StudentMixture MixtureOf(const StudyView& view, bool corrected, ReplicateValues values) {
  std::vector<std::vector<double>> samples;
  if (!corrected) {
    samples.push_back(values({Shown::kRaw}));
  } else {
    for (int draw = 0; draw < view.draws(); ++draw) samples.push_back(values({draw}));
  }
  return StudentMixture::OfMeans(samples);
}

MeanTest TestMean(const StudentMixture& mixture, int replicates, double null, double margin) {
  MeanTest result;
  ClaimTest& test = result.test;
  test.statistic_name = "t";
  test.effect = mixture.Location();
  const double error = std::sqrt(mixture.MeanScale() * mixture.MeanScale() + mixture.LocationVariance());
  test.statistic = error > 0 ? (test.effect - null) / error : 0;
  test.interval = mixture.CentralInterval();
  test.p = mixture.TwoSidedP(null);
  if (margin > 0) test.equivalence_p = mixture.EquivalenceP({null - margin, null + margin});
  result.plan = PlannedMean{.effect = test.effect - null,
                            .sd = mixture.MeanScale() * std::sqrt(static_cast<double>(replicates)),
                            .fixed_variance = mixture.LocationVariance()};
  return result;
}

void AddNote(const std::string& text, Finding& finding) {
  absl::StrAppend(&finding.note, finding.note.empty() ? "" : "; ", text);
}

std::vector<double> MeansOf(const Replicates& replicates, absl::FunctionRef<double(const StudyRun&)> value) {
  std::vector<double> means;
  for (const RunList& runs : replicates.complete) {
    double sum = 0;
    for (const StudyRun* run : runs) sum += value(*run);
    means.push_back(sum / static_cast<double>(runs.size()));
  }
  return means;
}

void CountReplicates(const Replicates& replicates, Finding& finding) {
  finding.units = replicates.size();
  finding.unit = "iterations";
  if (replicates.left_out == 0) return;
  AddNote(absl::StrCat("left out ", replicates.left_out, replicates.left_out == 1 ? " iteration" : " iterations",
                       " without results at all bias points"),
          finding);
}

void FillByMeans(const StudyView& view, const Replicates& replicates, ReplicateValues values, Draft& draft,
                 bool shares_play_a_part) {
  Finding& finding = draft.finding;
  CountReplicates(replicates, finding);
  if (finding.units < 2) {
    AddNote("needs two iterations or more", finding);
    return;
  }
  MeanTest raw = TestMean(MixtureOf(view, false, values), finding.units, finding.null, finding.margin);
  finding.raw = std::move(raw.test);
  draft.raw_plan = raw.plan;
  if (!view.corrects() || !shares_play_a_part) return;
  MeanTest corrected = TestMean(MixtureOf(view, true, values), finding.units, finding.null, finding.margin);
  finding.corrected = std::move(corrected.test);
  draft.corrected_plan = corrected.plan;
}

void FillByShares(const StudyView& view, absl::FunctionRef<std::optional<ClaimTest>(Shown shown)> test, Draft& draft) {
  if (std::optional<ClaimTest> raw = test({Shown::kRaw}); raw.has_value()) draft.finding.raw = *std::move(raw);
  if (view.corrects()) draft.finding.corrected = test({Shown::kMean});
}

std::string WithoutNormality(absl::Span<const double> differences, const AnalysisOptions& options) {
  return absl::StrFormat("without normality: median %.3g, p = %.2g by signed ranks, %.2g by sign flips",
                         HodgesLehmann(differences).estimate, SignedRankTest(differences).p,
                         SignFlipTest(differences, options.permutations, options.seed).p);
}

}  // namespace skew::stats

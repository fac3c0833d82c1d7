#include "common/stats/claim_tests.h"

#include <cmath>

namespace skew::stats {

Draft NewDraft(std::string claim, std::string part, std::string arm, std::string effect_name) {
  Draft draft;
  draft.finding.claim = std::move(claim);
  draft.finding.part = std::move(part);
  draft.finding.arm = std::move(arm);
  draft.finding.effect_name = std::move(effect_name);
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

void FillByMeans(const StudyView& view, int replicates, ReplicateValues values, Draft& draft) {
  Finding& finding = draft.finding;
  finding.units = replicates;
  finding.unit = "iterations";
  if (replicates < 2) {
    finding.note = "needs two iterations or more";
    return;
  }
  MeanTest raw = TestMean(MixtureOf(view, false, values), replicates, finding.null, finding.margin);
  finding.raw = std::move(raw.test);
  draft.raw_plan = raw.plan;
  if (!view.corrects()) return;
  MeanTest corrected = TestMean(MixtureOf(view, true, values), replicates, finding.null, finding.margin);
  finding.corrected = std::move(corrected.test);
  draft.corrected_plan = corrected.plan;
}

void FillByShares(const StudyView& view, absl::FunctionRef<std::optional<ClaimTest>(Shown shown)> test, Draft& draft) {
  if (std::optional<ClaimTest> raw = test({Shown::kRaw}); raw.has_value()) draft.finding.raw = *std::move(raw);
  if (view.corrects()) draft.finding.corrected = test({Shown::kMean});
}

ClaimTest TestSignedRanks(absl::Span<const double> differences) {
  const RankTest ranks = SignedRankTest(differences);
  const Shift shift = HodgesLehmann(differences);
  ClaimTest test;
  test.statistic_name = "W+";
  test.statistic = ranks.statistic;
  test.effect = shift.estimate;
  test.interval = shift.interval;
  test.p = ranks.p;
  return test;
}

}  // namespace skew::stats

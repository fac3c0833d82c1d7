#include "common/stats/claims.h"

#include <algorithm>
#include <deque>
#include <utility>

#include "absl/functional/function_ref.h"
#include "common/stats/claim_tests.h"
#include "common/stats/power.h"
#include "common/stats/rank_tests.h"
#include "common/stats/study_view.h"

namespace skew::stats {
namespace {

// One family: the raw tests of all findings, or the corrected ones.
struct Member {
  ClaimTest* test = nullptr;
  const Finding* finding = nullptr;
  const std::optional<PlannedMean>* plan = nullptr;
};

void Adjust(std::vector<Member>& family, std::optional<double> ClaimTest::*p,
            std::optional<double> ClaimTest::*adjusted) {
  std::vector<double> values;
  for (const Member& member : family) {
    if ((member.test->*p).has_value()) values.push_back(*(member.test->*p));
  }
  const std::vector<double> all = HolmAdjusted(values);
  size_t next = 0;
  for (Member& member : family) {
    if ((member.test->*p).has_value()) member.test->*adjusted = all[next++];
  }
}

// Being as good as the null hypothesis goes first: a difference within the margin may be certain and still be nothing.
Verdict VerdictOf(const ClaimTest& test, const Finding& finding, double alpha) {
  if (test.adjusted_equivalence_p.value_or(1) <= alpha) return Verdict::kPreserved;
  if (test.adjusted_p.value_or(1) > alpha) return Verdict::kUndecided;
  const bool above = test.effect > finding.null;
  return finding.predicted == 0 || above == (finding.predicted > 0) ? Verdict::kSupported : Verdict::kOpposite;
}

// At the level of Holm's strictest step, so that it is enough whatever the other findings say.
std::optional<int> UnitsNeeded(const Member& member, double alpha) {
  if (!member.test->p.has_value() || member.finding->units < 2) return std::nullopt;
  // A study has the bias points it has; how much more iterations would sharpen a rank of them is not known.
  if (member.finding->unit == kBiasPoints) return std::nullopt;
  if (member.plan->has_value()) return RunsNeeded(**member.plan, member.finding->margin, alpha);
  return ValuesNeeded(member.finding->units, *member.test->p, alpha);
}

void Decide(std::vector<Member> family, double alpha) {
  Adjust(family, &ClaimTest::p, &ClaimTest::adjusted_p);
  Adjust(family, &ClaimTest::equivalence_p, &ClaimTest::adjusted_equivalence_p);
  const auto tests = static_cast<double>(
      std::count_if(family.begin(), family.end(), [](const Member& member) { return member.test->p.has_value(); }));
  for (Member& member : family) {
    member.test->verdict = VerdictOf(*member.test, *member.finding, alpha);
    if (member.test->verdict == Verdict::kUndecided) member.test->units_needed = UnitsNeeded(member, alpha / tests);
  }
}

bool IsUntrained(const StudyView& view, const std::string& arm) {
  const auto found = view.arms().find(arm);
  return found != view.arms().end() && TrainsNothing(*found->second.front());
}

// A claim in other words has the test, and the verdict, of the first ones.
void RepeatBias(std::vector<Draft>& drafts) {
  for (Draft& draft : drafts) {
    if (!draft.repeats) continue;
    const auto bias = std::find_if(drafts.begin(), drafts.end(), [&](const Draft& other) {
      return other.finding.part == "bias" && other.finding.arm == draft.finding.arm &&
             other.finding.against == draft.finding.against;
    });
    const Finding closer = std::exchange(draft.finding, bias->finding);
    draft.finding.claim = closer.claim;
    draft.finding.part = closer.part;
  }
}

}  // namespace

absl::StatusOr<Analysis> AnalyseStudy(const Study& study, const AnalysisOptions& options) {
  const absl::StatusOr<StudyView> view = StudyView::Make(study, options);
  if (!view.ok()) return view.status();
  std::vector<Draft> drafts;
  DraftShareClaims(*view, drafts);
  DraftModelClaims(*view, drafts);
  DraftTrendClaims(*view, drafts);
  for (Draft& draft : drafts) draft.finding.untrained = IsUntrained(*view, draft.finding.arm);
  std::stable_sort(drafts.begin(), drafts.end(),
                   [](const Draft& a, const Draft& b) { return a.finding.claim < b.finding.claim; });
  for (const bool untrained : {false, true}) {
    std::vector<Member> raw;
    std::vector<Member> corrected;
    std::deque<ClaimTest> uncorrected;
    for (Draft& draft : drafts) {
      if (draft.finding.untrained != untrained || draft.repeats) continue;
      raw.push_back({&draft.finding.raw, &draft.finding, &draft.raw_plan});
      if (!draft.finding.corrected.has_value()) {
        // Counts all the same: where there is nothing to correct, a claim is no easier to hold.
        uncorrected.push_back(draft.finding.raw);
        corrected.push_back({&uncorrected.back(), &draft.finding, &draft.raw_plan});
        continue;
      }
      corrected.push_back({&*draft.finding.corrected, &draft.finding, &draft.corrected_plan});
    }
    Decide(std::move(raw), options.alpha);
    Decide(std::move(corrected), options.alpha);
  }
  RepeatBias(drafts);
  Analysis analysis;
  for (const auto& [arm, runs] : view->arms()) analysis.runs += static_cast<int>(runs.size());
  for (Draft& draft : drafts) analysis.findings.push_back(std::move(draft.finding));
  return analysis;
}

}  // namespace skew::stats

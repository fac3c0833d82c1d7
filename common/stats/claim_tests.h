// The parts that claims are made of. For claims*.cc only.
#ifndef SKEW_COMMON_STATS_CLAIM_TESTS_H_
#define SKEW_COMMON_STATS_CLAIM_TESTS_H_

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/types/span.h"
#include "common/stats/claims.h"
#include "common/stats/power.h"
#include "common/stats/rank_tests.h"
#include "common/stats/student.h"
#include "common/stats/study_view.h"

namespace skew::stats {

// A finding whose verdicts are still open, and what is known for planning: they depend on how many findings there are.
struct Draft {
  Finding finding;
  bool repeats = false;  // is H2 bias between these arms in other words
  std::optional<PlannedMean> raw_plan;
  std::optional<PlannedMean> corrected_plan;
};

// A unit of findings.
inline constexpr char kBiasPoints[] = "bias points";

// Each looks at one group of claims.
void DraftShareClaims(const StudyView& view, std::vector<Draft>& drafts);  // H1, H4, H8
void DraftModelClaims(const StudyView& view, std::vector<Draft>& drafts);  // H2, H3, H6
void DraftTrendClaims(const StudyView& view, std::vector<Draft>& drafts);  // H5, H7

// Runs of two arms on the same images.
using Pairs = std::vector<std::pair<const StudyRun*, const StudyRun*>>;

// H2 bias of two arms.
Draft DistanceDraft(const StudyView& view, const std::string& gan, const std::string& vae, const Pairs& pairs);

// Without a test yet.
Draft NewDraft(std::string claim, std::string part, std::string arm, std::string effect_name);

// One that compares two arms.
Draft PairDraft(std::string claim, std::string part, std::string effect_name, const std::string& arm,
                const std::string& against, int predicted);

// A claim that cannot be tested, and why.
Draft Untested(std::string claim, std::string part, std::string arm, std::string note);

// One value per replicate, of runs with shares as `shown`.
using ReplicateValues = absl::FunctionRef<std::vector<double>(Shown shown)>;

// The mixture over the judge's draws, or over the one component of raw shares. At least two replicates.
StudentMixture MixtureOf(const StudyView& view, bool corrected, ReplicateValues values);

// A test of the mean of one value per replicate, of which there are `replicates`.
struct MeanTest {
  ClaimTest test;
  std::optional<PlannedMean> plan;
};
MeanTest TestMean(const StudentMixture& mixture, int replicates, double null, double margin);

// Says how many replicates a finding rests on, and how many were left out.
void CountReplicates(const Replicates& replicates, Finding& finding);

// Fills raw and corrected of a draft by TestMean, when there are two replicates or more; counts them.
// `shares_play_a_part`: false when there is nothing to correct.
void FillByMeans(const StudyView& view, const Replicates& replicates, ReplicateValues values, Draft& draft,
                 bool shares_play_a_part = true);

// The mean of `value` over the runs of each replicate.
std::vector<double> MeansOf(const Replicates& replicates, absl::FunctionRef<double(const StudyRun&)> value);

// Adds a sentence to a finding's note.
void AddNote(const std::string& text, Finding& finding);

// Fills raw and corrected of a draft with what `test` says of shares as shown; nothing when it is absent.
void FillByShares(const StudyView& view, absl::FunctionRef<std::optional<ClaimTest>(Shown shown)> test, Draft& draft);

// What tests of differences say that suppose no normal distribution: Wilcoxon's signed ranks, with Hodges and Lehmann's
// estimate, and Fisher's sign flips.
std::string WithoutNormality(absl::Span<const double> differences, const AnalysisOptions& options);

}  // namespace skew::stats

#endif  // SKEW_COMMON_STATS_CLAIM_TESTS_H_

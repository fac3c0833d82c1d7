#include "client/render/findings_table.h"

#include <cmath>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "client/render/cells.h"
#include "client/render/format.h"
#include "client/text.h"

namespace skew {
namespace {

constexpr int kArmWidth = 16;

std::string ArmText(const v1::Finding& finding) {
  if (finding.against().empty()) return finding.arm();
  return absl::StrCat(finding.arm(), IsRatio(finding) ? " / " : " - ", finding.against());
}

std::string IntervalText(const v1::ClaimTest& test) {
  return test.has_low() ? absl::StrCat(Fixed(test.low(), 3), "..", Fixed(test.high(), 3)) : "-";
}

std::string PText(bool present, double p) {
  if (!present) return "-";
  return p < 0.0001 ? "<.0001" : Fixed(p, 4);
}

std::string UnitsText(const v1::Finding& finding) {
  if (finding.units() == 0) return "-";
  return Counted(finding.units(), absl::StripSuffix(finding.unit(), "s"), finding.unit());
}

std::vector<Cell> Row(const v1::Finding& finding, const v1::ClaimTest& test, const std::string& shares, bool first) {
  const auto once = [&](const std::string& text) { return first ? text : std::string(); };
  const bool tested = test.has_p();
  const std::string label = finding.has_class_() ? absl::StrCat(finding.class_()) : "";
  const std::string arm = ArmText(finding);
  return {{once(absl::StrCat(finding.claim(), " ", finding.part())), finding.claim()},
          finding.part(),
          {once(Clip(arm, kArmWidth)), finding.arm()},
          finding.against(),
          {once(label), label},
          {shares, shares == "raw" ? "raw" : "corrected"},
          finding.effect_name(),
          Exact(finding.null_effect()),
          Exact(finding.margin()),
          absl::StrCat(finding.predicted()),
          test.statistic_name(),
          ExactIf(tested, test.statistic()),
          {tested ? Fixed(test.effect(), 3) : "-", ExactIf(tested, test.effect())},
          {IntervalText(test), ExactIf(test.has_low(), test.low())},
          ExactIf(test.has_high(), test.high()),
          ExactIf(tested, test.p()),
          {PText(test.has_adjusted_p(), test.adjusted_p()), ExactIf(test.has_adjusted_p(), test.adjusted_p())},
          ExactIf(test.has_equivalence_p(), test.equivalence_p()),
          ExactIf(test.has_adjusted_equivalence_p(), test.adjusted_equivalence_p()),
          v1::Verdict_Name(test.verdict()),
          {once(UnitsText(finding)), absl::StrCat(finding.units())},
          finding.unit(),
          {test.has_units_needed() ? absl::StrCat(test.units_needed()) : "",
           test.has_units_needed() ? absl::StrCat(test.units_needed()) : ""},
          finding.note()};
}

std::string StatisticText(double statistic) { return Fixed(statistic, std::abs(statistic) < 1000 ? 3 : 0); }

// Statistic, p and adjusted equivalence p.
void AddTestCells(const v1::ClaimTest& test, std::vector<Cell>& row) {
  row.emplace_back(test.has_p() ? StatisticText(test.statistic()) : "-");
  row.emplace_back(PText(test.has_p(), test.p()));
  row.emplace_back(PText(test.has_adjusted_equivalence_p(), test.adjusted_equivalence_p()));
}

}  // namespace

std::string ShortStatistic(const std::string& name) { return name == "log variance ratio" ? "log var. ratio" : name; }

Table FindingsTable(const v1::AnalyseJobsResponse& analysis) {
  Table table({{"claim", "claim"},
               {"", "part"},
               {"arm", "arm"},
               {"", "against"},
               {"cl.", "class", true},
               {"shares", "shares"},
               {"", "effect_name"},
               {"", "null_effect"},
               {"", "margin"},
               {"", "predicted"},
               {"", "statistic_name"},
               {"", "statistic"},
               {"effect", "effect", true},
               {"95% interval", "effect_low", true},
               {"", "effect_high"},
               {"", "p"},
               {"adj. p", "adjusted_p", true},
               {"", "equivalence_p"},
               {"", "adjusted_equivalence_p"},
               {"verdict", "verdict"},
               {"over", "units", true},
               {"", "unit"},
               {"needed", "units_needed", true},
               {"", "note"}});
  for (const v1::Finding& finding : analysis.findings()) {
    table.AddRow(Row(finding, finding.raw(), "raw", true));
    if (finding.has_corrected()) table.AddRow(Row(finding, finding.corrected(), "corr.", false));
  }
  return table;
}

Table TestsTable(const v1::AnalyseJobsResponse& analysis) {
  Table table({{"claim"},
               {"arm"},
               {"cl.", "", true},
               {"statistic"},
               {"raw", "", true},
               {"p", "", true},
               {"equiv.", "", true},
               {"corr.", "", true},
               {"p", "", true},
               {"equiv.", "", true}});
  for (const v1::Finding& finding : analysis.findings()) {
    if (!finding.raw().has_p() && !finding.corrected().has_p()) continue;
    const v1::ClaimTest& named = finding.raw().has_p() ? finding.raw() : finding.corrected();
    std::vector<Cell> row = {absl::StrCat(finding.claim(), " ", finding.part()), Clip(ArmText(finding), kArmWidth),
                             finding.has_class_() ? absl::StrCat(finding.class_()) : "",
                             ShortStatistic(named.statistic_name())};
    AddTestCells(finding.raw(), row);
    AddTestCells(finding.corrected(), row);
    table.AddRow(std::move(row));
  }
  return table;
}

std::string FindingsNotes(const v1::AnalyseJobsResponse& analysis) {
  std::string text;
  for (const v1::Finding& finding : analysis.findings()) {
    if (finding.note().empty()) continue;
    const std::string arm = finding.arm().empty() ? "" : absl::StrCat(" (", ArmText(finding), ")");
    absl::StrAppend(&text, Printable(absl::StrCat(finding.claim(), " ", finding.part(), arm, ": ", finding.note())),
                    "\n");
  }
  for (const std::string& note : analysis.notes()) absl::StrAppend(&text, Printable(note), "\n");
  absl::StrAppend(&text, "p: two-sided; adj. p: the same after Holm (findings of untrained models apart); below ",
                  Exact(analysis.alpha()), " the effect is SUPPORTED or OPPOSITE\n",
                  "equiv.: p-value, after Holm, of an effect outside the margin around none; below ",
                  Exact(analysis.alpha()), " the effect is PRESERVED\n", "All of it from ",
                  Counted(analysis.runs(), "run that has succeeded", "runs that have succeeded"),
                  " with an accepted image.\n");
  return text;
}

bool IsRatio(const v1::Finding& finding) { return absl::EndsWith(finding.effect_name(), "ratio"); }

std::string EffectMeaning(const std::string& effect_name) {
  static const auto* const kMeanings = new std::map<std::string, std::string>{
      {"beta", "slope of the logit of generated shares on that of trained shares, over the bias points"},
      {"squared distance difference",
       "squared distance (L2) of the mean shares over iterations from the training shares, of one less that of the "
       "other"},
      {"sd ratio", "standard deviation of logit shares between iterations, of one over that of the other"},
      {"Delta", "logit of the generated share less that of the trained share"},
      {"Delta difference", "Delta (logit of generated less logit of trained share) of the class less the others' mean"},
      {"sd per doubling",
       "what the deviation of shares between runs, over that of chance alone, is multiplied by when the odds of the "
       "trained share double; below 1: rarer is less predictable"},
      {"logit difference", "logit of the minority's generated share, of one order less that of the other"},
      {"rank correlation", "Spearman's, of a run's largest generator loss and the minority's trained share"},
      {"Vendi score difference", "effective number of different images within classes, of one less that of the other"},
      {"Frechet distance difference", "distance from real images within classes, of one less that of the other"},
  };
  const auto found = kMeanings->find(effect_name);
  return found == kMeanings->end() ? "" : found->second;
}

std::string ClaimMeaning(const v1::Finding& finding) {
  static const auto* const kSentences = new std::map<std::pair<std::string, std::string>, std::string>{
      {{"H1", "slope"}, "bias is magnified: rare classes become rarer"},
      {{"H2", "bias"}, "the GAN is further from the training shares than the VAE"},
      {{"H2", "erratic"}, "the GAN varies more between seeds than the VAE"},
      {{"H3", "closer"}, "the VAE is closer in distribution"},
      {{"H3", "less diverse"}, "the VAE is less diverse within classes"},
      {{"H3", "less sharp"}, "the VAE is less sharp"},
      {{"H4", "amplification"}, "the class is amplified more than the others"},
      {{"H4", "balanced"}, "the class gets more than its share at equal counts"},
      {{"H5", "predictability"}, "a minority class is less predictable"},
      {{"H6", "first batches"}, "first batches steer what is generated"},
      {{"H7", "loss"}, "the largest generator loss goes with minority runs"},
      {{"H8", "class effects"}, "classes differ at equal counts"},
  };
  const auto found = kSentences->find({finding.claim(), finding.part()});
  return found == kSentences->end() ? "" : found->second;
}

std::string ClaimsLegend(const v1::AnalyseJobsResponse& analysis) {
  std::string text;
  std::set<std::pair<std::string, std::string>> told;
  for (const v1::Finding& finding : analysis.findings()) {
    const std::string meaning = ClaimMeaning(finding);
    if (meaning.empty() || !told.emplace(finding.claim(), finding.part()).second) continue;
    const std::string words = EffectMeaning(finding.effect_name());
    const std::string effect = finding.effect_name().empty()
                                   ? ""
                                   : absl::StrCat("; ", finding.effect_name(), words.empty() ? "" : ": ", words, "; ",
                                                  Exact(finding.null_effect()), " if not so");
    absl::StrAppend(&text, Printable(absl::StrCat(finding.claim(), " ", finding.part(), ": ", meaning, effect)), "\n");
  }
  absl::StrAppend(
      &text,
      "effect: how large what is claimed came out, with its 95% interval; over: the independent values that "
      "it rests on;\nneeded: how many of them would decide it, were it as large as it looks\n");
  return text;
}

}  // namespace skew

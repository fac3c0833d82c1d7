#include "common/null_arm.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/stats/student.h"

namespace skew {
namespace {

// What the judge's errors leave open is known from a few of them, and has heavier tails than the mean of many runs.
constexpr int32_t kMostDegrees = 6;

// Two-sided, of an estimate's distance from the trained share in the half-widths of its interval on that side.
double ProbabilityOf(const v1::Estimate& share, double trained, int32_t runs) {
  const double half_width = trained > share.mean() ? share.high() - share.mean() : share.mean() - share.low();
  const int32_t degrees = std::clamp(runs - 1, 1, kMostDegrees);
  const double error = half_width / (stats::HalfWidth(1, static_cast<size_t>(degrees) + 1) * std::sqrt(degrees + 1));
  return stats::StudentMixture({{share.mean(), error}}, degrees).TwoSidedP(trained);
}

void Count(bool present, const v1::Estimate& share, double trained, int32_t runs, Containing& counted) {
  if (!present || !share.has_low() || !share.has_high()) return;
  ++counted.intervals;
  if (share.low() <= trained && trained <= share.high()) {
    ++counted.containing;
  } else {
    counted.smallest_p = std::min(counted.smallest_p, ProbabilityOf(share, trained, runs));
  }
}

void CountCell(const v1::ResultCell& cell, NullArmCoverage& coverage) {
  const int32_t runs = cell.has_runs_counted() ? cell.runs_counted() : cell.runs_succeeded();
  for (const v1::ClassResult& one : cell.classes()) {
    Count(one.has_generated(), one.generated(), one.trained_share(), runs, coverage.as_judged);
    Count(one.has_corrected(), one.corrected(), one.trained_share(), runs, coverage.corrected);
    Count(one.has_pacc(), one.pacc(), one.trained_share(), runs, coverage.pacc);
  }
}

std::string OfText(const Containing& counted) { return absl::StrCat(counted.containing, " of ", counted.intervals); }

bool FewerThanExpected(const Containing& counted, double nominal) {
  return counted.containing < std::floor(nominal * counted.intervals);
}

// What follows from the counts.
std::string VerdictOf(const NullArmCoverage& coverage, double nominal) {
  const bool as_judged = !FewerThanExpected(coverage.as_judged, nominal);
  if (coverage.corrected.intervals + coverage.pacc.intervals == 0 && !as_judged) {
    return "the judge's errors are in them, and nothing is corrected.";
  }
  const auto either = [&](auto holds) { return holds(coverage.corrected, nominal) || holds(coverage.pacc, nominal); };
  if (either(IsOff)) return "further off than by chance, so the instrument itself is off.";
  if (either(FewerThanExpected)) {
    return absl::StrCat("fewer than ", std::lround(100 * nominal), "%, but none too far off to be chance.");
  }
  return absl::StrCat(as_judged ? "" : "corrected for the judge's errors, ", "the instrument reads what it should.");
}

std::string TextOf(const NullArmCoverage& coverage, double nominal) {
  std::string text = absl::StrCat(coverage.model, ": ", OfText(coverage.as_judged),
                                  " 95% intervals contain the trained share as judged");
  if (coverage.corrected.intervals > 0) absl::StrAppend(&text, ", ", OfText(coverage.corrected), " corrected");
  if (coverage.pacc.intervals > 0) absl::StrAppend(&text, ", ", OfText(coverage.pacc), " by PACC");
  return absl::StrCat(text, ": ", VerdictOf(coverage, nominal));
}

}  // namespace

bool TrainsNothing(absl::string_view model) { return model == "resample" || absl::StartsWith(model, "resample#"); }

std::vector<NullArmCoverage> NullArmCoverageOf(const v1::GetResultsResponse& results) {
  std::map<int32_t, NullArmCoverage> arms;
  for (const v1::ResultCell& cell : results.cells()) {
    if (!TrainsNothing(cell.model())) continue;
    NullArmCoverage& arm = arms[cell.model_index()];
    arm.model = cell.model();
    CountCell(cell, arm);
  }
  std::vector<NullArmCoverage> coverages;
  for (auto& [index, arm] : arms) {
    if (arm.as_judged.intervals > 0) coverages.push_back(std::move(arm));
  }
  return coverages;
}

bool IsOff(const Containing& counted, double nominal) {
  constexpr double kFalseAlarms = 0.01;
  // Where a rule stopped early, 98% intervals are what 95% intervals are otherwise.
  const double level = nominal < 0.95 ? kFalseAlarms * 0.02 / 0.05 : kFalseAlarms;
  return counted.intervals > 0 && counted.smallest_p * counted.intervals < level;
}

std::string NullArmText(const v1::GetResultsResponse& results) {
  // A rule that stops early leaves plain intervals that contain it less often (see common/stats/sequential.h).
  const double nominal = results.saved().runs() > 0 ? 0.9 : 0.95;
  std::string text;
  for (const NullArmCoverage& coverage : NullArmCoverageOf(results)) {
    absl::StrAppend(&text, text.empty() ? "" : " ", TextOf(coverage, nominal));
  }
  return text;
}

}  // namespace skew

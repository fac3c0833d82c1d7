#include "common/null_arm.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <map>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "common/stats/proportion.h"

namespace skew {
namespace {

// A family's name, or with its number where it appears again (see Run.model).
bool TrainsNothing(absl::string_view model) { return model == "resample" || absl::StartsWith(model, "resample#"); }

void Count(bool present, const v1::Estimate& share, double trained, Containing& counted) {
  if (!present || !share.has_low() || !share.has_high()) return;
  ++counted.intervals;
  if (share.low() <= trained && trained <= share.high()) ++counted.containing;
}

void CountCell(const v1::ResultCell& cell, NullArmCoverage& coverage) {
  const int32_t before = coverage.as_judged.intervals;
  for (const v1::ClassResult& one : cell.classes()) {
    Count(one.has_generated(), one.generated(), one.trained_share(), coverage.as_judged);
    Count(one.has_corrected(), one.corrected(), one.trained_share(), coverage.corrected);
    Count(one.has_pacc(), one.pacc(), one.trained_share(), coverage.pacc);
  }
  if (coverage.as_judged.intervals > before) ++coverage.cells;
}

std::string OfText(const Containing& counted) { return absl::StrCat(counted.containing, " of ", counted.intervals); }

bool FewerThanExpected(const Containing& counted, double nominal) {
  return counted.containing < std::floor(nominal * counted.intervals);
}

std::string TextOf(const NullArmCoverage& coverage, double nominal) {
  std::string text = absl::StrCat(coverage.model, ": ", OfText(coverage.as_judged),
                                  " 95% intervals contain the trained share as judged");
  if (coverage.corrected.intervals > 0) absl::StrAppend(&text, ", ", OfText(coverage.corrected), " corrected");
  if (coverage.pacc.intervals > 0) absl::StrAppend(&text, ", ", OfText(coverage.pacc), " by PACC");
  const Containing* const all[] = {&coverage.as_judged, &coverage.corrected, &coverage.pacc};
  if (std::any_of(std::begin(all), std::end(all),
                  [&](const Containing* one) { return TooFew(*one, coverage.cells, nominal); })) {
    return absl::StrCat(text, ": fewer than chance explains, so the instrument itself is off.");
  }
  if (std::any_of(std::begin(all), std::end(all),
                  [&](const Containing* one) { return FewerThanExpected(*one, nominal); })) {
    return absl::StrCat(text, ": fewer than ", std::lround(100 * nominal), "%, but not too few to be chance.");
  }
  return absl::StrCat(text, ": the instrument reads what it should.");
}

}  // namespace

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
    if (arm.cells > 0) coverages.push_back(std::move(arm));
  }
  return coverages;
}

bool TooFew(const Containing& counted, int32_t cells, double nominal) {
  if (counted.intervals == 0 || cells == 0) return false;
  const double share = static_cast<double>(counted.containing) / counted.intervals;
  const auto containing = static_cast<int64_t>(std::floor(share * cells + 1e-9));
  return stats::ClopperPearsonInterval(containing, cells, 0.98).high < nominal;
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

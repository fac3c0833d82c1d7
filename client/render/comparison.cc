#include "client/render/comparison.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "client/render/format.h"
#include "client/text.h"

namespace skew {
namespace {

using v1::CompareRunsResponse;

std::string Headline(const CompareRunsResponse& comparison) {
  const std::string& again = comparison.other_run_id();
  const std::string& run = comparison.run_id();
  switch (comparison.verdict()) {
    case CompareRunsResponse::BIT_EQUAL:
      return absl::StrCat(again, " is bit-equal to ", run);
    case CompareRunsResponse::STATISTICALLY_EQUAL:
      return absl::StrCat(again, " is statistically equal to ", run);
    case CompareRunsResponse::DRIFTED:
      return absl::StrCat(again, " has drifted from ", run);
    default:
      return absl::StrCat(again, " and ", run, ": a verdict this skewctl does not know");
  }
}

}  // namespace

std::string ComparisonText(const CompareRunsResponse& comparison) {
  const std::string headline = Printable(Headline(comparison));
  if (comparison.differences().empty()) return absl::StrCat(headline, "\n");
  return absl::StrFormat(
      "%s\nhistograms: chi-square %.2f, p = %.3g; G %.2f, p = %.3g (%d degrees of freedom)\ndiffer: %s\n", headline,
      comparison.chi_square(), comparison.chi_square_p(), comparison.g_statistic(), comparison.g_p(),
      comparison.degrees(), Printable(absl::StrJoin(comparison.differences(), ", ")));
}

Table ComparisonTable(absl::Span<const CompareRunsResponse> comparisons) {
  Table table({{"", "run"},
               {"", "other_run"},
               {"", "verdict"},
               {"", "chi_square"},
               {"", "chi_square_p"},
               {"", "g_statistic"},
               {"", "g_p"},
               {"", "degrees"},
               {"", "differences"}});
  for (const CompareRunsResponse& one : comparisons) {
    table.AddRow({one.run_id(), one.other_run_id(), CompareRunsResponse::Verdict_Name(one.verdict()),
                  Exact(one.chi_square()), Exact(one.chi_square_p()), Exact(one.g_statistic()), Exact(one.g_p()),
                  absl::StrCat(one.degrees()), absl::StrJoin(one.differences(), "; ")});
  }
  return table;
}

}  // namespace skew

// Claims as HTML: the findings at length, and at a glance.
#include <algorithm>
#include <cmath>
#include <iterator>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "client/render/findings_table.h"
#include "client/render/format.h"
#include "client/report/html.h"
#include "client/report/page.h"

namespace skew {
namespace {

constexpr char kNotTested[] = "&ndash;";
// More have no room beside each other.
constexpr size_t kMostColumns = 6;

// What a finding tests, as a sentence begins.
std::string ClaimSentence(const v1::Finding& finding) {
  std::string sentence = ClaimMeaning(finding);
  if (sentence.empty()) return finding.part();
  sentence[0] = absl::ascii_toupper(static_cast<unsigned char>(sentence[0]));
  return sentence;
}

std::string ModelsHtml(const v1::Finding& finding) {
  if (finding.against().empty()) return HtmlText(finding.arm());
  return absl::StrCat(HtmlText(finding.arm()), IsRatio(finding) ? " &divide; " : " &minus; ",
                      HtmlText(finding.against()));
}

std::string ArmHtml(const v1::Finding& finding) {
  return absl::StrCat(ModelsHtml(finding), finding.has_class_() ? absl::StrCat(", class ", finding.class_()) : "");
}

std::string PHtml(bool present, double p) {
  if (!present) return kNotTested;
  return p < 0.0001 ? "&lt;&nbsp;0.0001" : Fixed(p, 4);
}

std::string VerdictHtml(v1::Verdict verdict) {
  const char* const sign = verdict == v1::SUPPORTED   ? "&#10003; "
                           : verdict == v1::OPPOSITE  ? "&#8644; "
                           : verdict == v1::PRESERVED ? "= "
                                                      : "? ";
  const std::string name = absl::AsciiStrToLower(v1::Verdict_Name(verdict));
  return HtmlElement("span", absl::StrCat("class=\"verdict ", name, "\""), absl::StrCat(sign, name));
}

// Effect with interval and statistic, p and verdict: three cells. The p of being as good as none matters where it made
// the verdict, or might have.
std::string TestHtml(const v1::ClaimTest& test) {
  if (!test.has_p())
    return absl::StrCat(NumberCell(kNotTested), NumberCell(kNotTested), TableCell(VerdictHtml(test.verdict())));
  std::string effect = Fixed(test.effect(), 3);
  if (test.has_low()) {
    absl::StrAppend(&effect, "<br><small>", Fixed(test.low(), 3), " .. ", Fixed(test.high(), 3), "</small>");
  }
  const std::string statistic = HtmlText(ShortStatistic(test.statistic_name()));
  // A long name would make the column wide.
  absl::StrAppend(&effect, "<br><small>", statistic, statistic.size() > 8 ? "<br>= " : " = ",
                  Fixed(test.statistic(), 3), "</small>");
  std::string p =
      absl::StrCat(PHtml(test.has_adjusted_p(), test.adjusted_p()), "<br><small>(", PHtml(true, test.p()), ")</small>");
  const bool differs = test.verdict() == v1::SUPPORTED || test.verdict() == v1::OPPOSITE;
  if (test.has_adjusted_equivalence_p() && !differs) {
    absl::StrAppend(&p, "<br><small>equiv. ", PHtml(true, test.adjusted_equivalence_p()), "</small>");
  }
  std::string verdict = VerdictHtml(test.verdict());
  if (test.has_units_needed()) {
    absl::StrAppend(&verdict, "<br><small>would take ", test.units_needed(), "</small>");
  }
  return absl::StrCat(NumberCell(effect), NumberCell(p), TableCell(verdict));
}

bool IsTested(const v1::Finding& finding) { return finding.raw().has_p() || finding.corrected().has_p(); }

std::string EffectHtml(const v1::Finding& finding) {
  return absl::StrCat(HtmlText(finding.effect_name()), "<br><small>if not so: ", Exact(finding.null_effect()),
                      finding.margin() > 0 ? absl::StrCat(" &plusmn; ", Exact(finding.margin())) : "", "</small>");
}

// What the effects among the findings are.
std::string EffectsHtml(const v1::AnalyseJobsResponse& analysis) {
  std::string list;
  std::set<std::string> told;
  for (const v1::Finding& finding : analysis.findings()) {
    const std::string meaning = EffectMeaning(finding.effect_name());
    if (!IsTested(finding) || meaning.empty() || !told.insert(finding.effect_name()).second) continue;
    absl::StrAppend(&list, HtmlElement("dt", "", HtmlText(finding.effect_name())),
                    HtmlElement("dd", "", HtmlText(meaning)), "\n");
  }
  return list.empty() ? "" : HtmlElement("dl", "class=\"effects\"", list);
}

std::string FindingRow(const v1::Finding& finding) {
  std::string claim = absl::StrCat("<b>", HtmlText(finding.claim()), "</b> ", HtmlText(ClaimSentence(finding)));
  if (!finding.note().empty()) absl::StrAppend(&claim, "<br><small>", HtmlText(finding.note()), "</small>");
  const std::string corrected =
      finding.has_corrected() ? TestHtml(finding.corrected())
                              : absl::StrCat(NumberCell(kNotTested), NumberCell(kNotTested), TableCell(kNotTested));
  return absl::StrCat(
      HtmlElement(
          "tr", "",
          absl::StrCat(TableCell(claim), TableCell(ArmHtml(finding)), TableCell(EffectHtml(finding)),
                       TestHtml(finding.raw()), corrected,
                       NumberCell(absl::StrCat(finding.units(), "<br><small>", HtmlText(finding.unit()), "</small>")))),
      "\n");
}

// Those of models, and those of what trains nothing.
std::string FindingRows(const v1::AnalyseJobsResponse& analysis, bool untrained) {
  std::string rows;
  for (const v1::Finding& finding : analysis.findings()) {
    if (finding.untrained() == untrained && IsTested(finding)) rows += FindingRow(finding);
  }
  if (rows.empty()) return "";
  const std::string heading =
      untrained
          ? "<tr><th colspan=\"10\" scope=\"rowgroup\">Check of the instrument: of what trains nothing, and has no"
            " bias to be found</th></tr>\n"
          : "";
  return HtmlElement("tbody", "", absl::StrCat(heading, rows));
}

std::string NotTested(const v1::AnalyseJobsResponse& analysis) {
  std::string list;
  for (const v1::Finding& finding : analysis.findings()) {
    if (IsTested(finding)) continue;
    const std::string arm = finding.arm().empty() ? "" : absl::StrCat(" (", ArmHtml(finding), ")");
    absl::StrAppend(&list, "<li><b>", HtmlText(finding.claim()), "</b> ", HtmlText(ClaimSentence(finding)), arm,
                    finding.note().empty() ? "" : ": ", HtmlText(finding.note()), "</li>\n");
  }
  return list.empty() ? "" : absl::StrCat("<h3>Not tested</h3>\n", HtmlElement("ul", "class=\"plain note\"", list));
}

// A column of the overview: a model, or two that are compared.
std::string ColumnOf(const v1::Finding& finding) {
  if (finding.against().empty()) return HtmlText(finding.arm());
  return absl::StrCat(HtmlText(finding.arm()), " against ", HtmlText(finding.against()));
}

void AddColumn(const v1::Finding& finding, std::vector<std::string>& columns) {
  const std::string column = ColumnOf(finding);
  if (std::find(columns.begin(), columns.end(), column) == columns.end()) columns.push_back(column);
}

// Trained models first, then what they are compared in, then what trains nothing.
std::vector<std::string> ColumnsOf(const v1::AnalyseJobsResponse& analysis) {
  std::vector<std::string> columns;
  for (int turn = 0; turn < 3; ++turn) {
    for (const v1::Finding& finding : analysis.findings()) {
      const int own = finding.untrained() ? 2 : finding.against().empty() ? 0 : 1;
      if (own == turn && IsTested(finding)) AddColumn(finding, columns);
    }
  }
  return columns;
}

std::string GlanceHtml(const v1::Finding& finding) {
  const v1::ClaimTest& test = finding.raw();
  if (!test.has_p()) return "";
  const int digits = std::abs(test.effect()) < 0.05 ? 3 : 2;
  std::string text = absl::StrCat(VerdictHtml(test.verdict()), "<br>", Fixed(test.effect(), digits));
  if (test.has_low()) {
    absl::StrAppend(&text, " <small>(", Fixed(test.low(), digits), " .. ", Fixed(test.high(), digits), ")</small>");
  }
  if (finding.has_class_() && finding.claim() == "H8")
    absl::StrAppend(&text, " <small>class ", finding.class_(), "</small>");
  return text;
}

// One claim in all columns.
std::string OverviewRow(const v1::AnalyseJobsResponse& analysis, const v1::Finding& claim,
                        const std::vector<std::string>& columns) {
  std::string row =
      TableCell(absl::StrCat("<b>", HtmlText(claim.claim()), "</b> ", HtmlText(ClaimSentence(claim)), "<br><small>",
                             HtmlText(claim.effect_name()), ", ", Exact(claim.null_effect()), " if not so</small>"));
  for (const std::string& column : columns) {
    std::string content;
    for (const v1::Finding& finding : analysis.findings()) {
      if (finding.claim() != claim.claim() || finding.part() != claim.part() || ColumnOf(finding) != column) continue;
      const std::string one = GlanceHtml(finding);
      if (!one.empty()) absl::StrAppend(&content, content.empty() ? "" : "<br>", one);
    }
    row += TableCell(content.empty() ? kNotTested : content);
  }
  return absl::StrCat(HtmlElement("tr", "", row), "\n");
}

}  // namespace

std::string ClaimsHtml(const v1::AnalyseJobsResponse& analysis) {
  const std::string rows = absl::StrCat(FindingRows(analysis, false), FindingRows(analysis, true));
  std::string html;
  if (rows.empty()) {
    html = HtmlElement("p", "class=\"empty\"", "No claim can be tested with the runs there are.");
  } else {
    const std::string test = absl::StrCat(ColumnHeading("effect, 95%,<br>statistic", "class=\"n\""),
                                          ColumnHeading("p (Holm)", "class=\"n\""), ColumnHeading("verdict"));
    html = EffectsHtml(analysis) +
           HtmlElement("div", "class=\"scroll claims\"",
                       absl::StrCat("<table><thead><tr>", ColumnHeading("claim", "rowspan=\"2\""),
                                    ColumnHeading("of", "rowspan=\"2\""), ColumnHeading("effect", "rowspan=\"2\""),
                                    HtmlElement("th", "scope=\"colgroup\" class=\"g\" colspan=\"3\"", "as judged"),
                                    HtmlElement("th", "scope=\"colgroup\" class=\"g\" colspan=\"3\"", "corrected"),
                                    ColumnHeading("over", "class=\"n\" rowspan=\"2\""), "</tr>\n<tr>", test, test,
                                    "</tr></thead>\n", rows, "</table>"));
  }
  html += NotTested(analysis);
  for (const std::string& note : analysis.notes()) {
    absl::StrAppend(&html, HtmlElement("p", "class=\"note\"", HtmlText(note)), "\n");
  }
  return html;
}

std::string ClaimsOverviewHtml(const v1::AnalyseJobsResponse& analysis) {
  const std::vector<std::string> columns = ColumnsOf(analysis);
  if (columns.empty() || columns.size() > kMostColumns) return "";
  std::string headings = ColumnHeading("claim");
  for (const std::string& column : columns) headings += ColumnHeading(column);
  std::string rows;
  for (auto finding = analysis.findings().begin(); finding != analysis.findings().end(); ++finding) {
    const auto same = [&](const v1::Finding& other) {
      return other.claim() == finding->claim() && other.part() == finding->part();
    };
    const bool tested = std::any_of(analysis.findings().begin(), analysis.findings().end(),
                                    [&](const v1::Finding& other) { return same(other) && other.raw().has_p(); });
    if (!tested || std::any_of(analysis.findings().begin(), finding, same)) continue;
    // The first of them may be one that could not be tested and has no effect to name.
    const auto named = std::find_if(finding, analysis.findings().end(),
                                    [&](const v1::Finding& other) { return same(other) && IsTested(other); });
    rows += OverviewRow(analysis, *named, columns);
  }
  return HtmlElement("div", "class=\"scroll overview\"",
                     absl::StrCat("<table><thead><tr>", headings, "</tr></thead>\n<tbody>", rows, "</tbody></table>"));
}

}  // namespace skew

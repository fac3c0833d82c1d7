// Claims and results as HTML tables.
#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "client/render/findings_table.h"
#include "client/render/format.h"
#include "client/render/measures_table.h"
#include "client/render/results_notes.h"
#include "client/report/html.h"
#include "client/report/page.h"

namespace skew {
namespace {

constexpr char kNone[] = "&ndash;";

std::string Td(absl::string_view content, absl::string_view attributes = "") {
  return HtmlElement("td", attributes, content);
}
std::string Number(absl::string_view content) { return Td(content, "class=\"n\""); }
std::string Heading(absl::string_view content, absl::string_view attributes = "class=\"n\"") {
  return HtmlElement("th", attributes, content);
}

// What a finding tests, as a sentence begins.
std::string ClaimSentence(const v1::Finding& finding) {
  std::string sentence = ClaimMeaning(finding);
  if (sentence.empty()) return finding.part();
  sentence[0] = absl::ascii_toupper(static_cast<unsigned char>(sentence[0]));
  return sentence;
}

std::string ArmHtml(const v1::Finding& finding) {
  std::string arm = HtmlText(finding.arm());
  if (!finding.against().empty()) absl::StrAppend(&arm, " &minus; ", HtmlText(finding.against()));
  if (finding.has_class_()) absl::StrAppend(&arm, ", class ", finding.class_());
  return arm;
}

std::string PHtml(bool present, double p) {
  if (!present) return kNone;
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

// Effect with interval and statistic, p and verdict: three cells.
std::string TestHtml(const v1::ClaimTest& test) {
  if (!test.has_p()) return absl::StrCat(Number(kNone), Number(kNone), Td(VerdictHtml(test.verdict())));
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
  if (test.has_adjusted_equivalence_p()) {
    absl::StrAppend(&p, "<br><small>equiv. ", PHtml(true, test.adjusted_equivalence_p()), "</small>");
  }
  std::string verdict = VerdictHtml(test.verdict());
  if (test.has_units_needed()) {
    absl::StrAppend(&verdict, "<br><small>would take ", test.units_needed(), "</small>");
  }
  return absl::StrCat(Number(effect), Number(p), Td(verdict));
}

std::string FindingRow(const v1::Finding& finding) {
  std::string claim = absl::StrCat("<b>", HtmlText(finding.claim()), "</b> ", HtmlText(ClaimSentence(finding)));
  if (!finding.note().empty()) absl::StrAppend(&claim, "<br><small>", HtmlText(finding.note()), "</small>");
  const std::string corrected =
      finding.has_corrected() ? TestHtml(finding.corrected()) : absl::StrCat(Number(kNone), Number(kNone), Td(kNone));
  return HtmlElement(
      "tr", "",
      absl::StrCat(Td(claim), Td(ArmHtml(finding)),
                   Td(absl::StrCat(HtmlText(finding.effect_name()),
                                   "<br><small>if not so: ", Exact(finding.null_effect()), "</small>")),
                   TestHtml(finding.raw()), corrected,
                   Number(absl::StrCat(finding.units(), "<br><small>", HtmlText(finding.unit()), "</small>"))));
}

std::string Percent(const v1::Estimate& estimate) {
  std::string text = Fixed(100 * estimate.mean(), 2);
  if (estimate.has_sd()) absl::StrAppend(&text, " &plusmn; ", Fixed(100 * estimate.sd(), 2));
  return text;
}

std::string IntervalHtml(const v1::Estimate& estimate) {
  if (!estimate.has_low()) return kNone;
  return absl::StrCat(Fixed(100 * estimate.low(), 2), " .. ", Fixed(100 * estimate.high(), 2));
}

std::string ShareCells(bool present, const v1::Estimate& estimate, bool has_amplification, double amplification) {
  if (!present) return absl::StrCat(Number(kNone), Number(kNone), Number(kNone));
  return absl::StrCat(Number(Percent(estimate)), Number(IntervalHtml(estimate)),
                      Number(has_amplification ? Fixed(amplification, 3) : kNone));
}

// Counts of the training set, and below them how many runs the shares rest on where that is not all.
std::string BiasPointHtml(const v1::ResultCell& cell) {
  const std::string counts = HtmlText(CountsText(cell.bias_point().counts()));
  const std::string uncounted = UncountedText(cell);
  return uncounted.empty() ? counts : absl::StrCat(counts, "<br><small>", HtmlText(uncounted), "</small>");
}

// Further corrections that some class has: PACC, and with two classes CLEAM.
struct MoreCorrections {
  bool pacc = false;
  bool cleam = false;

  int Columns() const { return (pacc ? 1 : 0) + (cleam ? 1 : 0); }
};

MoreCorrections CorrectionsIn(const v1::GetResultsResponse& results) {
  MoreCorrections found;
  for (const v1::ResultCell& cell : results.cells()) {
    for (const v1::ClassResult& one : cell.classes()) {
      found.pacc = found.pacc || one.has_pacc();
      found.cleam = found.cleam || one.has_cleam();
    }
  }
  return found;
}

std::string MoreCells(const v1::ClassResult& one, const MoreCorrections& more) {
  return absl::StrCat(more.pacc ? Number(one.has_pacc() ? Percent(one.pacc()) : kNone) : "",
                      more.cleam ? Number(one.has_cleam() ? Percent(one.cleam()) : kNone) : "");
}

// How to read a difference between the corrections.
std::string MoreNote(const MoreCorrections& more) {
  std::string text;
  if (more.pacc) {
    text =
        "PACC corrects the judge&rsquo;s mean softmax outputs over all generated images, rejected ones and other "
        "classes"
        " included, where <i>corrected</i> (ACC) corrects its decisions on the accepted ones. Both suppose that it errs"
        " on generated images as on real ones. Where they differ by more than their spread, it is not as sure of these"
        " images as of real ones, so that does not hold and neither is to be trusted beyond the difference.";
  }
  if (more.cleam) {
    absl::StrAppend(&text, text.empty() ? "" : " ",
                    "CLEAM (two classes) takes the judge&rsquo;s two accuracies for exact and all other classes for"
                    " unreal, and is not kept within 0 and 100%: where it leaves them, or <i>corrected</i>, those"
                    " accuracies do not fit these images.");
  }
  return text.empty() ? "" : HtmlElement("p", "class=\"note\"", text);
}

// What concerns the whole cell stands once, beside all its classes.
std::string CellRows(const v1::ResultCell& cell, const MoreCorrections& more) {
  std::string rows;
  const std::string span = absl::StrCat("rowspan=\"", cell.classes_size(), "\"");
  const std::string number_span = absl::StrCat("class=\"n\" ", span);
  bool first = true;
  for (const v1::ClassResult& one : cell.classes()) {
    std::string row = first ? absl::StrCat(Td(HtmlText(cell.model()), span), Td(BiasPointHtml(cell), span)) : "";
    absl::StrAppend(&row, Number(absl::StrCat(one.class_())), Number(absl::StrCat(one.trained_images())),
                    Number(Fixed(100 * one.trained_share(), 2)),
                    ShareCells(one.has_generated(), one.generated(), one.has_amplification(), one.amplification()),
                    ShareCells(one.has_corrected(), one.corrected(), one.has_corrected_amplification(),
                               one.corrected_amplification()),
                    MoreCells(one, more), Number(one.has_over_dispersion() ? Fixed(one.over_dispersion(), 5) : kNone));
    if (first) {
      const bool any = cell.runs_succeeded() > 0;
      absl::StrAppend(&row, Td(any ? Fixed(100 * cell.rejected().mean(), 2) : kNone, number_span),
                      Td(any ? Fixed(100 * cell.off_support().mean(), 2) : kNone, number_span),
                      Td(absl::StrCat(cell.runs_succeeded(), "/", cell.runs_total()), number_span));
    }
    absl::StrAppend(&rows, HtmlElement("tr", "", row), "\n");
    first = false;
  }
  return HtmlElement("tbody", "class=\"cell\"", rows);
}

std::string MeasureHtml(const v1::Estimate* estimate, const MeasureColumn& column) {
  if (estimate == nullptr) return kNone;
  std::string text = HtmlText(MeasureText(estimate, column));
  if (estimate->has_sd() && column.decimals > 0) {
    absl::StrAppend(&text, "<br><small>&plusmn; ", Fixed(estimate->sd(), column.decimals), "</small>");
  }
  return text;
}

std::string MeasureRowsHtml(const v1::ResultCell& cell) {
  const std::vector<MeasureRow> rows = MeasureRowsOf(cell);
  const std::string span = absl::StrCat("rowspan=\"", rows.size(), "\"");
  std::string html;
  for (const MeasureRow& row : rows) {
    std::string cells = html.empty() ? absl::StrCat(Td(HtmlText(cell.model()), span),
                                                    Td(HtmlText(CountsText(cell.bias_point().counts())), span))
                                     : "";
    absl::StrAppend(&cells, Number(row.images));
    for (size_t i = 0; i < row.measures.size(); ++i) {
      absl::StrAppend(&cells, Number(MeasureHtml(row.measures[i], MeasureColumns()[i])));
    }
    absl::StrAppend(&cells, Number(MeasuredRunsText(row, cell)));
    absl::StrAppend(&html, HtmlElement("tr", "", cells), "\n");
  }
  return html.empty() ? "" : HtmlElement("tbody", "class=\"cell\"", html);
}

}  // namespace

const char kMeasuresNote[] =
    "Mean &plusmn; sd over runs, on the features of the judge&rsquo;s layer before its last; all images beside real"
    " ones in the training proportions, those accepted as a class beside real ones of it."
    " N: images measured of a run; runs: that the row is of."
    " Frechet and kernel distance: 0 is best. prec., dens.: how far generated images lie among real ones; rec., cov.:"
    " how many real ones they reach. Vendi: effective number of different images; real: that of as many images of the"
    " training split, no two the same. copies: distance to the nearest training image over that of real images the"
    " model never saw; well below 1 means copies."
    " support: so many different images there are at least (lower end of the 95% interval, from the near pairs of all"
    " runs together)."
    " A model <i>resample</i> draws real images again and again from the held-out half of the test split: many of those"
    " measured are the same, so its recall, coverage and Vendi score are below, its Frechet and kernel distance above"
    " those of as many different real images, and its support is of what it draws from. Of N images as real and as"
    " various as the M beside them coverage is 1 &minus; (M / (M + N))<sup>5</sup>: 0.97 of 5,000 beside 5,000, 0.67 of"
    " 500 beside 2,000.";

std::string ClaimsHtml(const v1::AnalyseJobsResponse& analysis) {
  std::string rows;
  std::string untested;
  for (const v1::Finding& finding : analysis.findings()) {
    if (finding.raw().has_p() || finding.corrected().has_p()) {
      absl::StrAppend(&rows, FindingRow(finding), "\n");
      continue;
    }
    const std::string arm = finding.arm().empty() ? "" : absl::StrCat(" (", ArmHtml(finding), ")");
    absl::StrAppend(&untested, "<li><b>", HtmlText(finding.claim()), "</b> ", HtmlText(ClaimSentence(finding)), arm,
                    finding.note().empty() ? "" : ": ", HtmlText(finding.note()), "</li>\n");
  }
  std::string html;
  if (rows.empty()) {
    html = HtmlElement("p", "class=\"empty\"", "No claim can be tested with the runs there are.");
  } else {
    html = HtmlElement(
        "div", "class=\"scroll claims\"",
        absl::StrCat("<table><thead><tr>", Heading("claim", "rowspan=\"2\""), Heading("of", "rowspan=\"2\""),
                     Heading("effect", "rowspan=\"2\""), Heading("as judged", "class=\"g\" colspan=\"3\""),
                     Heading("corrected", "class=\"g\" colspan=\"3\""), Heading("over", "class=\"n\" rowspan=\"2\""),
                     "</tr>\n<tr>", Heading("effect, 95%,<br>statistic"), Heading("p (Holm)"), Heading("verdict", ""),
                     Heading("effect, 95%,<br>statistic"), Heading("p (Holm)"), Heading("verdict", ""),
                     "</tr></thead>\n<tbody>", rows, "</tbody></table>"));
  }
  if (!untested.empty()) {
    absl::StrAppend(&html, "<h3>Not tested</h3>\n", HtmlElement("ul", "class=\"plain note\"", untested));
  }
  for (const std::string& note : analysis.notes()) {
    absl::StrAppend(&html, HtmlElement("p", "class=\"note\"", HtmlText(note)), "\n");
  }
  return html;
}

std::string ResultsHtml(const v1::GetResultsResponse& results) {
  if (results.cells().empty()) return HtmlElement("p", "class=\"empty\"", "There are no results.");
  const MoreCorrections more = CorrectionsIn(results);
  std::string html = absl::StrCat(
      "<table><thead><tr>", Heading("model", "rowspan=\"2\""), Heading("bias point", "rowspan=\"2\""),
      Heading("class", "class=\"n\" rowspan=\"2\""), Heading("trained", "class=\"g\" colspan=\"2\""),
      Heading("generated, as judged", "class=\"g\" colspan=\"3\""), Heading("corrected", "class=\"g\" colspan=\"3\""),
      more.Columns() == 0 ? "" : Heading("also", absl::StrCat("class=\"g\" colspan=\"", more.Columns(), "\"")),
      Heading("rho", "class=\"n\" rowspan=\"2\""), Heading("rej. %", "class=\"n\" rowspan=\"2\""),
      Heading("off %", "class=\"n\" rowspan=\"2\""), Heading("runs", "class=\"n\" rowspan=\"2\""), "</tr>\n<tr>",
      Heading("n"), Heading("%"), Heading("% &plusmn; sd"), Heading("95% interval"), Heading("ampl."),
      Heading("% &plusmn; sd"), Heading("95% interval"), Heading("ampl."), more.pacc ? Heading("PACC %") : "",
      more.cleam ? Heading("CLEAM %") : "", "</tr></thead>\n");
  for (const v1::ResultCell& cell : results.cells()) absl::StrAppend(&html, CellRows(cell, more), "\n");
  return absl::StrCat(HtmlElement("div", "class=\"scroll results\"", absl::StrCat(html, "</table>")), MoreNote(more));
}

std::string MeasuresHtml(const v1::GetResultsResponse& results) {
  std::string rows;
  for (const v1::ResultCell& cell : results.cells()) absl::StrAppend(&rows, MeasureRowsHtml(cell));
  if (rows.empty()) return HtmlElement("p", "class=\"empty\"", "The images of this study were not measured.");
  std::string headings = absl::StrCat(Heading("model", ""), Heading("bias point", ""), Heading("images"));
  for (const MeasureColumn& column : MeasureColumns()) absl::StrAppend(&headings, Heading(HtmlText(column.title)));
  absl::StrAppend(&headings, Heading("runs"));
  return HtmlElement("div", "class=\"scroll results\"",
                     absl::StrCat("<table><thead><tr>", headings, "</tr></thead>\n", rows, "</table>"));
}

}  // namespace skew

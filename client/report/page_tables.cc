// Results and measures as HTML tables.
#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "client/render/format.h"
#include "client/render/measures_table.h"
#include "client/render/results_notes.h"
#include "client/report/html.h"
#include "client/report/page.h"

namespace skew {
namespace {

constexpr char kNone[] = "&ndash;";

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
  if (!present) return absl::StrCat(NumberCell(kNone), NumberCell(kNone), NumberCell(kNone));
  return absl::StrCat(NumberCell(Percent(estimate)), NumberCell(IntervalHtml(estimate)),
                      NumberCell(has_amplification ? Fixed(amplification, 3) : kNone));
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
  return absl::StrCat(more.pacc ? NumberCell(one.has_pacc() ? Percent(one.pacc()) : kNone) : "",
                      more.cleam ? NumberCell(one.has_cleam() ? Percent(one.cleam()) : kNone) : "");
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
    std::string row =
        first ? absl::StrCat(TableCell(HtmlText(cell.model()), span), TableCell(BiasPointHtml(cell), span)) : "";
    absl::StrAppend(&row, NumberCell(absl::StrCat(one.class_())), NumberCell(absl::StrCat(one.trained_images())),
                    NumberCell(Fixed(100 * one.trained_share(), 2)),
                    ShareCells(one.has_generated(), one.generated(), one.has_amplification(), one.amplification()),
                    ShareCells(one.has_corrected(), one.corrected(), one.has_corrected_amplification(),
                               one.corrected_amplification()),
                    MoreCells(one, more),
                    NumberCell(one.has_over_dispersion() ? Fixed(one.over_dispersion(), 5) : kNone));
    if (first) {
      const bool any = cell.runs_succeeded() > 0;
      absl::StrAppend(&row, TableCell(any ? Fixed(100 * cell.rejected().mean(), 2) : kNone, number_span),
                      TableCell(any ? Fixed(100 * cell.off_support().mean(), 2) : kNone, number_span),
                      TableCell(absl::StrCat(cell.runs_succeeded(), "/", cell.runs_total()), number_span));
    }
    absl::StrAppend(&rows, HtmlElement("tr", "", row), "\n");
    first = false;
  }
  return HtmlElement("tbody", "class=\"cell\"", rows);
}

// A model at one bias point after the other: what is read is what the bias does to it.
std::vector<const v1::ResultCell*> ByModel(const v1::GetResultsResponse& results) {
  std::vector<const v1::ResultCell*> cells;
  for (const v1::ResultCell& cell : results.cells()) cells.push_back(&cell);
  std::stable_sort(cells.begin(), cells.end(), [](const v1::ResultCell* a, const v1::ResultCell* b) {
    return a->model_index() < b->model_index();
  });
  return cells;
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
    std::string cells = html.empty() ? absl::StrCat(TableCell(HtmlText(cell.model()), span),
                                                    TableCell(HtmlText(CountsText(cell.bias_point().counts())), span))
                                     : "";
    absl::StrAppend(&cells, NumberCell(row.images));
    for (size_t i = 0; i < row.measures.size(); ++i) {
      absl::StrAppend(&cells, NumberCell(MeasureHtml(row.measures[i], MeasureColumns()[i])));
    }
    absl::StrAppend(&cells, NumberCell(MeasuredRunsText(row, cell)));
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

std::string ResultsHtml(const v1::GetResultsResponse& results) {
  if (results.cells().empty()) return HtmlElement("p", "class=\"empty\"", "There are no results.");
  const MoreCorrections more = CorrectionsIn(results);
  std::string html = absl::StrCat(
      "<table><thead><tr>", ColumnHeading("model", "rowspan=\"2\""), ColumnHeading("bias point", "rowspan=\"2\""),
      ColumnHeading("class", "class=\"n\" rowspan=\"2\""), ColumnHeading("trained", "class=\"g\" colspan=\"2\""),
      ColumnHeading("generated, as judged", "class=\"g\" colspan=\"3\""),
      ColumnHeading("corrected", "class=\"g\" colspan=\"3\""),
      more.Columns() == 0 ? "" : ColumnHeading("also", absl::StrCat("class=\"g\" colspan=\"", more.Columns(), "\"")),
      ColumnHeading("rho", "class=\"n\" rowspan=\"2\""), ColumnHeading("rej. %", "class=\"n\" rowspan=\"2\""),
      ColumnHeading("off %", "class=\"n\" rowspan=\"2\""), ColumnHeading("runs", "class=\"n\" rowspan=\"2\""),
      "</tr>\n<tr>", ColumnHeading("n", kNumbers), ColumnHeading("%", kNumbers),
      ColumnHeading("% &plusmn; sd", kNumbers), ColumnHeading("95% interval", kNumbers),
      ColumnHeading("ampl.", kNumbers), ColumnHeading("% &plusmn; sd", kNumbers),
      ColumnHeading("95% interval", kNumbers), ColumnHeading("ampl.", kNumbers),
      more.pacc ? ColumnHeading("PACC %", kNumbers) : "", more.cleam ? ColumnHeading("CLEAM %", kNumbers) : "",
      "</tr></thead>\n");
  for (const v1::ResultCell* cell : ByModel(results)) absl::StrAppend(&html, CellRows(*cell, more), "\n");
  return absl::StrCat(HtmlElement("div", "class=\"scroll results\"", absl::StrCat(html, "</table>")), MoreNote(more));
}

std::string MeasuresHtml(const v1::GetResultsResponse& results) {
  std::string rows;
  for (const v1::ResultCell* cell : ByModel(results)) absl::StrAppend(&rows, MeasureRowsHtml(*cell));
  if (rows.empty()) return HtmlElement("p", "class=\"empty\"", "The images of this study were not measured.");
  std::string headings =
      absl::StrCat(ColumnHeading("model", ""), ColumnHeading("bias point", ""), ColumnHeading("images", kNumbers));
  for (const MeasureColumn& column : MeasureColumns())
    absl::StrAppend(&headings, ColumnHeading(HtmlText(column.title), kNumbers));
  absl::StrAppend(&headings, ColumnHeading("runs", kNumbers));
  return HtmlElement("div", "class=\"scroll results\"",
                     absl::StrCat("<table><thead><tr>", headings, "</tr></thead>\n", rows, "</table>"));
}

}  // namespace skew

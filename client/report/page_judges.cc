// What each of several judges says, as HTML.
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "client/render/format.h"
#include "client/render/judges_table.h"
#include "client/report/html.h"
#include "client/report/page.h"

namespace skew {
namespace {

std::string JudgeShareCell(bool present, const v1::Estimate& share) {
  if (!present) return NumberCell("&ndash;");
  std::string text = Fixed(100 * share.mean(), 2);
  if (share.has_sd()) absl::StrAppend(&text, "<br><small>&plusmn; ", Fixed(100 * share.sd(), 2), "</small>");
  return NumberCell(text);
}

std::string SpreadCell(bool present, const v1::JudgeSpread& spread) {
  return NumberCell(present ? Fixed(100 * (spread.high() - spread.low()), 2) : "&ndash;");
}

// One row a class, the judges side by side.
std::string CellByJudge(const v1::ResultCell& cell, int judges) {
  const std::string span = absl::StrCat("rowspan=\"", cell.classes_size(), "\"");
  std::string rows;
  for (int c = 0; c < cell.classes_size(); ++c) {
    const v1::ClassResult& one = cell.classes(c);
    std::string row = c > 0 ? ""
                            : absl::StrCat(HtmlElement("td", span, HtmlText(cell.model())),
                                           HtmlElement("td", span, HtmlText(CountsText(cell.bias_point().counts()))));
    absl::StrAppend(&row, NumberCell(absl::StrCat(one.class_())), NumberCell(Fixed(100 * one.trained_share(), 2)));
    for (const bool corrected : {false, true}) {
      for (int j = 0; j < judges; ++j) {
        if (j >= cell.judges_size()) {
          row += NumberCell("&ndash;");
          continue;
        }
        const v1::JudgeClassResult& of_judge = cell.judges(j).classes(c);
        row += corrected ? JudgeShareCell(of_judge.has_corrected(), of_judge.corrected())
                         : JudgeShareCell(of_judge.has_generated(), of_judge.generated());
      }
      row += corrected ? SpreadCell(one.has_corrected_judge_spread(), one.corrected_judge_spread())
                       : SpreadCell(one.has_judge_spread(), one.judge_spread());
    }
    absl::StrAppend(&rows, HtmlElement("tr", "", row), "\n");
  }
  return HtmlElement("tbody", "class=\"cell\"", rows);
}

std::string JudgeHeadings(const v1::ResultCell& cell) {
  std::string headings;
  for (int twice = 0; twice < 2; ++twice) {
    for (const v1::JudgeResult& judge : cell.judges()) {
      absl::StrAppend(&headings, HtmlElement("th", "class=\"n\"", HtmlText(ShortJudge(judge.classifier_digest()))));
    }
    absl::StrAppend(&headings, HtmlElement("th", "class=\"n\"", "apart"));
  }
  return headings;
}

}  // namespace

std::string JudgesHtml(const v1::GetResultsResponse& results) {
  const v1::ResultCell* most = nullptr;
  std::string rows;
  for (const v1::ResultCell& cell : results.cells()) {
    if (most == nullptr || cell.judges_size() > most->judges_size()) most = &cell;
  }
  if (most == nullptr || most->judges_size() < 2) return "";
  for (const v1::ResultCell& cell : results.cells()) {
    if (cell.judges_size() > 1) absl::StrAppend(&rows, CellByJudge(cell, most->judges_size()), "\n");
  }
  const std::string two_rows = "rowspan=\"2\"";
  const std::string wide = absl::StrCat("class=\"g\" colspan=\"", most->judges_size() + 1, "\"");
  return absl::StrCat(
      "<h3>By judge</h3>\n",
      HtmlElement("p", "",
                  absl::StrCat(HtmlText(JudgesSentence(results)),
                               " Shares in percent, mean &plusmn; sd over runs; each judge corrected by its own"
                               " confusion matrix; <i>apart</i>: from the smallest to the largest of the judges&rsquo;"
                               " means, in percentage points. The first is the study&rsquo;s judge: everything else on"
                               " this page is by it.")),
      "\n",
      HtmlElement("div", "class=\"scroll results\"",
                  absl::StrCat("<table><thead><tr>", HtmlElement("th", two_rows, "model"),
                               HtmlElement("th", two_rows, "bias point"),
                               HtmlElement("th", absl::StrCat("class=\"n\" ", two_rows), "class"),
                               HtmlElement("th", absl::StrCat("class=\"n\" ", two_rows), "trained"),
                               HtmlElement("th", wide, "as judged by"), HtmlElement("th", wide, "corrected"),
                               "</tr>\n<tr>", JudgeHeadings(*most), "</tr></thead>\n", rows, "</table>")),
      "\n");
}

}  // namespace skew

#include "client/report/html.h"

#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "client/text.h"

namespace skew {

std::string HtmlText(absl::string_view text) {
  std::vector<std::string> lines;
  for (const absl::string_view line : absl::StrSplit(text, '\n')) lines.push_back(Printable(line));
  return absl::StrReplaceAll(absl::StrJoin(lines, "\n"),
                             {{"&", "&amp;"}, {"<", "&lt;"}, {">", "&gt;"}, {"\"", "&quot;"}, {"'", "&#39;"}});
}

std::string HtmlElement(absl::string_view name, absl::string_view attributes, absl::string_view content) {
  return absl::StrCat("<", name, attributes.empty() ? "" : " ", attributes, ">", content, "</", name, ">");
}

std::string TableCell(absl::string_view content, absl::string_view attributes) {
  return HtmlElement("td", attributes, content);
}

std::string NumberCell(absl::string_view content) { return TableCell(content, kNumbers); }

std::string ColumnHeading(absl::string_view content, absl::string_view attributes) {
  const char* const scope = absl::StrContains(attributes, "colspan") ? "scope=\"colgroup\"" : "scope=\"col\"";
  return HtmlElement("th", absl::StrCat(scope, attributes.empty() ? "" : " ", attributes), content);
}

std::string HtmlParagraph(absl::string_view content, absl::string_view attributes) {
  return absl::StrCat(HtmlElement("p", attributes, content), "\n");
}

std::string DataUri(absl::string_view media_type, absl::string_view bytes) {
  return absl::StrCat("data:", media_type, ";base64,", absl::Base64Escape(bytes));
}

}  // namespace skew

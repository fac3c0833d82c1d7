// Pieces of HTML.
#ifndef SKEW_CLIENT_REPORT_HTML_H_
#define SKEW_CLIENT_REPORT_HTML_H_

#include <string>

#include "absl/strings/string_view.h"

namespace skew {

// `text` as the content of an element or of an attribute in quotes. Characters that mean something to HTML are escaped;
// bytes that are not UTF-8 and control characters (but for line ends) become '?'.
std::string HtmlText(absl::string_view text);

// "<p class='...'>text</p>" and so on; `content` is HTML already. `attributes` may be empty.
std::string HtmlElement(absl::string_view name, absl::string_view attributes, absl::string_view content);

// Parts of a table; `attributes` without the scope, which a heading of several columns ("colspan") has for the group.
std::string TableCell(absl::string_view content, absl::string_view attributes = "");
std::string NumberCell(absl::string_view content);
std::string ColumnHeading(absl::string_view content, absl::string_view attributes = "");
inline constexpr char kNumbers[] = "class=\"n\"";  // of the heading of a column of numbers

// With a line end.
std::string HtmlParagraph(absl::string_view content, absl::string_view attributes = "");

// A data URI of these bytes.
std::string DataUri(absl::string_view media_type, absl::string_view bytes);

}  // namespace skew

#endif  // SKEW_CLIENT_REPORT_HTML_H_

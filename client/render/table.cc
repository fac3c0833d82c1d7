#include "client/render/table.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "client/text.h"

namespace skew {
namespace {

std::string Escaped(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  return absl::StrCat("\"", absl::StrReplaceAll(text, {{"\"", "\"\""}}), "\"");
}

void AppendLine(const std::vector<std::string>& cells, const std::vector<int>& widths,
                const std::vector<Column>& columns, std::string& text) {
  std::string line;
  for (size_t i = 0; i < cells.size(); ++i) {
    if (columns[i].title.empty()) continue;
    if (!line.empty()) line += "  ";
    line += columns[i].right ? PadLeft(cells[i], widths[i]) : PadRight(cells[i], widths[i]);
  }
  absl::StripTrailingAsciiWhitespace(&line);
  absl::StrAppend(&text, line, "\n");
}

// `text` as a JSON string, with its quotes. Bytes that are no UTF-8 come out as '?'.
std::string JsonString(const std::string& text) {
  std::string json;
  for (const char c : text) {
    if (absl::ascii_iscntrl(static_cast<unsigned char>(c))) {
      absl::StrAppend(&json, "\\u", absl::Hex(static_cast<unsigned char>(c), absl::kZeroPad4));
    } else {
      absl::StrAppend(&json, c == '"' || c == '\\' ? "\\" : "", std::string(1, c));
    }
  }
  return absl::StrCat("\"", Printable(json), "\"");
}

}  // namespace

std::string Table::ToText() const {
  std::vector<std::vector<std::string>> lines(1);
  for (const Column& column : columns_) lines[0].push_back(column.title);
  for (const std::vector<Cell>& row : rows_) {
    lines.emplace_back();
    for (const Cell& cell : row) lines.back().push_back(Printable(cell.shown));
  }
  std::vector<int> widths(columns_.size(), 0);
  for (const std::vector<std::string>& line : lines) {
    for (size_t i = 0; i < line.size(); ++i) widths[i] = std::max(widths[i], DisplayWidth(line[i]));
  }
  std::string text;
  for (const std::vector<std::string>& line : lines) AppendLine(line, widths, columns_, text);
  return text;
}

std::string Table::ToCsvHeading() const {
  std::vector<std::string> cells;
  for (const Column& column : columns_) {
    if (!column.name.empty()) cells.push_back(Escaped(column.name));
  }
  return absl::StrCat(absl::StrJoin(cells, ","), "\n");
}

std::string Table::ToCsv(bool heading) const {
  std::string text = heading ? ToCsvHeading() : "";
  for (const std::vector<Cell>& row : rows_) {
    std::vector<std::string> cells;
    for (size_t i = 0; i < row.size(); ++i) {
      if (!columns_[i].name.empty()) cells.push_back(Escaped(row[i].raw));
    }
    absl::StrAppend(&text, absl::StrJoin(cells, ","), "\n");
  }
  return text;
}

std::string Table::ToJson() const {
  std::string text;
  for (const std::vector<Cell>& row : rows_) {
    std::vector<std::string> members;
    for (size_t i = 0; i < row.size(); ++i) {
      if (columns_[i].name.empty()) continue;
      members.push_back(absl::StrCat(JsonString(columns_[i].name), ":", JsonString(row[i].raw)));
    }
    absl::StrAppend(&text, "{", absl::StrJoin(members, ","), "}\n");
  }
  return text;
}

}  // namespace skew

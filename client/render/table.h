// Rows and columns, for people and for programs.
#ifndef SKEW_CLIENT_RENDER_TABLE_H_
#define SKEW_CLIENT_RENDER_TABLE_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace skew {

// One column. Either heading may be empty; then the column is only in the other form.
struct Column {
  std::string title;
  // Heading in CSV.
  std::string name = {};
  bool right = false;
};

// One value: as it is shown, and as it stands in CSV.
struct Cell {
  Cell(std::string text) : shown(text), raw(std::move(text)) {}  // NOLINT(google-explicit-constructor): rows are lists
  Cell(const char* text) : Cell(std::string(text)) {}            // NOLINT(google-explicit-constructor)
  Cell(std::string shown_text, std::string raw_text) : shown(std::move(shown_text)), raw(std::move(raw_text)) {}

  std::string shown;
  std::string raw;
};

class Table {
 public:
  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

  // As many cells as there are columns.
  void AddRow(std::vector<Cell> row) { rows_.push_back(std::move(row)); }

  // A heading and a line per row, columns aligned and two spaces apart, no trailing spaces. Control characters come out
  // as '?'.
  std::string ToText() const;

  // RFC 4180 with "\n" line ends: a heading, unless it is not wanted, and a line per row.
  std::string ToCsv(bool heading = true) const;
  std::string ToCsvHeading() const;

  // One JSON object a line for each row: texts under the names of the CSV columns, in their order.
  std::string ToJson() const;

 private:
  const std::vector<Column> columns_;
  std::vector<std::vector<Cell>> rows_;
};

}  // namespace skew

#endif  // SKEW_CLIENT_RENDER_TABLE_H_

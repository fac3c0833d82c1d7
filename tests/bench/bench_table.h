// Figures on their way to a Markdown table.
#ifndef SKEW_TESTS_BENCH_BENCH_TABLE_H_
#define SKEW_TESTS_BENCH_BENCH_TABLE_H_

#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

namespace skew {

// Prints a row as soon as it is known.
class BenchTable {
 public:
  explicit BenchTable(const std::string& title) {
    Print(absl::StrCat("| ", title, " | measured |"));
    Print("|---|---|");
  }
  void Add(const std::string& figure, const std::string& measured) {
    Print(absl::StrCat("| ", figure, " | ", measured, " |"));
  }

 private:
  static void Print(const std::string& line) {
    std::printf("%s\n", line.c_str());
    std::fflush(stdout);
  }
};

}  // namespace skew

#endif  // SKEW_TESTS_BENCH_BENCH_TABLE_H_

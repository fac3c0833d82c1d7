#include "client/text.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace skew {
namespace {

TEST(TextTest, PrintableReplacesWhatTerminalsObey) {
  EXPECT_EQ(Printable("plain ± 漢"), "plain ± 漢");
  EXPECT_EQ(Printable("a\nb\tc\x1b[1m"), "a?b?c?[1m");
  EXPECT_EQ(Printable("\xff\xc3"), "??");
  EXPECT_EQ(Printable("\xe2\x80\xae"), "?");  // right-to-left override
}

TEST(TextTest, DisplayWidthCountsColumns) {
  EXPECT_EQ(DisplayWidth("abc"), 3);
  EXPECT_EQ(DisplayWidth("█▏±"), 3);
  EXPECT_EQ(DisplayWidth("漢字"), 4);
  EXPECT_EQ(DisplayWidth("e\xcc\x81"), 1);
  EXPECT_EQ(DisplayWidth("\x1b[31mred\x1b[0m"), 3);
}

TEST(TextTest, ClipKeepsWholeCharactersAndResetsColour) {
  EXPECT_EQ(Clip("abcdef", 3), "abc");
  EXPECT_EQ(Clip("漢字", 3), "漢");
  EXPECT_EQ(Clip("\x1b[31mred\x1b[0m", 2), "\x1b[31mre\x1b[0m");
  EXPECT_EQ(Clip("abc", 3), "abc");
  EXPECT_EQ(Clip("abc", 0), "");
}

TEST(TextTest, PadsByColumns) {
  EXPECT_EQ(PadRight("±", 3), "±  ");
  EXPECT_EQ(PadLeft("±", 3), "  ±");
  EXPECT_EQ(PadLeft("abcd", 3), "abcd");
}

}  // namespace
}  // namespace skew

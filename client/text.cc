#include "client/text.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "absl/strings/str_cat.h"
#include "absl/types/span.h"

namespace skew {
namespace {

struct CodePoint {
  uint32_t value = 0;
  size_t bytes = 1;
  bool valid = false;
};

// Length of the sequence a lead byte announces; 0 for a byte that leads nothing.
size_t SequenceLength(unsigned char lead) {
  if (lead < 0x80) return 1;
  if (lead >= 0xC2 && lead < 0xE0) return 2;
  if (lead >= 0xE0 && lead < 0xF0) return 3;
  if (lead >= 0xF0 && lead < 0xF5) return 4;
  return 0;
}

bool IsScalarValue(uint32_t value, size_t bytes) {
  if (value >= 0xD800 && value < 0xE000) return false;
  const uint32_t least = bytes == 4 ? 0x10000U : bytes == 3 ? 0x800U : 0U;
  return value >= least && value <= 0x10FFFF;
}

CodePoint FirstCodePoint(absl::string_view text) {
  const auto lead = static_cast<unsigned char>(text[0]);
  const size_t bytes = SequenceLength(lead);
  if (bytes == 0 || bytes > text.size()) return {lead, 1, false};
  if (bytes == 1) return {lead, 1, true};
  uint32_t value = lead & (0xFFU >> (bytes + 1));
  for (size_t i = 1; i < bytes; ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if ((byte & 0xC0U) != 0x80U) return {lead, 1, false};
    value = (value << 6U) | (byte & 0x3FU);
  }
  if (!IsScalarValue(value, bytes)) return {lead, 1, false};
  return {value, bytes, true};
}

bool IsControl(uint32_t value) {
  return value < 0x20 || (value >= 0x7F && value < 0xA0) ||  // C0, DEL, C1
         (value >= 0x200B && value <= 0x200F) || (value >= 0x2028 && value <= 0x202E) ||
         (value >= 0x2066 && value <= 0x2069) || value == 0xFEFF;  // direction marks, separators
}

struct Range {
  uint32_t first;
  uint32_t last;
};

bool IsIn(uint32_t value, absl::Span<const Range> ranges) {
  return std::any_of(ranges.begin(), ranges.end(),
                     [value](const Range& range) { return value >= range.first && value <= range.last; });
}

int WidthOf(uint32_t value) {
  static constexpr Range kCombining[] = {{0x300, 0x36F},   {0x483, 0x489},   {0x591, 0x5BD},   {0x64B, 0x65F},
                                         {0x1AB0, 0x1AFF}, {0x1DC0, 0x1DFF}, {0x20D0, 0x20FF}, {0xFE00, 0xFE0F}};
  static constexpr Range kWide[] = {{0x1100, 0x115F}, {0x2E80, 0xA4CF},   {0xAC00, 0xD7A3},
                                    {0xF900, 0xFAFF}, {0xFE30, 0xFE6F},   {0xFF00, 0xFF60},
                                    {0xFFE0, 0xFFE6}, {0x1F300, 0x1FAFF}, {0x20000, 0x3FFFD}};
  if (value < 0x300) return 1;
  if (IsIn(value, kCombining)) return 0;
  return IsIn(value, kWide) ? 2 : 1;
}

// Bytes of the colour sequence `text` begins with; 0 when it begins with none.
size_t ColourLength(absl::string_view text) {
  if (text.size() < 3 || text[0] != '\x1b' || text[1] != '[') return 0;
  const size_t end = text.find_first_not_of("0123456789;", 2);
  return end != absl::string_view::npos && text[end] == 'm' ? end + 1 : 0;
}

}  // namespace

std::string Printable(absl::string_view text) {
  std::string result;
  while (!text.empty()) {
    const CodePoint point = FirstCodePoint(text);
    if (!point.valid || IsControl(point.value)) {
      result += '?';
    } else {
      absl::StrAppend(&result, text.substr(0, point.bytes));
    }
    text.remove_prefix(point.bytes);
  }
  return result;
}

bool IsUtf8(absl::string_view text) {
  while (!text.empty()) {
    const size_t bytes = CharacterLength(text);
    if (bytes == 0) return false;
    text.remove_prefix(bytes);
  }
  return true;
}

size_t CharacterLength(absl::string_view text) {
  const CodePoint point = FirstCodePoint(text);
  return point.valid ? point.bytes : 0;
}

int DisplayWidth(absl::string_view text) {
  int width = 0;
  while (!text.empty()) {
    if (const size_t colour = ColourLength(text); colour > 0) {
      text.remove_prefix(colour);
      continue;
    }
    const CodePoint point = FirstCodePoint(text);
    width += WidthOf(point.value);
    text.remove_prefix(point.bytes);
  }
  return width;
}

std::string Clip(absl::string_view text, int width) {
  absl::string_view rest = text;
  int taken = 0;
  bool coloured = false;
  while (!rest.empty()) {
    if (const size_t colour = ColourLength(rest); colour > 0) {
      coloured = true;
      rest.remove_prefix(colour);
      continue;
    }
    const CodePoint point = FirstCodePoint(rest);
    taken += WidthOf(point.value);
    if (taken > width) {
      return absl::StrCat(text.substr(0, text.size() - rest.size()), coloured ? "\x1b[0m" : "");
    }
    rest.remove_prefix(point.bytes);
  }
  return std::string(text);
}

std::string PadRight(absl::string_view text, int width) {
  return absl::StrCat(text, std::string(static_cast<size_t>(std::max(0, width - DisplayWidth(text))), ' '));
}

std::string PadLeft(absl::string_view text, int width) {
  return absl::StrCat(std::string(static_cast<size_t>(std::max(0, width - DisplayWidth(text))), ' '), text);
}

}  // namespace skew

#include "client/render/bar.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"

namespace skew {
namespace {

// NaN counts as none.
double Clamped(double share) { return share > 0 ? std::min(share, 1.0) : 0.0; }

std::string Repeat(const char* part, int times) {
  std::string text;
  for (int i = 0; i < times; ++i) text += part;
  return text;
}

}  // namespace

std::string ProgressBar(double share, int width, const Style& style) {
  const int inside = std::max(1, width - 2);
  const int filled = static_cast<int>(std::floor(Clamped(share) * inside));
  return absl::StrCat("[", Repeat(style.unicode ? "█" : "#", filled),
                      Repeat(style.unicode ? "░" : "-", inside - filled), "]");
}

std::string ShareBar(double share, int width, const Style& style) {
  static constexpr const char* kEighths[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
  const double columns = Clamped(share) * std::max(0, width);
  if (!style.unicode) return Repeat("#", static_cast<int>(std::lround(columns)));
  const auto eighths = static_cast<int>(std::lround(columns * 8));
  return absl::StrCat(Repeat("█", eighths / 8), kEighths[eighths % 8]);
}

}  // namespace skew

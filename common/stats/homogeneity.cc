#include "common/stats/homogeneity.h"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "common/stats/divergence.h"

namespace skew::stats {
namespace {

constexpr double kLeastExpected = 5;

// How many of a category either sample has.
using Pair = std::pair<double, double>;

// The categories, rare ones as one, without what neither sample has.
std::vector<Pair> Pooled(absl::Span<const int64_t> a, absl::Span<const int64_t> b, double share_of_smaller) {
  std::vector<Pair> categories;
  Pair rare;
  for (size_t i = 0; i < a.size(); ++i) {
    const Pair one(static_cast<double>(a[i]), static_cast<double>(b[i]));
    if ((one.first + one.second) * share_of_smaller >= kLeastExpected) {
      categories.push_back(one);
    } else {
      rare.first += one.first;
      rare.second += one.second;
    }
  }
  if (rare.first + rare.second > 0) categories.push_back(rare);
  return categories;
}

// What one cell of the table adds to both statistics.
void AddCell(double observed, double expected, Homogeneity& test) {
  test.chi_square += (observed - expected) * (observed - expected) / expected;
  if (observed > 0) test.g += 2 * observed * std::log(observed / expected);
}

}  // namespace

Homogeneity TestHomogeneity(absl::Span<const int64_t> a, absl::Span<const int64_t> b) {
  const double images_a = Sum(a);
  const double images_b = Sum(b);
  const double images = images_a + images_b;
  Homogeneity test;
  if (images_a <= 0 || images_b <= 0) return test;
  const std::vector<Pair> categories = Pooled(a, b, std::min(images_a, images_b) / images);
  test.degrees = static_cast<int>(categories.size()) - 1;
  if (test.degrees < 1) return test;
  for (const auto& [in_a, in_b] : categories) {
    AddCell(in_a, (in_a + in_b) * images_a / images, test);
    AddCell(in_b, (in_a + in_b) * images_b / images, test);
  }
  test.g = std::max(0.0, test.g);
  test.chi_square_p = ChiSquareTail(test.chi_square, test.degrees);
  test.g_p = ChiSquareTail(test.g, test.degrees);
  return test;
}

}  // namespace skew::stats

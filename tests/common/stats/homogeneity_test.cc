#include "common/stats/homogeneity.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <random>
#include <vector>

namespace skew::stats {
namespace {

// By hand: expected 45 and 55 in each sample.
TEST(HomogeneityTest, OfATableThatCanBeDoneByHand) {
  const Homogeneity test = TestHomogeneity({40, 60}, {50, 50});
  EXPECT_EQ(test.degrees, 1);
  EXPECT_NEAR(test.chi_square, 2 * 25.0 / 45 + 2 * 25.0 / 55, 1e-12);
  EXPECT_NEAR(test.chi_square_p, 0.15529, 1e-4);
  EXPECT_NEAR(test.g, 2.02376, 1e-4);
  EXPECT_NEAR(test.g_p, 0.15486, 1e-4);
}

TEST(HomogeneityTest, EqualSamplesAreEqual) {
  const Homogeneity test = TestHomogeneity({400, 600, 17}, {400, 600, 17});
  EXPECT_EQ(test.chi_square, 0);
  EXPECT_NEAR(test.g, 0, 1e-9);
  EXPECT_EQ(test.chi_square_p, 1);
}

TEST(HomogeneityTest, RareCategoriesAreOne) {
  EXPECT_EQ(TestHomogeneity({500, 500, 3, 0, 1}, {480, 520, 0, 2, 3}).degrees, 2);
  EXPECT_EQ(TestHomogeneity({500, 500, 0}, {480, 520, 0}).degrees, 1);
}

TEST(HomogeneityTest, WhatCannotToldApartIsTheSame) {
  EXPECT_EQ(TestHomogeneity({}, {}).chi_square_p, 1);
  EXPECT_EQ(TestHomogeneity({0, 0}, {1, 2}).chi_square_p, 1);
  EXPECT_EQ(TestHomogeneity({1000, 0}, {1000, 0}).chi_square_p, 1);
  EXPECT_EQ(TestHomogeneity({2, 1}, {1, 2}).chi_square_p, 1);
}

TEST(HomogeneityTest, FalseAlarmsAreAsRareAsP) {
  std::mt19937 generator(1);
  std::discrete_distribution<size_t> draw({0.5, 0.3, 0.15, 0.04, 0.01});
  int below = 0;
  int g_below = 0;
  constexpr int kTables = 2000;
  for (int i = 0; i < kTables; ++i) {
    std::vector<int64_t> a(5, 0);
    std::vector<int64_t> b(5, 0);
    for (int n = 0; n < 1000; ++n) ++a[draw(generator)];
    for (int n = 0; n < 1000; ++n) ++b[draw(generator)];
    const Homogeneity test = TestHomogeneity(a, b);
    below += test.chi_square_p < 0.05 ? 1 : 0;
    g_below += test.g_p < 0.05 ? 1 : 0;
  }
  EXPECT_NEAR(below, kTables * 0.05, 40);  // four standard deviations
  EXPECT_NEAR(g_below, kTables * 0.05, 45);
}

}  // namespace
}  // namespace skew::stats

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <iostream>
#include <iterator>

#include "common/stats/claims.h"
#include "common/stats/rank_tests.h"
#include "tests/common/stats/coverage.h"
#include "tests/common/stats/simulation.h"
#include "tests/common/stats/studies.h"

namespace skew::stats {
namespace {

using ::testing::HasSubstr;

// Over-dispersion that shrinks as the share grows, by construction: deviations of a fixed pattern, of a variance that
// is rho times that of a single image.
TEST(ClaimsTrendsTest, PredictabilityGrowsWithTheShare) {
  Study study;
  const std::pair<int64_t, double> points[] = {{100, 0.008}, {250, 0.006}, {500, 0.003}, {1000, 0.001}, {2000, 0.0003}};
  for (const auto& [count, rho] : points) {
    const double pi = static_cast<double>(count) / static_cast<double>(count + 4000);
    for (int i = 0; i < 6; ++i) {
      const double deviation = std::sqrt(rho * pi * (1 - pi)) * (i - 2.5) / 1.870829;  // the pattern's sd
      const auto own = static_cast<int64_t>(kImages * (pi + deviation));
      study.runs.push_back(MakeRun("dcgan", Family::kGan, i, {{0, 2000}, {1, count}, {2, 2000}},
                                   {{0, (kImages - own) / 2}, {1, own}, {2, (kImages - own) / 2}}));
    }
  }
  const Finding finding = FindingOf(Analyse(study).findings, "H5");
  EXPECT_EQ(finding.label, 1);
  EXPECT_EQ(finding.units, 5);
  EXPECT_EQ(finding.unit, "bias points");
  EXPECT_EQ(finding.raw.statistic, 0);
  EXPECT_EQ(finding.null, 1);
  // The median of the ten pairs' slopes of log2 rho (what independent images add is in it): between -1.292, of 250 and
  // 1000 images, and -1.096, of 100 and 2000.
  EXPECT_NEAR(finding.raw.effect, std::exp2((-1.292 - 1.096) / 4), 2e-3);
  EXPECT_TRUE(finding.raw.interval->Contains(finding.raw.effect));
  EXPECT_LT(finding.raw.interval->high, 1);
  EXPECT_NEAR(*finding.raw.p, 2 / 120.0, 1e-12);  // one of the 120 orders of five values falls all the way
}

// A point at which the runs do not differ at all has a variance of 0, which has no logarithm.
TEST(ClaimsTrendsTest, PredictabilityIsKnownWhereRunsDoNotDiffer) {
  Study study = OneArm({.rho = 0.002}, 4);
  for (StudyRun& run : study.runs) {
    if (run.trained.at(1) == 4000) run.counts = {{0, 2500}, {1, 5000}, {2, 2500}};
  }
  const Finding finding = FindingOf(Analyse(study).findings, "H5");
  EXPECT_EQ(finding.units, 7);
  EXPECT_GT(finding.raw.effect, 0.1);
  EXPECT_LT(finding.raw.effect, 1);
  EXPECT_GT(finding.raw.interval->low, 0.05);
}

// Seven bias points whose standard deviation, beside that of single images, is halved from each to the next.
std::vector<double> HalvedRhos() {
  std::vector<double> rhos;
  rhos.reserve(std::size(kVariedCounts));
  for (size_t i = 0; i < std::size(kVariedCounts); ++i) rhos.push_back(0.004 * std::pow(0.25, static_cast<double>(i)));
  return rhos;
}

void AddRunsWith(const std::vector<double>& rhos, Random& random, Study& study) {
  for (size_t i = 0; i < rhos.size(); ++i) {
    const int64_t count = kVariedCounts[i];
    const double pi = static_cast<double>(count) / static_cast<double>(count + 2 * kFixedCount);
    for (int iteration = 0; iteration < kIterations; ++iteration) {
      const double share = pi + std::sqrt(rhos[i] * pi * (1 - pi)) * random.Normal();
      const int64_t own = random.Binomial(kImages, std::clamp(share, 0.0, 1.0));
      study.runs.push_back(MakeRun("dcgan", Family::kGan, iteration, {{0, kFixedCount}, {1, count}, {2, kFixedCount}},
                                   {{0, (kImages - own) / 2}, {1, own}, {2, kImages - own - (kImages - own) / 2}}));
    }
  }
}

// What is to be covered: the slope without the chance of five iterations.
double TrueEffect(const std::vector<double>& rhos) {
  std::vector<double> x;
  std::vector<double> y;
  x.reserve(rhos.size());
  y.reserve(rhos.size());
  for (size_t i = 0; i < rhos.size(); ++i) {
    x.push_back(
        std::log2(static_cast<double>(kVariedCounts[i])));  // the others' counts stay: the odds but for a factor
    y.push_back(std::log2(rhos[i] + 1.0 / kImages));
  }
  return std::exp2(TheilSenSlope(x, y)->slope / 2);
}

TEST(ClaimsTrendsTest, PredictabilityIsCovered) {
  const std::vector<double> same(std::size(kVariedCounts), 0.001);
  for (const std::vector<double>& rhos : {same, HalvedRhos()}) {
    const double truth = TrueEffect(rhos);
    Random random(25);
    Coverage covered;
    Coverage rejected;
    for (int i = 0; i < 400; ++i) {
      Study study;
      AddRunsWith(rhos, random, study);
      const ClaimTest test = FindingOf(Analyse(study).findings, "H5").raw;
      covered.Add(test.interval->Contains(truth));
      rejected.Add(*test.p <= 0.05);
      // The interval and the test are one.
      EXPECT_EQ(test.interval->Contains(1), *test.p > 0.05);
    }
    std::cout << "sd per doubling " << truth << ": covered " << covered.rate() << ", trend in " << rejected.rate()
              << "\n";
    EXPECT_GE(covered.rate(), 0.93);
    if (truth == 1) {
      EXPECT_LE(rejected.rate(), 0.06);
    } else {
      EXPECT_GE(rejected.rate(), 0.4);
    }
  }
}

// Two jobs whose bias points are not the same: only what both have has a rho over all iterations.
TEST(ClaimsTrendsTest, PredictabilityIsOfBiasPointsThatAllIterationsHave) {
  const Study whole = OneArm({.noise = 0.2}, 4);
  Study study = whole;
  study.runs.clear();
  Study apart = study;
  for (StudyRun run : whole.runs) {
    const bool second = run.iteration >= 2;
    const bool rare = run.trained.at(1) < 500;
    run.job = second ? "j2" : "j1";
    run.job_seed = second ? 1 : 0;
    if (!second || !rare) study.runs.push_back(run);
    if (second != rare) apart.runs.push_back(run);
  }
  EXPECT_EQ(FindingOf(Analyse(study).findings, "H5").units, 4);
  EXPECT_THAT(FindingOf(Analyse(apart).findings, "H5").note, HasSubstr("needs three bias points"));
}

TEST(ClaimsTrendsTest, LossGoesWithTheMinority) {
  Study study = OneArm({.arm = "dcgan", .family = Family::kGan, .noise = 0.1}, 3);
  for (StudyRun& run : study.runs) {
    run.largest_generator_loss = 10 - 0.001 * static_cast<double>(run.trained.at(1)) + 0.1 * run.iteration;
  }
  // From 2000 on the others are the minority: the loss goes on falling while the minority's share does not grow.
  const Finding finding = FindingOf(Analyse(study).findings, "H7");
  EXPECT_EQ(finding.units, 21);
  EXPECT_NEAR(finding.raw.effect, -0.936, 0.005);
  EXPECT_EQ(finding.raw.verdict, Verdict::kSupported);
  EXPECT_FALSE(finding.corrected.has_value());
}

}  // namespace
}  // namespace skew::stats

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "common/stats/claims.h"
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
  EXPECT_EQ(finding.raw.effect, -1);
  EXPECT_TRUE(finding.raw.interval->Contains(finding.raw.effect));
  EXPECT_NEAR(*finding.raw.p, 2 / 120.0, 1e-12);  // one of the 120 orders of five values falls all the way
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
  EXPECT_LT(finding.raw.effect, -0.5);
  EXPECT_EQ(finding.raw.verdict, Verdict::kSupported);
  EXPECT_FALSE(finding.corrected.has_value());
}

}  // namespace
}  // namespace skew::stats

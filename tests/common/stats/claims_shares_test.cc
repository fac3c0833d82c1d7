#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "common/stats/amplification.h"
#include "common/stats/claims.h"
#include "common/stats/power.h"
#include "common/stats/student.h"
#include "tests/common/stats/simulation.h"
#include "tests/common/stats/studies.h"

namespace skew::stats {
namespace {

using ::testing::HasSubstr;

TEST(ClaimsSharesTest, SlopeVerdicts) {
  const auto verdict = [](const Generator& generator) {
    const Analysis analysis = Analyse(OneArm(generator, 8));
    const Finding finding = FindingOf(analysis.findings, "H1");
    EXPECT_EQ(finding.label, 1);
    EXPECT_EQ(finding.units, 8);
    EXPECT_EQ(finding.raw.verdict, finding.corrected->verdict);
    return finding.corrected->verdict;
  };
  EXPECT_EQ(verdict({.beta = 1.3, .noise = 0.2}), Verdict::kSupported);
  EXPECT_EQ(verdict({.beta = 0.7, .noise = 0.2}), Verdict::kOpposite);
  EXPECT_EQ(verdict({.beta = 1, .noise = 0.1}), Verdict::kPreserved);
  EXPECT_EQ(verdict({.beta = 1, .noise = 1.5}), Verdict::kUndecided);
  // Certainly above 1, but by less than matters.
  EXPECT_EQ(verdict({.beta = 1.05, .noise = 0.02}), Verdict::kPreserved);
}

// The slope of each iteration's least squares line, and Student's t over the iterations.
TEST(ClaimsSharesTest, SlopeByHand) {
  const Study study = OneArm({.beta = 1.2, .noise = 0.5}, 3);
  std::vector<double> slopes;
  for (int iteration = 0; iteration < 3; ++iteration) {
    std::vector<double> x;
    std::vector<double> y;
    for (const StudyRun& run : study.runs) {
      if (run.iteration != iteration) continue;
      const double n = static_cast<double>(run.counts.at(0) + run.counts.at(1) + run.counts.at(2));
      x.push_back(std::log(static_cast<double>(run.trained.at(1)) / 4000));
      y.push_back(
          std::log((static_cast<double>(run.counts.at(1)) + 0.5) / (n - static_cast<double>(run.counts.at(1)) + 0.5)));
    }
    slopes.push_back(FitLine(x, y)->slope);
  }
  const MeanEstimate expected = EstimateMean(slopes);
  const Finding finding = FindingOf(Analyse(study).findings, "H1");
  EXPECT_NEAR(finding.raw.effect, expected.mean, 1e-9);
  EXPECT_NEAR(finding.raw.interval->low, expected.interval->low, 1e-6);
  EXPECT_NEAR(finding.raw.interval->high, expected.interval->high, 1e-6);
}

TEST(ClaimsSharesTest, OneIterationIsReadFromItsLine) {
  const Finding finding = FindingOf(Analyse(OneArm({.beta = 1.3, .noise = 0.05}, 1)).findings, "H1");
  const Study study = OneArm({.beta = 1.3, .noise = 0.05}, 1);
  std::vector<double> x;
  std::vector<double> y;
  for (const StudyRun& run : study.runs) {
    x.push_back(Logit(static_cast<double>(run.trained.at(1)) / static_cast<double>(run.trained.at(1) + 4000)));
    y.push_back(SmoothedLogit(static_cast<double>(run.counts.at(1)) / kImages, kImages));
  }
  const auto line = FitLine(x, y);
  EXPECT_NEAR(finding.raw.effect, line->slope, 1e-9);
  EXPECT_NEAR(finding.raw.interval->high - line->slope, 2.570582 * *line->slope_error, 1e-5);  // t with 7 - 2 degrees
  EXPECT_NEAR(line->slope - finding.raw.interval->low, 2.570582 * *line->slope_error, 1e-5);
  EXPECT_TRUE(finding.raw.p.has_value());
  EXPECT_THAT(finding.note, HasSubstr("one iteration"));
}

// Small shares are halved and more, large ones made up for: on average nothing seems to happen.
TEST(ClaimsSharesTest, ASlopeThatIsNoLineIsSaidToBeNone) {
  Study study;
  for (int i = 0; i < 4; ++i) {
    for (const int64_t count : kVariedCounts) {
      const double x = Logit(static_cast<double>(count) / static_cast<double>(count + 4000));
      const double middle = Logit(500.0 / 4500);
      const double y = middle + (x < middle ? 0.7 : 1.2) * (x - middle) + 0.01 * i * x;
      const auto own = static_cast<int64_t>(std::lround(kImages / (1 + std::exp(-y))));
      study.runs.push_back(MakeRun("vae", Family::kVae, i, {{0, 2000}, {1, count}, {2, 2000}},
                                   {{0, (kImages - own) / 2}, {1, own}, {2, (kImages - own) / 2}}));
    }
  }
  EXPECT_THAT(FindingOf(Analyse(study).findings, "H1").note,
              HasSubstr("the slope is 0.71 over the smaller training shares and 1.21 over the larger ones"));
  EXPECT_THAT(FindingOf(Analyse(OneArm({.beta = 1.3, .noise = 0.1}, 5)).findings, "H1").note,
              testing::Not(HasSubstr("not a line")));
}

TEST(ClaimsSharesTest, ClassesAtEqualCounts) {
  Study study;
  const std::map<int, int64_t> balanced = {{0, 2000}, {1, 2000}, {2, 2000}};
  for (int i = 0; i < 6; ++i) {
    study.runs.push_back(
        MakeRun("dcgan", Family::kGan, i, balanced, {{0, 3000 + 20 * i}, {1, 4000 + 10 * i}, {2, 3000}}));
  }
  const Analysis analysis = Analyse(study);
  const Finding share = FindingOf(analysis.findings, "H4", "balanced");
  EXPECT_EQ(share.raw.verdict, Verdict::kSupported);
  EXPECT_NEAR(share.raw.effect, Logit(0.4) - Logit(1.0 / 3), 0.02);
  const Finding excess = FindingOf(analysis.findings, "H4", "amplification");
  EXPECT_EQ(excess.raw.verdict, Verdict::kSupported);
  EXPECT_NEAR(excess.raw.effect, 0.43858, 1e-4);  // the Delta of class 1, 0.2857, less the mean of the others'
  EXPECT_EQ(FindingOf(analysis.findings, "H8").raw.verdict, Verdict::kSupported);
  EXPECT_EQ(FindingOf(Analyse(study, {.focus_class = 2}).findings, "H4", "balanced").raw.verdict, Verdict::kOpposite);
  EXPECT_THAT(FindingOf(analysis.findings, "H1").note, HasSubstr("bias points"));
}

// The p-value pays for having looked at three classes, and so does the number of iterations that would decide.
TEST(ClaimsSharesTest, APlanForTheStrongestOfThreeClassesPaysForAll) {
  Study study;
  std::vector<double> deltas;
  for (int i = 0; i < 4; ++i) {
    const int64_t own = 3300 + 200 * i;
    study.runs.push_back(MakeRun(
        "dcgan", Family::kGan, i, {{0, 2000}, {1, 2000}, {2, 2000}},
        {{0, (kImages - own) / 2 + int64_t{40} * i * i}, {1, own}, {2, (kImages - own) / 2 - int64_t{40} * i * i}}));
    deltas.push_back(SmoothedLogit(static_cast<double>(own) / kImages, kImages) - Logit(1.0 / 3));
  }
  const Analysis analysis = Analyse(study);
  const Finding finding = FindingOf(analysis.findings, "H8");
  ASSERT_EQ(finding.label, 1);
  ASSERT_EQ(finding.raw.verdict, Verdict::kUndecided);
  const auto tests = std::count_if(analysis.findings.begin(), analysis.findings.end(),
                                   [](const Finding& one) { return one.raw.p.has_value(); });
  const PlannedMean planned = {.effect = Mean(deltas), .sd = std::sqrt(Variance(deltas))};
  EXPECT_EQ(finding.raw.units_needed, RunsNeeded(planned, 0, 0.05 / 3 / static_cast<double>(tests)));
  EXPECT_GT(*finding.raw.units_needed, *RunsNeeded(planned, 0, 0.05 / static_cast<double>(tests)));
  // Student's t with 3 degrees of freedom at 1 - 0.05 / 6.
  const double half_width = 4.856656 * std::sqrt(Variance(deltas) / 4);
  EXPECT_NEAR(finding.raw.interval->low, Mean(deltas) - half_width, 1e-5);
  EXPECT_NEAR(finding.raw.interval->high, Mean(deltas) + half_width, 1e-5);
}

// Class 1 has certainly a little more than its share, which alone would be as good as none; what the others have nobody
// can tell.
TEST(ClaimsSharesTest, SharesAreEqualOnlyWhenAllOfThemAre) {
  Study study;
  for (int i = 0; i < 6; ++i) {
    const int64_t more = 600 * (i % 2 == 0 ? 1 : -1);
    study.runs.push_back(MakeRun("dcgan", Family::kGan, i, {{0, 2000}, {1, 2000}, {2, 2000}},
                                 {{0, 3300 + more}, {1, 3400 + i}, {2, 3300 - more - i}}));
  }
  const Finding finding = FindingOf(Analyse(study).findings, "H8");
  EXPECT_EQ(finding.label, 1);
  EXPECT_LT(*finding.raw.p, 0.001);
  EXPECT_GT(*finding.raw.equivalence_p, 0.05);
  EXPECT_EQ(finding.raw.verdict, Verdict::kSupported);
}

// Two classes that differ only by what the judge gets wrong: a class effect for the raw shares, none for the corrected.
TEST(ClaimsSharesTest, TheJudgesErrorIsNoClassEffect) {
  Study study;
  study.judges.push_back({3, {450, 50, 0, 0, 500, 0, 0, 0, 500}});
  Random random(3);
  for (int i = 0; i < 6; ++i) {
    const std::vector<int64_t> counts = random.Multinomial(kImages, {0.3, 1.0 / 3 + 1.0 / 30, 1.0 / 3});
    StudyRun run = MakeRun("resample", Family::kOther, i, {{0, 2000}, {1, 2000}, {2, 2000}},
                           {{0, counts[0]}, {1, counts[1]}, {2, counts[2]}});
    run.judge = 0;
    study.runs.push_back(run);
  }
  const Finding finding = FindingOf(Analyse(study).findings, "H8");
  EXPECT_EQ(finding.raw.verdict, Verdict::kSupported);
  EXPECT_NE(finding.corrected->verdict, Verdict::kSupported);
  EXPECT_NEAR(finding.corrected->effect, 0, 0.06);
}

// Raw shares and corrected ones may be off most certainly in different classes.
TEST(ClaimsSharesTest, TheClassOfAnEffectIsThatOfTheJudgedShares) {
  Study study;
  study.judges.push_back({3, {400, 100, 0, 0, 500, 0, 0, 0, 500}});  // takes a fifth of the 0s for 1s
  Random random(4);
  for (int i = 0; i < 6; ++i) {
    const std::vector<int64_t> counts = random.Multinomial(kImages, {0.8 * 0.36, 0.30 + 0.2 * 0.36, 0.34});
    StudyRun run = MakeRun("dcgan", Family::kGan, i, {{0, 2000}, {1, 2000}, {2, 2000}},
                           {{0, counts[0]}, {1, counts[1]}, {2, counts[2]}});
    run.judge = 0;
    study.runs.push_back(run);
  }
  const Finding finding = FindingOf(Analyse(study).findings, "H8");
  EXPECT_EQ(finding.label, 0);
  EXPECT_NEAR(finding.raw.effect, Logit(0.288) - Logit(1.0 / 3), 0.03);
  EXPECT_NEAR(finding.corrected->effect, Logit(0.30) - Logit(1.0 / 3), 0.05);
  EXPECT_THAT(finding.note, HasSubstr("corrected, that is class 1"));
}

}  // namespace
}  // namespace skew::stats

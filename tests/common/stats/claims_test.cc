#include "common/stats/claims.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "common/stats/amplification.h"
#include "common/stats/student.h"
#include "tests/common/stats/simulation.h"

namespace skew::stats {
namespace {

using ::testing::HasSubstr;

constexpr int64_t kImages = 10'000;

// A run of three classes at the given training counts, with these generated counts.
StudyRun Run(const std::string& arm, Family family, int iteration, std::map<int, int64_t> trained,
             std::map<int, int64_t> counts) {
  StudyRun run;
  run.arm = arm;
  run.family = family;
  run.job = "j1";
  run.iteration = iteration;
  run.images = std::to_string(iteration);
  for (const auto& [label, count] : trained) run.images += "/" + std::to_string(count);
  run.seed = static_cast<uint32_t>(iteration);
  run.trained = std::move(trained);
  run.counts = std::move(counts);
  return run;
}

Analysis Analyse(const Study& study, AnalysisOptions options = {}) {
  const absl::StatusOr<Analysis> analysis = AnalyseStudy(study, options);
  EXPECT_TRUE(analysis.ok()) << analysis.status();
  return analysis.ok() ? *analysis : Analysis();
}

// Judged by a perfect judge, generated as said.
Study OneArm(const Generator& generator, int iterations) {
  Random random(20);
  return SimulateStudy(generator, iterations, kImages, PerfectJudge(), random);
}

TEST(ClaimsTest, EveryClaimHasAFindingAlsoWithoutRuns) {
  const Analysis analysis = Analyse({});
  EXPECT_EQ(analysis.runs, 0);
  for (const char* claim : {"H1", "H2", "H3", "H4", "H5", "H6", "H7", "H8"}) {
    const Finding finding = FindingOf(analysis.findings, claim);
    EXPECT_EQ(finding.raw.verdict, Verdict::kUndecided);
    EXPECT_THAT(finding.note, HasSubstr("needs")) << claim;
  }
}

TEST(ClaimsTest, SlopeVerdicts) {
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
TEST(ClaimsTest, SlopeByHand) {
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

TEST(ClaimsTest, OneIterationIsReadFromItsLine) {
  const Finding finding = FindingOf(Analyse(OneArm({.beta = 1.3, .noise = 0.05}, 1)).findings, "H1");
  EXPECT_NEAR(finding.raw.effect, 1.3, 0.1);
  EXPECT_TRUE(finding.raw.p.has_value());
  EXPECT_THAT(finding.note, HasSubstr("one iteration"));
}

TEST(ClaimsTest, RunsThatRepeatAnotherCountOnce) {
  Study study = OneArm({.beta = 1.2, .noise = 0.3}, 4);
  const Analysis once = Analyse(study);
  Study twice = study;
  for (StudyRun run : study.runs) {
    run.job = "j2";  // the same spec, submitted again
    twice.runs.push_back(run);
  }
  const Analysis again = Analyse(twice);
  EXPECT_EQ(again.runs, once.runs);
  EXPECT_EQ(FindingOf(again.findings, "H1").raw.p, FindingOf(once.findings, "H1").raw.p);
}

TEST(ClaimsTest, JobsWithOtherSeedsAddUp) {
  Study study = OneArm({.beta = 1.2, .noise = 0.3}, 4);
  const size_t runs = study.runs.size();
  for (size_t i = 0; i < runs; ++i) {
    StudyRun run = study.runs[i];
    run.job = "j2";
    run.seed += 100;
    run.images += "'";
    study.runs.push_back(run);
  }
  EXPECT_EQ(FindingOf(Analyse(study).findings, "H1").units, 8);
}

// The GAN moves mass from class 1 by a tenth, more or less, the VAE by a hundredth.
Study TwoFamilies() {
  Study study;
  const std::map<int, int64_t> trained = {{0, 2000}, {1, 1000}, {2, 2000}};
  for (int i = 0; i < 8; ++i) {
    const int64_t wobble = i % 2 == 0 ? 400 : -400;
    StudyRun gan = Run("dcgan", Family::kGan, i, trained, {{0, 4500 - wobble}, {1, 1000 + wobble + i}, {2, 4500}});
    StudyRun vae = Run("vae", Family::kVae, i, trained, {{0, 4050}, {1, 1900 + 3 * i}, {2, 4050}});
    gan.vendi = {{0, 5.0 + i}, {1, 6.0}};
    vae.vendi = {{0, 3.0}, {1, 4.0}};
    gan.frechet = {{0, 1.0}};
    vae.frechet = {{0, 2.0 + 0.1 * i}};
    study.runs.push_back(gan);
    study.runs.push_back(vae);
  }
  return study;
}

TEST(ClaimsTest, GanAgainstVae) {
  const Analysis analysis = Analyse(TwoFamilies());
  const Finding bias = FindingOf(analysis.findings, "H2", "bias");
  EXPECT_EQ(bias.arm, "dcgan");
  EXPECT_EQ(bias.against, "vae");
  EXPECT_EQ(bias.units, 8);
  EXPECT_EQ(bias.raw.statistic, 36);  // all eight pairs
  EXPECT_EQ(*bias.raw.p, 2 / 256.0);
  EXPECT_NEAR(bias.raw.effect, 0.09, 0.05);
  const Finding erratic = FindingOf(analysis.findings, "H2", "erratic");
  EXPECT_GT(erratic.raw.effect, 10);
  EXPECT_GT(erratic.raw.interval->low, 1);
  EXPECT_LT(*erratic.raw.p, 0.05);
  EXPECT_EQ(FindingOf(analysis.findings, "H3", "closer").raw.p, bias.raw.p);
  EXPECT_EQ(FindingOf(analysis.findings, "H3", "less diverse").raw.statistic, 36);
  EXPECT_EQ(FindingOf(analysis.findings, "H3", "less sharp").raw.statistic, 36);
  EXPECT_FALSE(bias.corrected.has_value());  // there is no judge to correct for
}

TEST(ClaimsTest, RunsOnOtherImagesAreNoPairs) {
  Study study = TwoFamilies();
  for (StudyRun& run : study.runs) {
    if (run.family == Family::kVae) run.images += " of another draw";
  }
  EXPECT_THAT(FindingOf(Analyse(study).findings, "H2").note, HasSubstr("same images"));
}

TEST(ClaimsTest, FiveIterationsAtOnePointCannotDecideByRanks) {
  Study study = TwoFamilies();
  study.runs.resize(10);
  const Finding bias = FindingOf(Analyse(study).findings, "H2", "bias");
  EXPECT_EQ(bias.raw.p, 0.0625);
  EXPECT_EQ(bias.raw.verdict, Verdict::kUndecided);
  EXPECT_GT(*bias.raw.units_needed, 5);
}

TEST(ClaimsTest, ClassesAtEqualCounts) {
  Study study;
  const std::map<int, int64_t> balanced = {{0, 2000}, {1, 2000}, {2, 2000}};
  for (int i = 0; i < 6; ++i) {
    study.runs.push_back(Run("dcgan", Family::kGan, i, balanced, {{0, 3000 + 20 * i}, {1, 4000 + 10 * i}, {2, 3000}}));
  }
  const Analysis analysis = Analyse(study);
  const Finding share = FindingOf(analysis.findings, "H4", "balanced");
  EXPECT_EQ(share.raw.verdict, Verdict::kSupported);
  EXPECT_NEAR(share.raw.effect, Logit(0.4) - Logit(1.0 / 3), 0.02);
  EXPECT_EQ(FindingOf(analysis.findings, "H4", "amplification").raw.verdict, Verdict::kSupported);
  EXPECT_EQ(FindingOf(analysis.findings, "H8").raw.verdict, Verdict::kSupported);
  EXPECT_EQ(FindingOf(Analyse(study, {.focus_class = 2}).findings, "H4", "balanced").raw.verdict, Verdict::kOpposite);
  EXPECT_THAT(FindingOf(analysis.findings, "H1").note, HasSubstr("bias points"));
}

// Two classes that differ only by what the judge gets wrong: a class effect for the raw shares, none for the corrected.
TEST(ClaimsTest, TheJudgesErrorIsNoClassEffect) {
  Study study;
  study.judges.push_back({3, {450, 50, 0, 0, 500, 0, 0, 0, 500}});
  Random random(3);
  for (int i = 0; i < 6; ++i) {
    const std::vector<int64_t> counts = random.Multinomial(kImages, {0.3, 1.0 / 3 + 1.0 / 30, 1.0 / 3});
    StudyRun run = Run("resample", Family::kOther, i, {{0, 2000}, {1, 2000}, {2, 2000}},
                       {{0, counts[0]}, {1, counts[1]}, {2, counts[2]}});
    run.judge = 0;
    study.runs.push_back(run);
  }
  const Finding finding = FindingOf(Analyse(study).findings, "H8");
  EXPECT_EQ(finding.raw.verdict, Verdict::kSupported);
  EXPECT_NE(finding.corrected->verdict, Verdict::kSupported);
  EXPECT_NEAR(finding.corrected->effect, 0, 0.06);
}

// Over-dispersion that shrinks as the share grows, by construction: deviations of a fixed pattern, of a variance that
// is rho times that of a single image.
TEST(ClaimsTest, PredictabilityGrowsWithTheShare) {
  Study study;
  const std::pair<int64_t, double> points[] = {{100, 0.008}, {500, 0.003}, {1000, 0.001}, {2000, 0.0003}};
  for (const auto& [count, rho] : points) {
    const double pi = static_cast<double>(count) / static_cast<double>(count + 4000);
    for (int i = 0; i < 6; ++i) {
      const double deviation = std::sqrt(rho * pi * (1 - pi)) * (i - 2.5) / 1.870829;  // the pattern's sd
      const auto own = static_cast<int64_t>(kImages * (pi + deviation));
      study.runs.push_back(Run("dcgan", Family::kGan, i, {{0, 2000}, {1, count}, {2, 2000}},
                               {{0, (kImages - own) / 2}, {1, own}, {2, (kImages - own) / 2}}));
    }
  }
  const Finding finding = FindingOf(Analyse(study).findings, "H5");
  EXPECT_EQ(finding.label, 1);
  EXPECT_EQ(finding.units, 24);
  EXPECT_LT(finding.raw.effect, -0.2);
  EXPECT_TRUE(finding.raw.interval->Contains(finding.raw.effect));
  EXPECT_LT(*finding.raw.p, 0.05);
}

TEST(ClaimsTest, LossGoesWithTheMinority) {
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

TEST(ClaimsTest, FirstBatchesSteer) {
  Study study;
  for (int i = 0; i < 8; ++i) {
    for (const FirstBatches order : {FirstBatches::kMinorityFirst, FirstBatches::kMajorityFirst}) {
      const int64_t own = order == FirstBatches::kMinorityFirst ? 1200 + 20 * i : 800 + 10 * i;
      StudyRun run = Run("dcgan", Family::kGan, i, {{0, 2000}, {1, 500}, {2, 2000}},
                         {{0, (kImages - own) / 2}, {1, own}, {2, (kImages - own) / 2}});
      run.first_batches = order;
      study.runs.push_back(run);
    }
  }
  const Analysis analysis = Analyse(study);
  const Finding finding = FindingOf(analysis.findings, "H6");
  EXPECT_EQ(finding.units, 8);
  EXPECT_EQ(finding.raw.p, 2 / 256.0);
  EXPECT_NEAR(finding.raw.effect, Logit(0.127) - Logit(0.0835), 0.03);
  // Elsewhere the two orders are arms of their own.
  EXPECT_EQ(FindingOf(analysis.findings, "H4").arm, "dcgan majority first");
}

TEST(ClaimsTest, HolmCountsAllFindings) {
  const Analysis analysis = Analyse(TwoFamilies());
  int tests = 0;
  double smallest = 1;
  for (const Finding& finding : analysis.findings) {
    if (!finding.raw.p.has_value()) continue;
    ++tests;
    smallest = std::min(smallest, *finding.raw.p);
    EXPECT_GE(*finding.raw.adjusted_p, *finding.raw.p);
  }
  EXPECT_GE(tests, 5);
  bool found = false;
  for (const Finding& finding : analysis.findings) {
    if (finding.raw.p == smallest) found |= std::abs(*finding.raw.adjusted_p - std::min(1.0, tests * smallest)) < 1e-12;
  }
  EXPECT_TRUE(found);
}

TEST(ClaimsTest, RefusesWhatCannotBeAnalysedTogether) {
  Study study = TwoFamilies();
  study.runs[1].trained = {{0, 1}, {1, 1}};
  EXPECT_THAT(AnalyseStudy(study, {}).status().message(), HasSubstr("other classes"));
  study = TwoFamilies();
  study.runs[1].counts = {{0, 0}, {1, 0}, {2, 0}};
  EXPECT_THAT(AnalyseStudy(study, {}).status().message(), HasSubstr("no accepted image"));
  EXPECT_THAT(AnalyseStudy(TwoFamilies(), {.focus_class = 7}).status().message(), HasSubstr("class 7"));
}

TEST(ClaimsTest, TheSameStudyHasTheSameFindings) {
  Study study = OneArm({.arm = "dcgan", .family = Family::kGan, .noise = 0.3}, 4);
  Random random(21);
  AddRuns({.arm = "vae", .family = Family::kVae, .noise = 0.2}, 4, kImages, PerfectJudge(), 0, random, study);
  const Analysis first = Analyse(study);
  const Analysis second = Analyse(study);
  ASSERT_EQ(first.findings.size(), second.findings.size());
  for (size_t i = 0; i < first.findings.size(); ++i) {
    EXPECT_EQ(first.findings[i].raw.p, second.findings[i].raw.p);
    ASSERT_EQ(first.findings[i].corrected.has_value(), second.findings[i].corrected.has_value());
    if (first.findings[i].corrected) EXPECT_EQ(first.findings[i].corrected->p, second.findings[i].corrected->p);
  }
}

}  // namespace
}  // namespace skew::stats

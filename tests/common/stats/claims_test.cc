#include "common/stats/claims.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "common/stats/amplification.h"
#include "common/stats/student.h"
#include "tests/common/stats/simulation.h"

namespace skew::stats {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr int64_t kImages = 10'000;

// A run of three classes at the given training counts, with these generated counts.
StudyRun MakeRun(const std::string& arm, Family family, int iteration, std::map<int, int64_t> trained,
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
    run.job_seed = 1;
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
    StudyRun gan = MakeRun("dcgan", Family::kGan, i, trained, {{0, 4500 - wobble}, {1, 1000 + wobble + i}, {2, 4500}});
    StudyRun vae = MakeRun("vae", Family::kVae, i, trained, {{0, 4050}, {1, 1900 + 3 * i}, {2, 4050}});
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
  EXPECT_EQ(bias.raw.statistic_name, "t");
  EXPECT_LT(*bias.raw.p, 0.001);
  EXPECT_NEAR(bias.raw.effect, 0.09, 0.05);
  EXPECT_THAT(bias.note, HasSubstr("p = 0.0078 by signed ranks, 0.0078 by sign flips"));  // 2 / 256: all eight above 0
  const Finding erratic = FindingOf(analysis.findings, "H2", "erratic");
  EXPECT_GT(erratic.raw.effect, 10);
  EXPECT_GT(erratic.raw.interval->low, 1);
  EXPECT_LT(*erratic.raw.p, 0.05);
  const Finding diverse = FindingOf(analysis.findings, "H3", "less diverse");
  EXPECT_NEAR(diverse.raw.effect, (2 + 3.5 + 2) / 2, 1e-12);  // GAN less VAE: class 0 2 + i, class 1 2
  EXPECT_EQ(diverse.raw.verdict, Verdict::kSupported);
  const Finding sharp = FindingOf(analysis.findings, "H3", "less sharp");
  EXPECT_NEAR(sharp.raw.effect, 1 - 2.35, 1e-12);  // the VAE's distance is larger
  EXPECT_EQ(sharp.raw.verdict, Verdict::kSupported);
  EXPECT_FALSE(bias.corrected.has_value());  // there is no judge to correct for
}

TEST(ClaimsTest, RunsOnOtherImagesAreNoPairs) {
  Study study = TwoFamilies();
  for (StudyRun& run : study.runs) {
    if (run.family == Family::kVae) run.images += " of another draw";
  }
  EXPECT_THAT(FindingOf(Analyse(study).findings, "H2").note, HasSubstr("same images"));
}

// One claim in two words: one test, counted once.
TEST(ClaimsTest, CloserIsTheOtherSideOfBias) {
  const Analysis analysis = Analyse(TwoFamilies());
  const Finding bias = FindingOf(analysis.findings, "H2", "bias");
  const Finding closer = FindingOf(analysis.findings, "H3", "closer");
  EXPECT_EQ(closer.raw.p, bias.raw.p);
  EXPECT_EQ(closer.raw.adjusted_p, bias.raw.adjusted_p);
  EXPECT_EQ(closer.raw.verdict, bias.raw.verdict);
  EXPECT_EQ(closer.units, bias.units);
}

// What an iteration has in common at all of its bias points is in all of its pairs: they are one value.
TEST(ClaimsTest, PairsOfAnIterationAreOneValue) {
  Study study = OneArm({.arm = "dcgan", .family = Family::kGan, .noise = 0.1}, 5);
  Random random(22);
  AddRuns({.arm = "vae", .family = Family::kVae, .noise = 0.1}, 5, kImages, PerfectJudge(), 0, random, study);
  const Finding bias = FindingOf(Analyse(study).findings, "H2", "bias");
  EXPECT_EQ(bias.units, 5);
  EXPECT_EQ(bias.unit, "iterations");
  EXPECT_TRUE(bias.corrected.has_value());
}

// Iterations that were stopped at most of their bias points, as sequential stopping does.
TEST(ClaimsTest, IterationsWithoutAllBiasPointsAreLeftOut) {
  const Study whole = OneArm({.beta = 1.3, .noise = 0.3}, 5);
  Study study = whole;
  for (StudyRun run : OneArm({.beta = 1, .noise = 0.3}, 15).runs) {
    if (run.iteration < 5 || run.trained.at(1) > 100) continue;
    run.images += "'";
    study.runs.push_back(run);
  }
  const Analysis analysis = Analyse(study);
  const Analysis expected = Analyse(whole);
  for (const auto& [claim, part] : {std::pair("H1", "slope"), {"H4", "amplification"}, {"H5", "predictability"}}) {
    const Finding finding = FindingOf(analysis.findings, claim, part);
    EXPECT_EQ(finding.raw.effect, FindingOf(expected.findings, claim, part).raw.effect) << claim;
    EXPECT_EQ(finding.units, FindingOf(expected.findings, claim, part).units) << claim;
  }
  EXPECT_THAT(FindingOf(analysis.findings, "H1").note, HasSubstr("left out 10 iterations"));
}

// Three jobs that vary each class in turn, with one seed: they share their images, and are no iterations of each other.
TEST(ClaimsTest, JobsWithTheSameSeedAreTheSameIterations) {
  Study study;
  for (int varied = 0; varied < kClasses; ++varied) {
    for (StudyRun run : OneArm({.noise = 0.1}, 5).runs) {
      run.job = "j" + std::to_string(varied);
      std::swap(run.trained.at(1), run.trained.at(varied));
      std::swap(run.counts.at(1), run.counts.at(varied));
      run.images += "/" + std::to_string(varied);
      run.seed += static_cast<uint32_t>(100 * varied);
      run.judge = -1;
      study.runs.push_back(run);
    }
  }
  int amplifications = 0;
  const Analysis analysis = Analyse(study);
  for (const Finding& finding : analysis.findings) {
    if (finding.part != "amplification") continue;
    ++amplifications;
    EXPECT_EQ(finding.units, 5);
    EXPECT_EQ(finding.label, 1);
  }
  EXPECT_EQ(amplifications, 3);  // one where each class varies
  EXPECT_EQ(FindingOf(analysis.findings, "H8").units, 5);
}

TEST(ClaimsTest, UntrainedArmsAreAFamilyOfTheirOwn) {
  Study study = TwoFamilies();
  const Finding alone = FindingOf(Analyse(study).findings, "H2", "bias");
  for (const StudyRun& run : OneArm({}, 5).runs) study.runs.push_back(run);
  EXPECT_EQ(FindingOf(Analyse(study).findings, "H2", "bias").raw.adjusted_p, alone.raw.adjusted_p);
}

TEST(ClaimsTest, ClassesAtEqualCounts) {
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

// Raw shares and corrected ones may be furthest from their share in different classes.
TEST(ClaimsTest, TheClassOfAnEffectIsThatOfTheJudgedShares) {
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

// Over-dispersion that shrinks as the share grows, by construction: deviations of a fixed pattern, of a variance that
// is rho times that of a single image.
TEST(ClaimsTest, PredictabilityGrowsWithTheShare) {
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
TEST(ClaimsTest, PredictabilityIsOfBiasPointsThatAllIterationsHave) {
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
    for (const FirstBatches order :
         {FirstBatches::kMinorityFirst, FirstBatches::kStratified, FirstBatches::kMajorityFirst}) {
      const int64_t own = order == FirstBatches::kMinorityFirst ? 1200 + 20 * i : 800 + 10 * i;
      StudyRun run = MakeRun("dcgan", Family::kGan, i, {{0, 2000}, {1, 500}, {2, 2000}},
                             {{0, (kImages - own) / 2}, {1, own}, {2, (kImages - own) / 2}});
      run.first_batches = order;
      study.runs.push_back(run);
      run.arm = "resample";  // trains nothing: no order means anything to it
      run.family = Family::kOther;
      study.runs.push_back(run);
    }
  }
  const Analysis analysis = Analyse(study);
  const Finding finding = FindingOf(analysis.findings, "H6");
  EXPECT_EQ(finding.arm, "dcgan minority first");
  EXPECT_EQ(finding.against, "dcgan majority first");
  EXPECT_EQ(finding.units, 8);
  EXPECT_EQ(finding.raw.verdict, Verdict::kSupported);
  EXPECT_NEAR(finding.raw.effect, Logit(0.127) - Logit(0.0835), 0.03);
  std::vector<std::string> compared;
  for (const Finding& one : analysis.findings) {
    if (one.claim == "H6") compared.push_back(one.arm + " / " + one.against);
  }
  EXPECT_THAT(compared, ElementsAre("dcgan minority first / dcgan majority first",
                                    "dcgan minority first / dcgan stratified first",
                                    "dcgan stratified first / dcgan majority first"));
  // Elsewhere the orders are arms of their own.
  EXPECT_EQ(FindingOf(analysis.findings, "H4").arm, "dcgan majority first");
  EXPECT_EQ(analysis.runs, 8 * 3 + 8);
}

TEST(ClaimsTest, HolmCountsAllFindings) {
  const Analysis analysis = Analyse(TwoFamilies());
  int tests = 0;
  double smallest = 1;
  for (const Finding& finding : analysis.findings) {
    if (!finding.raw.p.has_value() || finding.part == "closer") continue;
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
    if (!first.findings[i].corrected) continue;
    EXPECT_EQ(first.findings[i].corrected->p, second.findings[i].corrected->p);
  }
}

}  // namespace
}  // namespace skew::stats

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "common/stats/amplification.h"
#include "common/stats/claims.h"
#include "tests/common/stats/simulation.h"
#include "tests/common/stats/studies.h"

namespace skew::stats {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(ClaimsModelsTest, GanAgainstVae) {
  const Analysis analysis = Analyse(TwoFamilies());
  const Finding bias = FindingOf(analysis.findings, "H2", "bias");
  EXPECT_EQ(bias.arm, "dcgan");
  EXPECT_EQ(bias.against, "vae");
  EXPECT_EQ(bias.units, 8);
  EXPECT_EQ(bias.raw.statistic_name, "t");
  EXPECT_LT(*bias.raw.p, 0.05);
  // Of the mean shares .05, .0996 and .05, less .005, .00895 and .005; the GAN's spread of .04, .04 and 0, over 8, off.
  EXPECT_NEAR(bias.raw.effect, 0.01493 - 0.00046 - 0.00013, 1e-4);
  EXPECT_THAT(bias.note, HasSubstr("total variation distance of the mean shares as judged 0.1 against 0.009"));
  const Finding erratic = FindingOf(analysis.findings, "H2", "erratic");
  EXPECT_NEAR(erratic.raw.effect, 129.5, 0.1);  // of the logits of 1400, 601, 1402, ... and of 1900, 1903, ...
  EXPECT_NEAR(std::log(erratic.raw.interval->high / erratic.raw.interval->low), 1.59315, 1e-4);
  EXPECT_LT(*erratic.raw.p, 0.05);
  const Finding diverse = FindingOf(analysis.findings, "H3", "less diverse");
  EXPECT_NEAR(diverse.raw.effect, (2 + 3.5 + 2) / 2, 1e-12);  // GAN less VAE: class 0 2 + i, class 1 2
  EXPECT_EQ(diverse.raw.verdict, Verdict::kSupported);
  EXPECT_THAT(diverse.note,
              HasSubstr("p = 0.0078 by signed ranks, 0.0078 by sign flips"));  // 2 / 256: all eight above 0
  const Finding sharp = FindingOf(analysis.findings, "H3", "less sharp");
  EXPECT_NEAR(sharp.raw.effect, 1 - 2.35, 1e-12);  // the VAE's distance is larger
  EXPECT_EQ(sharp.raw.verdict, Verdict::kSupported);
  EXPECT_FALSE(bias.corrected.has_value());  // there is no judge to correct for
}

TEST(ClaimsModelsTest, BiasNeedsThreeIterations) {
  Study study = TwoFamilies();
  study.runs.resize(4);
  const Finding finding = FindingOf(Analyse(study).findings, "H2", "bias");
  EXPECT_FALSE(finding.raw.p.has_value());
  EXPECT_THAT(finding.note, HasSubstr("needs three iterations"));
  EXPECT_EQ(FindingOf(Analyse(study).findings, "H3", "closer").note, finding.note);
}

TEST(ClaimsModelsTest, RunsOnOtherImagesAreNoPairs) {
  Study study = TwoFamilies();
  for (StudyRun& run : study.runs) {
    if (run.family == Family::kVae) run.images += " of another draw";
  }
  EXPECT_THAT(FindingOf(Analyse(study).findings, "H2").note, HasSubstr("same images"));
}

TEST(ClaimsModelsTest, UnequalBudgetsAreNotCompared) {
  Study study = TwoFamilies();
  for (StudyRun& run : study.runs) run.budget = run.family == Family::kVae ? "steps: 6000" : "steps: 1000";
  EXPECT_THAT(FindingOf(Analyse(study).findings, "H2").note, HasSubstr("the same budget"));
}

// One claim in two words: one test, counted once.
TEST(ClaimsModelsTest, CloserIsTheOtherSideOfBias) {
  const Analysis analysis = Analyse(TwoFamilies());
  const Finding bias = FindingOf(analysis.findings, "H2", "bias");
  const Finding closer = FindingOf(analysis.findings, "H3", "closer");
  EXPECT_EQ(closer.raw.p, bias.raw.p);
  EXPECT_EQ(closer.raw.adjusted_p, bias.raw.adjusted_p);
  EXPECT_EQ(closer.raw.verdict, bias.raw.verdict);
  EXPECT_EQ(closer.units, bias.units);
}

// What an iteration has in common at all of its bias points is in all of its pairs: they are one value.
TEST(ClaimsModelsTest, PairsOfAnIterationAreOneValue) {
  Study study = OneArm({.arm = "dcgan", .family = Family::kGan, .noise = 0.1}, 5);
  Random random(22);
  AddRuns({.arm = "vae", .family = Family::kVae, .noise = 0.1}, 5, kImages, PerfectJudge(), 0, random, study);
  const Finding bias = FindingOf(Analyse(study).findings, "H2", "bias");
  EXPECT_EQ(bias.units, 5);
  EXPECT_EQ(bias.unit, "iterations");
  EXPECT_TRUE(bias.corrected.has_value());
}

// Class 1 has twice the distance of class 0, in either family alike, and is measured in some iterations only: what
// differs from iteration to iteration is nothing that the models do.
TEST(ClaimsModelsTest, MeasuresAreOfTheClassesThatAllIterationsHave) {
  Study study;
  for (int i = 0; i < 5; ++i) {
    for (const int64_t count : {100, 1000}) {
      const std::map<int, int64_t> trained = {{0, 2000}, {1, count}, {2, 2000}};
      StudyRun gan = MakeRun("dcgan", Family::kGan, i, trained, {{0, 4000}, {1, 2000}, {2, 4000}});
      StudyRun vae = MakeRun("vae", Family::kVae, i, trained, {{0, 4000}, {1, 2000}, {2, 4000}});
      gan.frechet = {{0, 1 + 0.01 * i}, {2, 1}};
      vae.frechet = {{0, 2.0}, {1, 9}, {2, 2}};
      if (count == 1000 || i < 3) gan.frechet[1] = 4;
      study.runs.push_back(gan);
      study.runs.push_back(vae);
    }
  }
  const Finding finding = FindingOf(Analyse(study).findings, "H3", "less sharp");
  EXPECT_EQ(finding.units, 5);
  // Classes 0 and 2 with 100 ones, all with 1000.
  EXPECT_NEAR(finding.raw.effect, ((-1.0 - 1) / 2 + (-1.0 - 5 - 1) / 3) / 2 + 0.02 * (1 / 2.0 + 1 / 3.0) / 2, 1e-12);
  EXPECT_LT(*finding.raw.p, 1e-6);
  EXPECT_THAT(finding.note, HasSubstr("class 1 at 1 of 2 bias points"));
  EXPECT_THAT(finding.note, testing::Not(HasSubstr("class 0")));
}

// Minority first shows the 2s before the 0s where both are as few, and the model makes more of what it saw first: of
// the minority as a whole there is more, of the 0s less.
TEST(ClaimsModelsTest, FirstBatchesShowAllOfTheMinority) {
  for (const int64_t ones : {4000, 2000}) {
    Study study;
    for (int i = 0; i < 6; ++i) {
      for (const FirstBatches order : {FirstBatches::kMinorityFirst, FirstBatches::kMajorityFirst}) {
        const int64_t more = order == FirstBatches::kMinorityFirst ? 300 + 10 * i : 0;
        for (const auto& [count, own] : {std::pair<int64_t, int64_t>(ones, ones == 4000 ? 5000 : 3400), {500, 1100}}) {
          // Of 500 ones there are no more for the order.
          const int64_t shift = count == 500 ? 0 : more;
          StudyRun run =
              MakeRun("dcgan", Family::kGan, i, {{0, 2000}, {1, count}, {2, 2000}},
                      {{0, (kImages - own) / 2 - shift}, {1, own - shift}, {2, (kImages - own) / 2 + 2 * shift}});
          run.counts[1] += count == 500 ? i : 0;
          run.first_batches = order;
          study.runs.push_back(run);
        }
      }
    }
    const Finding finding = FindingOf(Analyse(study).findings, "H6");
    EXPECT_EQ(finding.units, 6);
    if (ones == 4000) {
      EXPECT_EQ(finding.raw.verdict, Verdict::kSupported);
      EXPECT_NEAR(finding.raw.effect, (Logit(0.5325) - Logit(0.5)) / 2, 1e-3);
    } else {
      EXPECT_EQ(finding.raw.effect, 0);  // at equal counts there is no minority: that of 500 ones is what counts
    }
  }
}

TEST(ClaimsModelsTest, FirstBatchesNeedAMinority) {
  Study study;
  for (int i = 0; i < 3; ++i) {
    for (const FirstBatches order : {FirstBatches::kMinorityFirst, FirstBatches::kMajorityFirst}) {
      study.runs.push_back(MakeRun("dcgan", Family::kGan, i, {{0, 2000}, {1, 2000}}, {{0, 5000 - i}, {1, 5000}}));
      study.runs.back().first_batches = order;
    }
  }
  EXPECT_THAT(FindingOf(Analyse(study).findings, "H6").note, HasSubstr("with unequal counts"));
}

TEST(ClaimsModelsTest, FirstBatchesSteer) {
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

}  // namespace
}  // namespace skew::stats

#include "common/stats/claims.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "common/stats/random.h"
#include "common/stats/rank_tests.h"
#include "common/stats/study_view.h"
#include "tests/common/stats/simulation.h"
#include "tests/common/stats/studies.h"

namespace skew::stats {
namespace {

using ::testing::HasSubstr;

TEST(ClaimsTest, EveryClaimHasAFindingAlsoWithoutRuns) {
  const Analysis analysis = Analyse({});
  EXPECT_EQ(analysis.runs, 0);
  for (const char* claim : {"H1", "H2", "H3", "H4", "H5", "H6", "H7", "H8"}) {
    const Finding finding = FindingOf(analysis.findings, claim);
    EXPECT_EQ(finding.raw.verdict, Verdict::kUndecided);
    EXPECT_THAT(finding.note, HasSubstr("needs")) << claim;
  }
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

// Jobs that vary different classes have the run at equal counts in common: it is a point of both series.
TEST(ClaimsTest, JobsKeepThePointThatTheyShare) {
  Study study;
  for (int varied : {1, 0}) {
    for (StudyRun run : OneArm({.noise = 0.1}, 3).runs) {
      if (run.trained.at(1) < 1000) continue;
      std::swap(run.trained.at(1), run.trained.at(varied));
      std::swap(run.counts.at(1), run.counts.at(varied));
      run.job = "j" + std::to_string(varied);
      if (!IsBalanced(run)) run.images += "/" + std::to_string(varied);
      run.judge = -1;
      study.runs.push_back(run);
    }
  }
  const Analysis analysis = Analyse(study);
  EXPECT_EQ(analysis.runs, 3 * (3 + 2));
  std::map<int, int> points;
  for (const Finding& finding : analysis.findings) {
    if (finding.claim == "H5" && finding.label.has_value()) points[*finding.label] = finding.units;
  }
  EXPECT_EQ(points, (std::map<int, int>{{0, 3}, {1, 3}}));
}

TEST(ClaimsTest, UntrainedArmsAreAFamilyOfTheirOwn) {
  Study study = TwoFamilies();
  const Finding alone = FindingOf(Analyse(study).findings, "H2", "bias");
  for (const StudyRun& run : OneArm({}, 5).runs) study.runs.push_back(run);
  EXPECT_EQ(FindingOf(Analyse(study).findings, "H2", "bias").raw.adjusted_p, alone.raw.adjusted_p);
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

// Being as good as nothing is a family of its own, with the same price for many looks.
TEST(ClaimsTest, HolmCountsAllEquivalences) {
  bool almost = false;
  for (const double noise : {0.1, 0.15, 0.2, 0.25, 0.3}) {
    const Analysis analysis = Analyse(OneArm({.beta = 1, .noise = noise}, 4));
    std::vector<double> values;
    for (const Finding& finding : analysis.findings) {
      if (finding.raw.equivalence_p.has_value()) values.push_back(*finding.raw.equivalence_p);
    }
    ASSERT_GE(values.size(), 2U);
    const std::vector<double> adjusted = HolmAdjusted(values);
    size_t next = 0;
    for (const Finding& finding : analysis.findings) {
      if (!finding.raw.equivalence_p.has_value()) continue;
      EXPECT_EQ(*finding.raw.adjusted_equivalence_p, adjusted[next]);
      EXPECT_EQ(finding.raw.verdict == Verdict::kPreserved, adjusted[next] <= 0.05) << noise << " " << finding.claim;
      almost |= values[next] <= 0.05 && adjusted[next] > 0.05;
      ++next;
    }
  }
  EXPECT_TRUE(almost) << "one would be without Holm's correction";
}

// The judge that corrects the null arm has not seen the images, of which half decide on its errors only.
TEST(ClaimsTest, TheNullArmIsCorrectedLessSurely) {
  Random random(31);
  const SimulatedJudge judge = RejectingJudge(random);
  Study study = SimulateStudy({}, 20, 10 * kImages, judge, random);
  const auto width = [&] {
    const Finding slope = FindingOf(Analyse(study).findings, "H1");
    return slope.corrected->interval->high - slope.corrected->interval->low;
  };
  const double untrained = width();
  for (StudyRun& run : study.runs) run.family = Family::kVae;
  EXPECT_GT(untrained, 1.1 * width());
}

// Findings in which shares play no part have no corrected values, and count among the corrected ones all the same.
TEST(ClaimsTest, CorrectingMakesNoClaimEasier) {
  Study study = TwoFamilies();
  study.judges.push_back({3, {500, 0, 0, 0, 500, 0, 0, 0, 500}});
  double loss = 1;
  for (StudyRun& run : study.runs) {
    run.judge = 0;
    if (run.family == Family::kGan) run.largest_generator_loss = loss++;
  }
  int tests = 0;
  const ClaimTest* smallest = nullptr;
  const Analysis analysis = Analyse(study);
  for (const Finding& finding : analysis.findings) {
    if (finding.part == "closer" || !finding.raw.p.has_value()) continue;
    ++tests;
    if (!finding.corrected.has_value()) continue;
    if (smallest == nullptr || *finding.corrected->p < *smallest->p) smallest = &*finding.corrected;
  }
  EXPECT_FALSE(FindingOf(analysis.findings, "H7").corrected.has_value());
  ASSERT_NE(smallest, nullptr);
  EXPECT_NEAR(*smallest->adjusted_p, std::min(1.0, tests * *smallest->p), 1e-12);
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

#include "tests/common/stats/coverage.h"

#include <gtest/gtest.h>

#include <iostream>

namespace skew::stats {

void ExpectNominal(const std::string& name, const Coverage& coverage) {
  std::cout << name << ": covered " << coverage.hits << " of " << coverage.all << " = " << coverage.rate() << "\n";
  EXPECT_GE(coverage.rate(), 0.93) << name;
  EXPECT_LE(coverage.rate(), 0.97) << name;
}

Slopes SlopesOf(int studies, const Generator& generator, int iterations,
                const std::function<SimulatedJudge(Random&)>& make_judge, bool corrected, uint64_t seed) {
  Random random(seed);
  AnalysisOptions options;
  options.permutations = 100;
  options.judge_draws = 100;
  Slopes slopes;
  for (int i = 0; i < studies; ++i) {
    Generator trained = generator;
    trained.family = Family::kVae;
    Study study = SimulateStudy(trained, iterations, kImages, make_judge(random), random);
    if (!corrected) {
      for (StudyRun& run : study.runs) run.judge = -1;
    }
    options.seed = random.Below(1'000'000);
    const std::vector<Finding> findings = AnalyseStudy(study, options)->findings;
    const Finding finding = FindingOf(findings, "H1");
    const ClaimTest& test = corrected ? *finding.corrected : finding.raw;
    slopes.beta.push_back(test.effect);
    slopes.coverage.Add(test.interval->Contains(generator.beta));
    // The claim on its own, without the price of the study's other claims.
    slopes.supported.Add(*test.p <= 0.05 && test.effect > 1);
    slopes.supported_by_verdict.Add(test.verdict == Verdict::kSupported);
    slopes.preserved.Add(test.verdict == Verdict::kPreserved);
  }
  return slopes;
}

}  // namespace skew::stats

// What claims promise, on studies whose truth is known: power and size. Seeds are fixed: the results are the same every
// time. Each test prints the figures it found.
#include <gtest/gtest.h>

#include <cmath>
#include <iostream>
#include <map>
#include <string>
#include <vector>

#include "common/stats/amplification.h"
#include "common/stats/power.h"
#include "common/stats/student.h"
#include "tests/common/stats/coverage.h"
#include "tests/common/stats/simulation.h"
#include "tests/common/stats/studies.h"

namespace skew::stats {
namespace {

// Standard deviation of one iteration's slope when the logits have this one.
double SlopeSd(double noise) {
  std::vector<double> x;
  for (const int64_t varied : kVariedCounts) {
    x.push_back(Logit(static_cast<double>(varied) / static_cast<double>(varied + 2 * kFixedCount)));
  }
  return noise / std::sqrt(Variance(x) * (static_cast<double>(x.size()) - 1));
}

// A generator that amplifies with noise between runs, as a GAN has it. The number of iterations is the promised one.
TEST(DetectionTest, AmplificationIsDetectedAtThePromisedSampleSize) {
  Generator generator{.beta = 1.15, .noise = 0.5};
  const std::optional<int> iterations = RunsNeeded({.effect = generator.beta - 1, .sd = SlopeSd(generator.noise)}, 0);
  ASSERT_TRUE(iterations.has_value());
  const auto perfect = [](Random&) { return PerfectJudge(); };
  const Slopes amplified = SlopesOf(500, generator, *iterations, perfect, false, 6);
  std::cout << *iterations << " iterations, power " << amplified.supported.rate() << "\n";
  EXPECT_GE(amplified.supported.rate(), 0.77);  // 80% less two standard errors and a half
  const Slopes corrected = SlopesOf(200, generator, *iterations + 1, RealisticJudge, true, 7);
  std::cout << "corrected, power " << corrected.supported.rate() << "\n";
  EXPECT_GE(corrected.supported.rate(), 0.75);
  generator.beta = 1;
  const Slopes none = SlopesOf(500, generator, *iterations, perfect, false, 8);
  std::cout << "false alarms " << none.supported.rate() << "\n";
  EXPECT_LE(none.supported.rate(), 0.05);
  ExpectNominal("beta of a noisy generator", none.coverage);
}

// The promise as users get it: an undecided study says how many iterations would decide it, at the level that Holm's
// adjustment leaves to one claim. The pilot's three slopes have the mean and standard deviation of the generator's.
TEST(DetectionTest, TheIterationsThatAPilotAsksForDecide) {
  const Generator generator{.beta = 1.15, .noise = 0.5};
  Random random(14);
  Study pilot;
  for (int iteration = 0; iteration < 3; ++iteration) {
    AddRuns({.beta = generator.beta + (iteration - 1) * SlopeSd(generator.noise)}, 1, 1'000'000, PerfectJudge(), -1,
            random, pilot);
    for (size_t i = pilot.runs.size() - std::size(kVariedCounts); i < pilot.runs.size(); ++i) {
      pilot.runs[i].iteration = iteration;
      pilot.runs[i].seed = static_cast<uint32_t>(iteration);
    }
  }
  const ClaimTest test = FindingOf(AnalyseStudy(pilot, {})->findings, "H1").raw;
  ASSERT_EQ(test.verdict, Verdict::kUndecided);
  ASSERT_TRUE(test.units_needed.has_value());
  const auto perfect = [](Random&) { return PerfectJudge(); };
  const Slopes amplified = SlopesOf(300, generator, *test.units_needed, perfect, false, 15);
  std::cout << *test.units_needed << " iterations, power " << amplified.supported_by_verdict.rate() << "\n";
  EXPECT_GE(amplified.supported_by_verdict.rate(), 0.75);  // 80% less two standard errors
  const Slopes none = SlopesOf(300, {.noise = generator.noise}, *test.units_needed, perfect, false, 16);
  std::cout << "false alarms " << none.supported_by_verdict.rate() << "\n";
  EXPECT_LE(none.supported_by_verdict.rate(), 0.05);
}

// A GAN and a VAE that both pass everything on, one of them more erratic: no claim of a study but that may be found to
// hold (or its opposite) in more than 5% of the studies.
TEST(DetectionTest, FalseAlarmsOfAWholeStudy) {
  Random random(9);
  AnalysisOptions options;
  options.permutations = 1000;
  options.judge_draws = 100;
  std::map<std::string, int> by_claim;
  int alarms = 0;
  constexpr int kStudies = 200;
  for (int i = 0; i < kStudies; ++i) {
    Study study;
    const SimulatedJudge judge = RealisticJudge(random);
    study.judges.push_back(judge.confusion);
    AddRuns({.arm = "dcgan", .family = Family::kGan, .rho = 0.002}, kIterations, kImages, judge, 0, random, study);
    AddRuns({.arm = "vae", .family = Family::kVae, .rho = 0.0005}, kIterations, kImages, judge, 0, random, study);
    bool alarm = false;
    const std::vector<Finding> findings = AnalyseStudy(study, options)->findings;
    for (const Finding& finding : findings) {
      const Verdict verdict = finding.corrected.has_value() ? finding.corrected->verdict : finding.raw.verdict;
      if (verdict != Verdict::kSupported && verdict != Verdict::kOpposite) continue;
      if (finding.part == "erratic" && verdict == Verdict::kSupported) continue;
      alarm = true;
      ++by_claim[finding.claim + " " + finding.part];
    }
    alarms += alarm ? 1 : 0;
  }
  std::cout << "studies with a false alarm: " << alarms << " of " << kStudies << "\n";
  for (const auto& [claim, count] : by_claim) std::cout << "  " << claim << ": " << count << "\n";
  EXPECT_LE(alarms, kStudies / 20);
}

// How often H2 bias rejects by itself, as judged and corrected.
struct BiasRates {
  Coverage raw;
  Coverage corrected;
};

BiasRates BiasOf(Generator gan, Generator vae, int iterations, int studies, uint64_t seed) {
  Random random(seed);
  AnalysisOptions options;
  options.permutations = 10;
  options.judge_draws = 20;
  BiasRates rates;
  gan.arm = "dcgan";
  gan.family = Family::kGan;
  vae.arm = "vae";
  vae.family = Family::kVae;
  for (int i = 0; i < studies; ++i) {
    Study study;
    const SimulatedJudge judge = RealisticJudge(random);
    study.judges.push_back(judge.confusion);
    AddRuns(gan, iterations, kImages, judge, 0, random, study);
    AddRuns(vae, iterations, kImages, judge, 0, random, study);
    const Finding finding = FindingOf(AnalyseStudy(study, options)->findings, "H2", "bias");
    rates.raw.Add(*finding.raw.p <= 0.05);
    rates.corrected.Add(*finding.corrected->p <= 0.05);
  }
  std::cout << iterations << " iterations: as judged " << rates.raw.rate() << ", corrected " << rates.corrected.rate()
            << "\n";
  return rates;
}

// Who varies more is no further away, whether nobody is biased or both are.
TEST(DetectionTest, SpreadIsNoBias) {
  for (const double offset : {0.0, 0.2}) {
    const BiasRates rates = BiasOf({.offset = offset, .rho = 0.002}, {.offset = offset, .rho = 0.0005}, 5, 150, 26);
    EXPECT_LE(rates.raw.rate(), 0.093);  // 5% and two and a half standard errors
    EXPECT_LE(rates.corrected.rate(), 0.093);
  }
}

// The odds of class 1 a fifth too high: 1 to 5 percentage points.
TEST(DetectionTest, BiasIsFoundAlsoWhereTheOtherVaries) {
  const BiasRates rates = BiasOf({.rho = 0.002}, {.offset = 0.2, .rho = 0.0005}, 5, 50, 27);
  EXPECT_GE(rates.raw.rate(), 0.9);
  EXPECT_GE(rates.corrected.rate(), 0.9);
}

// Twice the spread at the rarest three of seven bias points and half of it at the next three is no model that is more
// erratic; twice of it everywhere is.
TEST(DetectionTest, ErraticIsWhatAllBiasPointsAre) {
  Coverage uneven;
  Coverage everywhere;
  Random random(29);
  for (auto* const found : {&uneven, &everywhere}) {
    for (int i = 0; i < 150; ++i) {
      Study study;
      for (const auto& [arm, family] : {std::pair("dcgan", Family::kGan), {"vae", Family::kVae}}) {
        for (size_t point = 0; point < std::size(kVariedCounts); ++point) {
          const double pi =
              static_cast<double>(kVariedCounts[point]) / static_cast<double>(kVariedCounts[point] + 4000);
          const double more = found == &everywhere || point < 3 ? 2 : point < 6 ? 0.5 : 1;
          const double sd = 0.4 * std::pow(0.6, static_cast<double>(point)) * (family == Family::kGan ? more : 1);
          for (int iteration = 0; iteration < kIterations; ++iteration) {
            const double share = 1 / (1 + std::exp(-Logit(pi) - sd * random.Normal()));
            const auto own = static_cast<int64_t>(std::lround(share * kImages));
            StudyRun run = MakeRun(arm, family, iteration, {{0, 2000}, {1, kVariedCounts[point]}, {2, 2000}},
                                   {{0, (kImages - own) / 2}, {1, own}, {2, kImages - own - (kImages - own) / 2}});
            study.runs.push_back(std::move(run));
          }
        }
      }
      const Finding finding = FindingOf(Analyse(study).findings, "H2", "erratic");
      found->Add(*finding.raw.p <= 0.05);
    }
  }
  std::cout << "erratic at some bias points: " << uneven.rate() << ", at all of them: " << everywhere.rate() << "\n";
  EXPECT_LE(uneven.rate(), 0.25);
  EXPECT_GE(everywhere.rate(), 0.8);
}

// How often each test rejects by itself, without the price of the others, in studies of two arms where nothing is to be
// found.
std::map<std::string, Coverage> RejectionsOf(Generator generator, int iterations, uint64_t seed) {
  constexpr int kStudies = 600;
  AnalysisOptions options;
  options.permutations = 400;
  Random random(seed);
  std::map<std::string, Coverage> rejected;
  for (int i = 0; i < kStudies; ++i) {
    Study study;
    for (const auto& [arm, family] : {std::pair("dcgan", Family::kGan), {"vae", Family::kVae}}) {
      generator.arm = arm;
      generator.family = family;
      AddRuns(generator, iterations, kImages, PerfectJudge(), -1, random, study);
    }
    const std::vector<Finding> findings = AnalyseStudy(study, options)->findings;
    for (const Finding& finding : findings) {
      if (!finding.raw.p.has_value() || finding.arm == "vae") continue;
      rejected[finding.claim + " " + finding.part].Add(*finding.raw.p <= 0.05);
    }
  }
  return rejected;
}

void ExpectSize(const std::map<std::string, Coverage>& rejected, int iterations,
                const std::vector<std::string>& claims) {
  for (const std::string& claim : claims) {
    ASSERT_EQ(rejected.count(claim), 1u) << claim;
    std::cout << iterations << " iterations: " << claim << " rejected " << rejected.at(claim).rate() << "\n";
    EXPECT_LE(rejected.at(claim).rate(), 0.073) << claim;  // 5% and two and a half standard errors
  }
}

// With as few iterations as users may have. Iterations have half of their variance in common at all bias points, which
// means over iterations do not mind.
TEST(DetectionTest, TestsOverIterationsHaveTheirSize) {
  for (const int iterations : {2, 3, 5}) {
    ExpectSize(RejectionsOf({.noise = 0.1, .shared = 0.1}, iterations, 19), iterations,
               {"H1 slope", "H4 amplification", "H4 balanced", "H8 class effects"});
  }
  for (const int iterations : {3, 5}) {
    ExpectSize(RejectionsOf({.noise = 0.1, .shared = 0.1}, iterations, 19), iterations, {"H2 bias"});
  }
}

// Where bias points vary independently of each other, with the same rho.
TEST(DetectionTest, TestsOfSpreadHaveTheirSize) {
  for (const int iterations : {2, 3, 5}) {
    ExpectSize(RejectionsOf({.rho = 0.001}, iterations, 21), iterations, {"H2 erratic", "H5 predictability"});
  }
}

}  // namespace
}  // namespace skew::stats

// What the instrument promises, on studies whose truth is known. Seeds are fixed: the results are the same every time.
// Each test prints the figures it found.
#include "tests/common/stats/simulation.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <iostream>
#include <map>
#include <numeric>

#include "common/stats/amplification.h"
#include "common/stats/cell.h"
#include "common/stats/power.h"
#include "common/stats/student.h"

namespace skew::stats {
namespace {

constexpr int64_t kImages = 10'000;
constexpr int kIterations = 5;

struct Coverage {
  double hits = 0;
  double all = 0;

  void Add(bool hit) {
    hits += hit ? 1 : 0;
    ++all;
  }
  double rate() const { return hits / all; }
};

void ExpectNominal(const std::string& name, const Coverage& coverage) {
  std::cout << name << ": covered " << coverage.hits << " of " << coverage.all << " = " << coverage.rate() << "\n";
  EXPECT_GE(coverage.rate(), 0.93) << name;
  EXPECT_LE(coverage.rate(), 0.97) << name;
}

// Null-arm cells: a perfect generator at each bias point in turn, five runs.
void CoverCells(int cells, const std::function<SimulatedJudge(Random&)>& make_judge, bool corrected, uint64_t seed,
                double least_at_a_point = 0.90) {
  Random random(seed);
  Coverage shares;
  Coverage deltas;
  std::vector<Coverage> points(std::size(kVariedCounts));
  for (int i = 0; i < cells; ++i) {
    const size_t point = static_cast<size_t>(i) % points.size();
    const SimulatedJudge judge = make_judge(random);
    const std::vector<int64_t> trained = {kFixedCount, kVariedCounts[point], kFixedCount};
    const std::vector<double> truth = SharesOf(trained);
    std::vector<std::vector<int64_t>> runs;
    runs.reserve(kIterations);
    for (int run = 0; run < kIterations; ++run) runs.push_back(JudgedCounts(truth, kImages, judge, random));
    const JudgeCorrection correction = *CorrectionOf(judge.confusion, {0, 1, 2}, 200, random.Below(1'000'000));
    const CellEstimate cell = EstimateCell(runs, trained, corrected ? &correction : nullptr);
    for (size_t c = 0; c < truth.size(); ++c) {
      const ClassEstimate& one = cell.classes[c];
      const bool hit = (corrected ? *one.corrected : one.generated).interval->Contains(truth[c]);
      shares.Add(hit);
      if (c == 1) points[point].Add(hit);
      deltas.Add((corrected ? *one.corrected_delta : one.delta).interval->Contains(0));
    }
  }
  ExpectNominal("share", shares);
  ExpectNominal("Delta", deltas);
  for (size_t point = 0; point < points.size(); ++point) {
    std::cout << "  class 1 with " << kVariedCounts[point] << ": " << points[point].rate() << "\n";
    EXPECT_GE(points[point].rate(), least_at_a_point) << kVariedCounts[point];
  }
}

TEST(NullArmTest, RawIntervalsCoverWithAPerfectJudge) {
  CoverCells(
      2100, [](Random&) { return PerfectJudge(); }, false, 1);
}

TEST(NullArmTest, CorrectedIntervalsCoverWithARealisticJudge) { CoverCells(1400, RealisticJudge, true, 2); }

TEST(NullArmTest, CorrectedIntervalsCoverWithTheMeasuredJudge) { CoverCells(1400, MeasuredJudge, true, 11); }

// Classes that the judge confuses with each other: what is added to the rare one is far from its average error, and
// known from few errors. Where the class is rarest its intervals cover some 90%.
TEST(NullArmTest, CorrectedIntervalsCoverForConfusableClasses) {
  for (const auto& [rare, others] : {std::pair(4, std::pair(5, 9)), {3, {5, 9}}, {2, {7, 8}}, {9, {4, 5}}}) {
    std::cout << "class " << rare << " with " << others.first << " and " << others.second << "\n";
    const std::vector<int> classes = {others.first, rare, others.second};
    CoverCells(
        2100, [&](Random& random) { return MeasuredJudgeOf(classes, random); }, true, 18, 0.86);
  }
}

// Sums of the softmax outputs for `images` of a true class: of some images the judge is less sure than of others. What
// is missing to 1 goes to the true class where it errs, to any other where it does not.
std::vector<double> SumOfOutputs(size_t truth, int64_t images, const SimulatedJudge& judge, Random& random) {
  const size_t classes = static_cast<size_t>(judge.confusion.classes);
  const std::vector<double> rates(judge.rates.begin() + static_cast<std::ptrdiff_t>(truth * classes),
                                  judge.rates.begin() + static_cast<std::ptrdiff_t>((truth + 1) * classes));
  const std::vector<int64_t> decisions = random.Multinomial(images, rates);
  std::vector<double> sums(classes, 0);
  for (size_t j = 0; j < classes; ++j) {
    for (int64_t image = 0; image < decisions[j]; ++image) {
      const double doubt = 0.5 * std::pow(random.Uniform(), 30);
      const size_t other = j != truth ? truth : (truth + 1 + random.Below(classes - 1)) % classes;
      sums[j] += 1 - doubt;
      sums[other] += doubt;
    }
  }
  return sums;
}

std::vector<double> MeanOutputs(const std::vector<double>& truth, const SimulatedJudge& judge, Random& random) {
  const std::vector<int64_t> images = random.Multinomial(kImages, truth);
  std::vector<double> means(static_cast<size_t>(judge.confusion.classes), 0);
  for (size_t c = 0; c < images.size(); ++c) {
    const std::vector<double> sums = SumOfOutputs(c, images[c], judge, random);
    for (size_t j = 0; j < sums.size(); ++j) means[j] += sums[j] / kImages;
  }
  return means;
}

// They may cover too often: softmax outputs vary less than the decisions that the calibration takes them for.
TEST(NullArmTest, ProbabilisticIntervalsCoverWithTheMeasuredJudge) {
  Random random(12);
  Coverage shares;
  Coverage minority;
  for (int i = 0; i < 420; ++i) {
    const SimulatedJudge judge = MeasuredJudge(random);
    const std::vector<int64_t> trained = {kFixedCount, kVariedCounts[static_cast<size_t>(i) % std::size(kVariedCounts)],
                                          kFixedCount};
    const std::vector<double> truth = SharesOf(trained);
    ConfusionMatrix outputs{judge.confusion.classes, {}};
    for (size_t c = 0; c < 10; ++c) {
      const std::vector<double> sums = SumOfOutputs(c, 500, judge, random);
      outputs.counts.insert(outputs.counts.end(), sums.begin(), sums.end());
    }
    const std::vector<int> classes = {0, 1, 2};
    std::vector<std::vector<double>> observed;
    observed.reserve(kIterations);
    for (int run = 0; run < kIterations; ++run) {
      observed.push_back(Restrict(MeanOutputs(truth, judge, random), classes));
    }
    const JudgeCorrection correction = *CorrectionOf(outputs, classes, 200, random.Below(1'000'000));
    const std::vector<MeanEstimate> estimates = CorrectedShares(observed, correction);
    for (size_t c = 0; c < truth.size(); ++c) {
      shares.Add(estimates[c].interval->Contains(truth[c]));
      if (c == 1) minority.Add(estimates[c].interval->Contains(truth[c]));
    }
  }
  std::cout << "PACC share: covered " << shares.rate() << ", class 1 " << minority.rate() << "\n";
  EXPECT_GE(shares.rate(), 0.95);
  EXPECT_GE(minority.rate(), 0.95);
}

// What the correction is for: with the same judge, raw intervals are beside the truth.
TEST(NullArmTest, RawSharesOfSmallClassesAreWrongWithARealisticJudge) {
  Random random(3);
  Coverage raw;
  const std::vector<int64_t> trained = {kFixedCount, 50, kFixedCount};
  for (int i = 0; i < 300; ++i) {
    const SimulatedJudge judge = RealisticJudge(random);
    std::vector<std::vector<int64_t>> runs;
    runs.reserve(kIterations);
    for (int run = 0; run < kIterations; ++run) runs.push_back(JudgedCounts(SharesOf(trained), kImages, judge, random));
    raw.Add(EstimateCell(runs, trained, nullptr).classes[1].generated.interval->Contains(SharesOf(trained)[1]));
  }
  EXPECT_LT(raw.rate(), 0.90);
}

// H1 of null-arm studies: mean slope, coverage of its interval, and how often the claim is said to hold.
struct Slopes {
  std::vector<double> beta;
  Coverage coverage;
  Coverage supported;
  Coverage supported_by_verdict;
  Coverage preserved;
};

Slopes SlopesOf(int studies, const Generator& generator, int iterations,
                const std::function<SimulatedJudge(Random&)>& make_judge, bool corrected, uint64_t seed) {
  Random random(seed);
  AnalysisOptions options;
  options.permutations = 100;
  options.judge_draws = 100;
  Slopes slopes;
  for (int i = 0; i < studies; ++i) {
    Study study = SimulateStudy(generator, iterations, kImages, make_judge(random), random);
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

TEST(NullArmTest, SlopeIsOneForRawSharesWithAPerfectJudge) {
  const Slopes slopes = SlopesOf(
      1000, Generator(), kIterations, [](Random&) { return PerfectJudge(); }, false, 4);
  EXPECT_NEAR(Mean(slopes.beta), 1, 0.005);
  EXPECT_GE(*std::min_element(slopes.beta.begin(), slopes.beta.end()), 0.96);
  EXPECT_LE(*std::max_element(slopes.beta.begin(), slopes.beta.end()), 1.04);
  ExpectNominal("beta", slopes.coverage);
  EXPECT_LE(slopes.supported.rate(), 0.05);
  EXPECT_GE(slopes.preserved.rate(), 0.99);
}

TEST(NullArmTest, SlopeIsOneForCorrectedSharesWithARealisticJudge) {
  const Slopes slopes = SlopesOf(1000, Generator(), kIterations, RealisticJudge, true, 5);
  EXPECT_NEAR(Mean(slopes.beta), 1, 0.02);
  ExpectNominal("corrected beta", slopes.coverage);
  EXPECT_LE(slopes.supported.rate(), 0.05);
}

// This judge errs less into class 1 than its average error makes the prior expect: the intervals of classes 0, 1 and 2
// are a little wider than they had to be. Over any three classes that evens out.
TEST(NullArmTest, SlopeIsOneForCorrectedSharesWithTheMeasuredJudge) {
  const Slopes own = SlopesOf(400, Generator(), kIterations, MeasuredJudge, true, 13);
  std::cout << "classes 0, 1, 2: beta " << Mean(own.beta) << ", covered " << own.coverage.rate() << "\n";
  EXPECT_NEAR(Mean(own.beta), 1, 0.02);
  EXPECT_GE(own.coverage.rate(), 0.93);
  const Slopes slopes = SlopesOf(400, Generator(), kIterations, ShuffledMeasuredJudge, true, 17);
  std::cout << "any classes: beta " << Mean(slopes.beta) << "\n";
  EXPECT_NEAR(Mean(slopes.beta), 1, 0.02);
  ExpectNominal("corrected beta", slopes.coverage);
  EXPECT_LE(slopes.supported.rate(), 0.05);
}

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

// A GAN and a VAE that both pass everything on, with the same spread: no claim of a study may be found to hold (or its
// opposite) in more than 5% of the studies.
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
    AddRuns({.arm = "dcgan", .family = Family::kGan, .rho = 0.001}, kIterations, kImages, judge, 0, random, study);
    AddRuns({.arm = "vae", .family = Family::kVae, .rho = 0.001}, kIterations, kImages, judge, 0, random, study);
    bool alarm = false;
    const std::vector<Finding> findings = AnalyseStudy(study, options)->findings;
    for (const Finding& finding : findings) {
      const Verdict verdict = finding.corrected.has_value() ? finding.corrected->verdict : finding.raw.verdict;
      if (verdict != Verdict::kSupported && verdict != Verdict::kOpposite) continue;
      alarm = true;
      ++by_claim[finding.claim + " " + finding.part];
    }
    alarms += alarm ? 1 : 0;
  }
  std::cout << "studies with a false alarm: " << alarms << " of " << kStudies << "\n";
  for (const auto& [claim, count] : by_claim) std::cout << "  " << claim << ": " << count << "\n";
  EXPECT_LE(alarms, kStudies / 20);
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
               {"H1 slope", "H2 bias", "H4 amplification", "H4 balanced", "H8 class effects"});
  }
}

// Where bias points vary independently of each other, with the same rho.
TEST(DetectionTest, TestsOfSpreadHaveTheirSize) {
  for (const int iterations : {2, 3, 5}) {
    ExpectSize(RejectionsOf({.rho = 0.001}, iterations, 21), iterations, {"H2 erratic", "H5 predictability"});
  }
}

// Why intervals over runs are Student's: what the bootstrap does with five runs of a null arm.
class Bootstrap {
 public:
  Bootstrap(std::vector<double> values, Random& random) : values_(std::move(values)) {
    for (int b = 0; b < 1000; ++b) {
      double sum = 0;
      for (size_t i = 0; i < values_.size(); ++i) sum += values_[random.Below(values_.size())];
      means_.push_back(sum / static_cast<double>(values_.size()));
    }
    std::sort(means_.begin(), means_.end());
  }

  Interval Percentile() const { return {At(0.025), At(0.975)}; }

  // Efron (1987).
  Interval BiasCorrectedAccelerated() const {
    const double mean = Mean(values_);
    const double below = static_cast<double>(std::lower_bound(means_.begin(), means_.end(), mean) - means_.begin());
    const double z0 = NormalQuantile(std::clamp(below / 1000, 0.001, 0.999));
    double squares = 0;
    double cubes = 0;
    for (const double value : values_) {
      squares += std::pow(value - mean, 2);
      cubes += std::pow(value - mean, 3);
    }
    const double a = cubes / (6 * std::pow(squares, 1.5));
    const auto level = [&](double z) { return NormalCdf(z0 + (z0 + z) / (1 - a * (z0 + z))); };
    return {At(level(-1.959964)), At(level(1.959964))};
  }

 private:
  static double NormalCdf(double z) { return std::erfc(-z / std::sqrt(2)) / 2; }
  static double NormalQuantile(double p) {
    double low = -8;
    double high = 8;
    for (int i = 0; i < 60; ++i) (NormalCdf((low + high) / 2) < p ? low : high) = (low + high) / 2;
    return low;
  }
  double At(double p) const { return means_[std::min<size_t>(999, static_cast<size_t>(p * 1000))]; }

  std::vector<double> values_;
  std::vector<double> means_;
};

TEST(BootstrapTest, CoversTooLittleWithFiveRuns) {
  Random random(10);
  Coverage percentile;
  Coverage accelerated;
  Coverage student;
  for (int i = 0; i < 2000; ++i) {
    std::vector<double> shares;
    shares.reserve(kIterations);
    for (int run = 0; run < kIterations; ++run) {
      shares.push_back(static_cast<double>(random.Binomial(kImages, 0.1)) / static_cast<double>(kImages));
    }
    const Bootstrap bootstrap(shares, random);
    percentile.Add(bootstrap.Percentile().Contains(0.1));
    accelerated.Add(bootstrap.BiasCorrectedAccelerated().Contains(0.1));
    student.Add(EstimateMean(shares).interval->Contains(0.1));
  }
  std::cout << "percentile " << percentile.rate() << ", BCa " << accelerated.rate() << "\n";
  EXPECT_LT(percentile.rate(), 0.87);
  EXPECT_LT(accelerated.rate(), 0.87);
  ExpectNominal("Student", student);
}

}  // namespace
}  // namespace skew::stats

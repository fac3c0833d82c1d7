// What the instrument promises, on studies whose truth is known. Seeds are fixed: the results are the same every time.
// Each test prints the figures it found.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <functional>
#include <iostream>
#include <numeric>

#include "common/stats/amplification.h"
#include "common/stats/cell.h"
#include "common/stats/proportion.h"
#include "common/stats/student.h"
#include "tests/common/stats/coverage.h"
#include "tests/common/stats/simulation.h"

namespace skew::stats {
namespace {

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

// A class of which few runs, if any, have an image.
TEST(NullArmTest, IntervalsCoverClassesThatAreHardlyGenerated) {
  for (const double images : {0.05, 0.2, 0.5, 1.0, 2.0, 5.0, 20.0}) {
    Random random(28);
    Coverage raw;
    Coverage corrected;
    Coverage delta;  // where it has an interval
    for (int i = 0; i < 600; ++i) {
      std::vector<std::vector<int64_t>> runs;
      runs.reserve(kIterations);
      for (int run = 0; run < kIterations; ++run) {
        const int64_t own = random.Binomial(kImages, images / kImages);
        runs.push_back({kImages - own, own});
      }
      // A judge that was never seen to err.
      static const JudgeCorrection* const kJudge =
          new JudgeCorrection(*CorrectionOf({2, {100'000, 0, 0, 100'000}}, {0, 1}, 50, 1));
      const CellEstimate cell = EstimateCell(runs, {2000, 50}, kJudge);
      raw.Add(cell.classes[1].generated.interval->Contains(images / kImages));
      corrected.Add(cell.classes[1].corrected->interval->Contains(images / kImages));
      const double truth = Logit(images / kImages) - Logit(50.0 / 2050);
      for (const MeanEstimate& one : {cell.classes[1].delta, *cell.classes[1].corrected_delta}) {
        delta.Add(!one.interval.has_value() || one.interval->Contains(truth));
      }
    }
    std::cout << "  Delta, where it has an interval: missed by " << 1 - delta.rate() << " of the cells\n";
    EXPECT_GE(delta.rate(), 0.91) << images;
    std::cout << images << " images a run: covered " << raw.rate() << ", corrected " << corrected.rate() << "\n";
    EXPECT_GE(raw.rate(), 0.93) << images;
    EXPECT_GE(corrected.rate(), 0.93) << images;
  }
}

// t = 2.776 with 4 degrees of freedom, the square root of 0.5 images over that of 5 runs: 0.878 images a run. The
// smoothed logit rises by 1 / 1.5 for an image more than one.
TEST(NullArmTest, NoImageInFiveRunsIsNoCertainty) {
  const std::vector<std::vector<int64_t>> runs(5, {kImages, 0});
  const JudgeCorrection judge = *CorrectionOf({2, {480, 20, 0, 500}}, {0, 1}, 50, 1);  // takes 4% of the others for it
  const CellEstimate cell = EstimateCell(runs, {2000, 50}, &judge);
  const ClassEstimate& one = cell.classes[1];
  EXPECT_NEAR(one.generated.interval->high, 0.878 / kImages, 1e-7);
  EXPECT_GT(one.generated.interval->high, ClopperPearsonInterval(0, 5 * kImages).high);
  EXPECT_FALSE(one.delta.interval.has_value()) << "nothing bounds it from below";
  EXPECT_EQ(one.corrected->mean, 0);
  EXPECT_EQ(one.corrected->interval->low, 0);
  EXPECT_NEAR(one.corrected->interval->high, 0.878 / kImages, 1e-7);
  EXPECT_FALSE(one.corrected_delta->interval.has_value());
  const MeanEstimate delta =
      EstimateCell(std::vector<std::vector<int64_t>>(5, {kImages - 1, 1}), {2000, 50}, nullptr).classes[1].delta;
  EXPECT_NEAR(delta.interval->high - delta.mean, 0.878 / 1.5, 1e-3);
}

TEST(NullArmTest, CorrectedIntervalsCoverWithARealisticJudge) { CoverCells(1400, RealisticJudge, true, 2); }

TEST(NullArmTest, CorrectedIntervalsCoverWithTheMeasuredJudge) { CoverCells(1400, MeasuredJudge, true, 11); }

TEST(NullArmTest, CorrectedIntervalsCoverWithAJudgeThatRejects) { CoverCells(1400, RejectingJudge, true, 23); }

// Errors that were rejected are in no share: correcting for them, too, goes beyond the truth.
TEST(NullArmTest, RejectedImagesAreNoErrorsOfTheOthers) {
  Random random(24);
  Coverage accepted;
  Coverage all;
  const std::vector<int64_t> trained = {kFixedCount, 250, kFixedCount};
  const std::vector<double> truth = SharesOf(trained);
  for (int i = 0; i < 300; ++i) {
    const SimulatedJudge judge = RejectingJudge(random);
    std::vector<std::vector<int64_t>> runs;
    runs.reserve(kIterations);
    for (int run = 0; run < kIterations; ++run) runs.push_back(JudgedCounts(truth, kImages, judge, random));
    for (auto* const coverage : {&accepted, &all}) {
      const ConfusionMatrix& confusion = coverage == &all ? judge.decisions : judge.confusion;
      const JudgeCorrection correction = *CorrectionOf(confusion, {0, 1, 2}, 200, 1);
      coverage->Add(EstimateCell(runs, trained, &correction).classes[1].corrected->interval->Contains(truth[1]));
    }
  }
  std::cout << "covered " << accepted.rate() << ", with all decisions " << all.rate() << "\n";
  EXPECT_GE(accepted.rate(), 0.91);
  EXPECT_LT(all.rate(), 0.6);
}

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
    const std::vector<MeanEstimate> estimates =
        CorrectedShares(observed, std::vector<double>(kIterations, kImages), correction);
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

}  // namespace
}  // namespace skew::stats

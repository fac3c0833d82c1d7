// What the null arm's line says of a study in which nothing is wrong. Seeds are fixed; the test prints the figures it
// found.
#include <gtest/gtest.h>

#include <cstddef>
#include <iostream>
#include <string>
#include <vector>

#include "common/null_arm.h"
#include "common/results.h"
#include "tests/common/stats/simulation.h"

namespace skew {
namespace {

constexpr int kDecided = 500;  // images of a class in the held-out half, as in the one that calibrates
constexpr int kJudgeClasses = 10;

// The judge as it is seen on a held-out half that never changes.
stats::SimulatedJudge OnHeldOut(const stats::SimulatedJudge& judge, stats::Random& random) {
  stats::SimulatedJudge seen = judge;
  for (size_t i = 0; i < kJudgeClasses; ++i) {
    const auto row = judge.rates.begin() + static_cast<std::ptrdiff_t>(i * kJudgeClasses);
    const std::vector<int64_t> counts = random.Multinomial(kDecided, std::vector<double>(row, row + kJudgeClasses));
    for (size_t j = 0; j < kJudgeClasses; ++j) {
      seen.rates[i * kJudgeClasses + j] = static_cast<double>(counts[j]) / kDecided;
    }
  }
  return seen;
}

v1::Classifier ClassifierOf(const stats::SimulatedJudge& judge) {
  v1::Classifier classifier;
  classifier.set_digest("judge");
  classifier.set_classes(kJudgeClasses);
  for (const double count : judge.confusion.counts) classifier.add_confusion(static_cast<int32_t>(count));
  return classifier;
}

v1::Run RunOf(int32_t varied, int iteration, const std::vector<int64_t>& counts) {
  v1::Run run;
  run.set_model("resample");
  run.set_iteration(iteration);
  run.set_state(v1::SUCCEEDED);
  v1::ClassHistogram& histogram = *run.mutable_histogram();
  histogram.set_final(true);
  histogram.set_images(stats::kImages);
  histogram.set_classifier_digest("judge");
  for (int32_t label = 0; label < stats::kClasses; ++label) {
    (*run.mutable_bias_point()->mutable_counts())[label] = label == 1 ? varied : stats::kFixedCount;
    (*histogram.mutable_counts())[label] = static_cast<int32_t>(counts[static_cast<size_t>(label)]);
  }
  return run;
}

v1::GetResultsResponse StudyOf(const stats::SimulatedJudge& judge, int iterations, stats::Random& random) {
  const stats::SimulatedJudge seen = OnHeldOut(judge, random);
  std::vector<v1::Run> runs;
  for (const int64_t varied : stats::kVariedCounts) {
    const auto total = static_cast<double>(varied + 2 * stats::kFixedCount);
    const double own = static_cast<double>(varied) / total;
    for (int iteration = 0; iteration < iterations; ++iteration) {
      runs.push_back(RunOf(static_cast<int32_t>(varied), iteration,
                           stats::JudgedCounts({(1 - own) / 2, own, (1 - own) / 2}, stats::kImages, seen, random)));
    }
  }
  const std::vector<v1::Classifier> classifiers = {ClassifierOf(judge)};
  v1::GetResultsResponse results;
  for (v1::ResultCell& cell : ComputeResults(runs, classifiers)) *results.add_cells() = std::move(cell);
  return results;
}

// Twenty iterations: what runs leave open is little beside what the judge's errors on one half say of those on the
// other.
TEST(NullArmStudyTest, AFairInstrumentIsSeldomSaidToBeOff) {
  for (const bool measured : {true, false}) {
    constexpr int kStudies = 150;
    stats::Random random(31);
    int off = 0;
    int containing = 0;
    int intervals = 0;
    int as_judged = 0;
    for (int i = 0; i < kStudies; ++i) {
      const stats::SimulatedJudge judge =
          measured ? stats::ShuffledMeasuredJudge(random) : stats::RealisticJudge(random);
      const v1::GetResultsResponse results = StudyOf(judge, 20, random);
      const NullArmCoverage coverage = NullArmCoverageOf(results).front();
      containing += coverage.corrected.containing;
      intervals += coverage.corrected.intervals;
      as_judged += coverage.as_judged.containing;
      off += NullArmText(results).find("is off") != std::string::npos ? 1 : 0;
    }
    const double covered = static_cast<double>(containing) / intervals;
    std::cout << (measured ? "measured" : "realistic") << " judges: corrected intervals cover " << covered
              << ", as judged " << static_cast<double>(as_judged) / intervals << "; said to be off in " << off << " of "
              << kStudies << " studies\n";
    EXPECT_GE(covered, 0.93);
    EXPECT_LE(covered, 0.98);
    EXPECT_LE(off, kStudies / 50);
  }
}

// A judge that errs on a twentieth of the images, and was calibrated on images on which it does not.
TEST(NullArmStudyTest, AWrongCorrectionIsSaidToBeOff) {
  stats::Random random(32);
  stats::SimulatedJudge judge = stats::PerfectJudge();
  for (double& rate : judge.rates) rate = rate == 1 ? 0.95 : 0.05 / (kJudgeClasses - 1);
  for (int i = 0; i < 5; ++i) {
    EXPECT_NE(NullArmText(StudyOf(judge, 20, random)).find("the instrument itself is off"), std::string::npos);
  }
}

}  // namespace
}  // namespace skew

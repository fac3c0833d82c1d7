#include "common/stats/judge.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>

namespace skew::stats {
namespace {

using ::testing::DoubleNear;
using ::testing::HasSubstr;
using ::testing::Pointwise;

testing::Matcher<const std::vector<double>&> Near(const std::vector<double>& expected, double error = 1e-9) {
  return Pointwise(DoubleNear(error), expected);
}

// Columns (.96, .02, .02), (.01, .97, .02), (.02, .03, .95): entry [judged * 3 + true].
const std::vector<double> kRates = {0.96, 0.01, 0.02, 0.02, 0.97, 0.03, 0.02, 0.02, 0.95};

TEST(CorrectionTest, UndoesTheJudgesErrors) {
  const absl::StatusOr<Correction> correction = Correction::Make(kRates, 3);
  ASSERT_TRUE(correction.ok());
  EXPECT_THAT(correction->Solve({0.4385, 0.4485, 0.113}), Near({0.45, 0.45, 0.10}));
  EXPECT_THAT(correction->Shares({0.4385, 0.4485, 0.113}), Near({0.45, 0.45, 0.10}));
}

TEST(CorrectionTest, WhatNoSharesExplainGoesToTheSimplex) {
  const Correction correction = *Correction::Make(kRates, 3);
  EXPECT_LT(correction.Solve({0.5, 0.5, 0.0})[2], 0);
  const std::vector<double> shares = correction.Shares({0.5, 0.5, 0.0});
  EXPECT_EQ(shares[2], 0);
  EXPECT_NEAR(shares[0] + shares[1], 1, 1e-12);
}

// Why correction is not optional: three classes, errors spread evenly.
TEST(CorrectionTest, UndoesWhatAJudgeAddsToASmallClass) {
  const auto expect_reading = [](double accuracy, double reading) {
    const double error = (1 - accuracy) / 2;
    const std::vector<double> rates = {accuracy, error, error, error, accuracy, error, error, error, accuracy};
    const double read = accuracy * 0.02 + error * 0.98;
    EXPECT_NEAR(read, reading, 5e-5);
    EXPECT_THAT(Correction::Make(rates, 3)->Shares({(1 - read) / 2, read, (1 - read) / 2}), Near({0.49, 0.02, 0.49}));
  };
  expect_reading(0.95, 0.0435);
  expect_reading(0.995, 0.0224);
}

// True shares (.8, .2), judge right at 90% and 80%, 10% and 5% judged to be of no class of the job.
TEST(CorrectionTest, ImagesJudgedOutsideDropOut) {
  const Correction correction = *Correction::Make({0.9, 0.15, 0.0, 0.8}, 2);
  EXPECT_THAT(correction.Shares({0.9 * 0.8 + 0.15 * 0.2, 0.8 * 0.2}), Near({0.8, 0.2}));
  EXPECT_THAT(correction.Shares({7500, 1600}), Near({0.8, 0.2}));  // counts do as well
}

TEST(CorrectionTest, RefusesAJudgeThatCannotTellClassesApart) {
  EXPECT_THAT(Correction::Make({0.5, 0.5, 0.5, 0.5}, 2).status().message(), HasSubstr("cannot tell"));
  EXPECT_THAT(Correction::Make({0.5001, 0.5, 0.4999, 0.5}, 2).status().message(), HasSubstr("cannot tell"));
  EXPECT_THAT(Correction::Make({1, 0, 0}, 2).status().message(), HasSubstr("3 rates"));
  EXPECT_THAT(Correction::Make({1.5, 0, 0, 1}, 2).status().message(), HasSubstr("1.5 is not a rate"));
}

// PACC: with mean softmax outputs instead of rates of decisions, over all classes of the dataset.
TEST(CorrectionTest, ProbabilisticFormRestrictsToTheJobsClasses) {
  // Mean outputs of a judge of four classes, entry [output * 4 + true].
  const std::vector<double> outputs = {0.90, 0.05, 0.03, 0.02,  //
                                       0.04, 0.88, 0.02, 0.06,  //
                                       0.03, 0.03, 0.93, 0.01,  //
                                       0.03, 0.04, 0.02, 0.91};
  const std::vector<double> truth = {0.25, 0, 0.75, 0};
  std::vector<double> mean_output(4, 0);
  for (size_t j = 0; j < 4; ++j) {
    for (size_t i = 0; i < 4; ++i) mean_output[j] += outputs[j * 4 + i] * truth[i];
  }
  const std::vector<int> classes = {0, 2};
  const Correction correction = *Correction::Make(Restrict(outputs, 4, classes), 2);
  EXPECT_THAT(correction.Shares(Restrict(mean_output, classes)), Near({0.25, 0.75}));
}

TEST(ProjectOntoSimplexTest, NearestPoint) {
  EXPECT_THAT(ProjectOntoSimplex({0.2, 0.3, 0.5}), Near({0.2, 0.3, 0.5}));
  EXPECT_THAT(ProjectOntoSimplex({0.6, 0.6, -0.2}), Near({0.5, 0.5, 0}));
  EXPECT_THAT(ProjectOntoSimplex({2, 0, 0}), Near({1, 0, 0}));
  EXPECT_THAT(ProjectOntoSimplex({0, 0, 0}), Near({1.0 / 3, 1.0 / 3, 1.0 / 3}));
}

// Teo et al. 2023, the method's two-class form.
TEST(CleamTest, KnownValue) {
  const TwoClassAccuracy accuracy{0.9471627, 0.9829295};
  EXPECT_NEAR(CleamShare(0.610, accuracy), 0.637495, 1e-6);
  EXPECT_NEAR(CleamShare(0.390, {accuracy.second, accuracy.first}), 1 - 0.637495, 1e-6);
  const MeanEstimate estimate = CleamEstimate({0.610, 0.0186, Interval{0.602, 0.618}}, accuracy);
  EXPECT_NEAR(estimate.mean, 0.637495, 1e-6);
  EXPECT_NEAR(*estimate.sd, 0.0186 / 0.9300922, 1e-9);
  EXPECT_NEAR(estimate.interval->low, CleamShare(0.602, accuracy), 1e-12);
  EXPECT_NEAR(estimate.interval->high, CleamShare(0.618, accuracy), 1e-12);
  EXPECT_FALSE(CleamEstimate({0.610, {}, {}}, accuracy).sd.has_value());
}

TEST(CleamTest, AccuraciesAreThoseAmongTheTwoClasses) {
  const ConfusionMatrix confusion = {3, {90, 7, 10, 0, 1, 0, 4, 30, 96}};
  const absl::StatusOr<TwoClassAccuracy> accuracy = TwoClassAccuracyOf(confusion, {0, 2});
  ASSERT_TRUE(accuracy.ok());
  EXPECT_NEAR(accuracy->first, 0.90, 1e-12);
  EXPECT_NEAR(accuracy->second, 0.96, 1e-12);
  EXPECT_THAT(TwoClassAccuracyOf(confusion, {0, 1, 2}).status().message(), HasSubstr("two classes, not 3"));
  EXPECT_THAT(TwoClassAccuracyOf({2, {1, 1, 1, 1}}, {0, 1}).status().message(), HasSubstr("guesses"));
  EXPECT_THAT(TwoClassAccuracyOf({3, {0, 5, 0, 0, 1, 0, 0, 0, 9}}, {0, 2}).status().message(), HasSubstr("guesses"));
  EXPECT_THAT(TwoClassAccuracyOf({2, {1, 0, 0, 1}}, {0, 2}).status().message(), HasSubstr("no class 2"));
}

TEST(CleamTest, AgreesWithTheCorrectionForTwoClasses) {
  const Correction correction = *Correction::Make({0.95, 0.02, 0.05, 0.98}, 2);
  EXPECT_NEAR(correction.Solve({0.61, 0.39})[0], CleamShare(0.61, {0.95, 0.98}), 1e-12);
}

ConfusionMatrix LargeSample() {
  return {3, {960'000, 20'000, 20'000, 10'000, 970'000, 20'000, 20'000, 30'000, 950'000}};
}

TEST(JudgeCorrectionTest, ManyCalibrationImagesLeaveNothingOpen) {
  const JudgeCorrection correction = *CorrectionOf(LargeSample(), {0, 1, 2}, 50, 1);
  EXPECT_THAT(correction.mean.Shares({0.4385, 0.4485, 0.113}), Near({0.45, 0.45, 0.10}, 1e-5));
  ASSERT_EQ(correction.draws.size(), 50u);
  for (const Correction& draw : correction.draws) {
    EXPECT_THAT(draw.Shares({0.4385, 0.4485, 0.113}), Near({0.45, 0.45, 0.10}, 3e-3));
  }
}

TEST(JudgeCorrectionTest, RatesThatWereNeverSeenStayOpen) {
  const JudgeCorrection correction = *CorrectionOf({2, {500, 0, 3, 497}}, {0, 1}, 200, 1);
  int below = 0;
  for (const Correction& draw : correction.draws) below += draw.Solve({0.99, 0.01})[1] < 0.0099 ? 1 : 0;
  EXPECT_GT(below, 10);  // that 0 is judged as 1 sometimes, though it was not seen, is taken for possible
}

// Rejects half of class 1 and nothing of class 0.
TEST(JudgeCorrectionTest, RejectedImagesAreMadeUpFor) {
  const JudgeCorrection correction = *CorrectionOf({2, {400'000, 0, 0, 200'000}, {0, 200'000}}, {0, 1}, 20, 1);
  EXPECT_THAT(correction.mean.Shares({0.75, 0.25}), Near({0.6, 0.4}, 1e-4));
  for (const Correction& draw : correction.draws) EXPECT_THAT(draw.Shares({0.75, 0.25}), Near({0.6, 0.4}, 3e-3));
  const JudgeCorrection few = *CorrectionOf({2, {40, 0, 0, 20}, {0, 20}}, {0, 1}, 200, 1);
  std::vector<double> shares;
  for (const Correction& draw : few.draws) shares.push_back(draw.Shares({0.75, 0.25})[1]);
  EXPECT_NEAR(std::sqrt(Variance(shares)), 0.24 * std::sqrt(0.5 * 0.5 / 41) / 0.5, 0.01);  // d share / d log rate = pq
}

TEST(JudgeCorrectionTest, DrawsAreTheSameForTheSameSeed) {
  const ConfusionMatrix confusion = {2, {90, 10, 5, 95}};
  const std::vector<double> observed = {0.4, 0.6};
  const auto first_draw = [&](uint64_t seed) { return CorrectionOf(confusion, {0, 1}, 1, seed)->draws[0]; };
  EXPECT_EQ(first_draw(7).Solve(observed), first_draw(7).Solve(observed));
  EXPECT_NE(first_draw(7).Solve(observed), first_draw(8).Solve(observed));
}

TEST(JudgeCorrectionTest, RefusesWhatIsNoConfusionMatrix) {
  EXPECT_THAT(CorrectionOf({2, {1, 0, 1}}, {0, 1}, 0, 1).status().message(), HasSubstr("not 3 entries"));
  EXPECT_THAT(CorrectionOf({2, {1, 0, -1, 1}}, {0, 1}, 0, 1).status().message(), HasSubstr("negative"));
  EXPECT_THAT(CorrectionOf({2, {1, 0, 0, 0}}, {0, 1}, 0, 1).status().message(), HasSubstr("no image of class 1"));
  EXPECT_THAT(CorrectionOf({2, {1, 0, 0, 1}, {1}}, {0, 1}, 0, 1).status().message(), HasSubstr("not 1 counts"));
  EXPECT_THAT(CorrectionOf({2, {1, 0, 0, 1}, {1, -1}}, {0, 1}, 0, 1).status().message(), HasSubstr("negative"));
  EXPECT_THAT(CorrectionOf({2, {1, 0, 0, 1}}, {0, 2}, 0, 1).status().message(), HasSubstr("no class 2"));
}

}  // namespace
}  // namespace skew::stats

#include "common/judges.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace skew {
namespace {

using ::testing::DoubleNear;
using ::testing::ElementsAre;

// Right on all images, and less sure of class 1: of half of those with 0.5, of the others with 0.75.
v1::Classifier Judge() {
  v1::Classifier judge;
  judge.set_digest("judge");
  judge.set_classes(2);
  for (const int count : {4000, 0, 0, 2000}) judge.add_confusion(count);
  for (int i = 0; i < 4000; ++i) judge.add_confidences(0.9F);
  for (int i = 0; i < 2000; ++i) judge.add_confidences(i < 1000 ? 0.5F : 0.75F);
  return judge;
}

std::vector<double> Corrected(const v1::Classifier& judge, const std::vector<double>& shares) {
  const std::vector<v1::Classifier> classifiers = {judge};
  Judges judges(classifiers);
  const JudgeCorrections* const corrections = judges.Find("judge", {0, 1}, stats::JudgedOn::kAnyImages);
  return corrections != nullptr ? corrections->decisions.mean.Shares(shares) : std::vector<double>();
}

// Of a class that the judge rejects half of, there are twice as many as it says.
TEST(JudgesTest, RejectedImagesAreCorrectedFor) {
  v1::Classifier strict = Judge();
  SetAcceptedConfusion(0.75, strict);
  EXPECT_THAT(strict.accepted_confusion(), ElementsAre(4000, 0, 0, 1000));
  EXPECT_EQ(strict.confidences_size(), 0);
  EXPECT_THAT(Corrected(strict, {0.75, 0.25}), ElementsAre(DoubleNear(0.6, 1e-3), DoubleNear(0.4, 1e-3)));
}

TEST(JudgesTest, WhatTheThresholdLetsThroughIsCorrectedForNothing) {
  v1::Classifier judge = Judge();
  SetAcceptedConfusion(0.5, judge);
  EXPECT_THAT(judge.accepted_confusion(), ElementsAre(4000, 0, 0, 2000));
  EXPECT_THAT(Corrected(judge, {0.75, 0.25}), ElementsAre(DoubleNear(0.75, 1e-3), DoubleNear(0.25, 1e-3)));
}

TEST(JudgesTest, JudgesTrainedBeforeConfidencesWereMeasuredRejectNothing) {
  v1::Classifier judge = Judge();
  judge.clear_confidences();
  SetAcceptedConfusion(0.75, judge);
  EXPECT_EQ(judge.accepted_confusion_size(), 0);
  EXPECT_TRUE(ConfusionOf(judge).rejected.empty());
}

}  // namespace
}  // namespace skew

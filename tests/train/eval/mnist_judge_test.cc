// Slow: trains the default judge on the real dataset.
#include <cstdlib>
#include <string>

#include "gtest/gtest.h"
#include "server/train/eval/classifier.h"

namespace skew::train {
namespace {

TEST(MnistJudgeTest, DefaultTrainingReachesItsAccuracy) {
  const char* const folder = std::getenv("SKEW_TEST_DATA");
  if (folder == nullptr) FAIL() << "set SKEW_TEST_DATA to a folder that holds mnist/ with the four IDX files";
  const absl::StatusOr<DatasetContent> dataset = ReadDataset(std::string(folder) + "/mnist");
  ASSERT_TRUE(dataset.ok()) << dataset.status();
  ClassifierTraining training;
  training.dataset = &*dataset;
  const absl::StatusOr<std::unique_ptr<Classifier>> classifier = TrainClassifier(training);
  ASSERT_TRUE(classifier.ok()) << classifier.status();
  const absl::StatusOr<v1::Classifier> description = Describe(**classifier, *dataset);
  ASSERT_TRUE(description.ok()) << description.status();
  EXPECT_GE(description->test_accuracy(), 0.993);
  RecordProperty("test_accuracy", std::to_string(description->test_accuracy()));
}

}  // namespace
}  // namespace skew::train

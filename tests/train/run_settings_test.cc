#include "server/train/run_settings.h"

#include <string>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"

namespace skew::train {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// An order for 200 images; `spec` is the job specification without its models.
worker::v1::WorkOrder Order(const std::string& spec, const std::string& model = "dcgan {}") {
  worker::v1::WorkOrder order;
  const std::string text = "spec { models { " + model + " } " + spec +
                           " } bias_point { counts { key: 0 value: 150 } counts { key: 1 value: 50 } }";
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &order));
  return order;
}

TEST(RunSettingsTest, DefaultsAreThoseOfTheJobSpecification) {
  const RunSettings settings = SettingsOf(Order("")).value();
  EXPECT_EQ(settings.batch_size, 64);
  EXPECT_EQ(settings.total_steps, 6000);
  EXPECT_THAT(settings.evaluation_steps, ElementsAre(600, 1200, 1800, 2400, 3000, 3600, 4200, 4800, 5400));
  EXPECT_EQ(settings.generation_images, 10000);
  EXPECT_EQ(settings.evaluation_images, 2000);
  EXPECT_EQ(settings.reject_below, 0.5);
  EXPECT_EQ(settings.model.dcgan().width(), 64);
  EXPECT_EQ(SettingsOf(Order("", "vae_mlp {}"))->batch_size, 128);
  EXPECT_EQ(SettingsOf(Order("generation { images: 300 }"))->evaluation_images, 300);
}

TEST(RunSettingsTest, EpochsAreRoundedUpToUpdates) {
  const RunSettings settings =
      SettingsOf(Order("training { epochs: 3 batch_size: 64 } evaluation { every_epochs: 1 }")).value();
  EXPECT_EQ(settings.total_steps, 10);  // 600 images
  EXPECT_THAT(settings.evaluation_steps, ElementsAre(4, 7));
  EXPECT_TRUE(settings.IsEvaluationStep(4));
  EXPECT_FALSE(settings.IsEvaluationStep(5));
}

TEST(RunSettingsTest, TheLastStepIsNotEvaluatedTwice) {
  EXPECT_THAT(SettingsOf(Order("training { steps: 6 } evaluation { every_steps: 2 }"))->evaluation_steps,
              ElementsAre(2, 4));
  EXPECT_THAT(SettingsOf(Order("training { steps: 3 }"))->evaluation_steps, ElementsAre(1, 2));
  EXPECT_THAT(SettingsOf(Order("training { steps: 1 }"))->evaluation_steps, IsEmpty());
}

TEST(RunSettingsTest, ResampleHasNoSteps) {
  const RunSettings settings = SettingsOf(Order("training { steps: 6 }", "resample {}")).value();
  EXPECT_EQ(settings.total_steps, 0);
  EXPECT_THAT(settings.evaluation_steps, IsEmpty());
}

TEST(RunSettingsTest, RefusesWhatCannotWork) {
  for (const char* const spec :
       {"training { steps: 0 }", "training { epochs: -1 }", "training { batch_size: 1 }",
        "evaluation { every_steps: 0 }", "evaluation { images: 0 }", "generation { images: 0 }"}) {
    EXPECT_TRUE(absl::IsInvalidArgument(SettingsOf(Order(spec)).status())) << spec;
  }
  EXPECT_THAT(std::string(SettingsOf(Order("training { steps: 0 }")).status().message()),
              HasSubstr("training.steps: 0"));
  worker::v1::WorkOrder no_model = Order("");
  no_model.set_model_index(1);
  EXPECT_TRUE(absl::IsInvalidArgument(SettingsOf(no_model).status()));
}

}  // namespace
}  // namespace skew::train

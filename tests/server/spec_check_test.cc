#include "server/api/spec_check.h"

#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include "server/api/spec_defaults.h"

namespace skew {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::ResultOf;

v1::Dataset Mnist() {
  v1::Dataset dataset;
  dataset.set_name("mnist");
  dataset.set_digest("d");
  dataset.set_classes(10);
  dataset.set_height(28);
  dataset.set_width(28);
  for (int32_t label = 0; label < 10; ++label) (*dataset.mutable_train_counts())[label] = 6000;
  return dataset;
}

constexpr char kGood[] = R"(
  dataset: "mnist"
  bias { fixed { key: 0 value: 2000 } fixed { key: 2 value: 2000 } varied { class: 1 counts: 50 counts: 500 } }
  models { dcgan {} }
  models { vae {} }
  iterations: 5
)";

v1::JobSpec Parse(const std::string& text) {
  v1::JobSpec spec;
  EXPECT_TRUE(google::protobuf::TextFormat::MergeFromString(text, &spec)) << text;
  return spec;
}

std::vector<v1::FieldViolation> Check(v1::JobSpec spec) {
  FillDefaults(spec);
  return CheckSpec(spec, Mnist());
}

TEST(SpecCheckTest, AcceptsAGoodSpec) {
  const auto violations = Check(Parse(kGood));
  EXPECT_TRUE(violations.empty()) << violations[0].ShortDebugString();
}

struct BadSpec {
  const char* name;
  const char* change;       // merged into the good spec
  const char* field;        // that must be named
  const char* description;  // a part of it
};

class BadSpecTest : public ::testing::TestWithParam<BadSpec> {};

void ExpectOneViolation(const std::string& spec, const BadSpec& expected) {
  const auto violations = Check(Parse(spec));
  ASSERT_EQ(violations.size(), 1u) << (violations.empty() ? "" : violations[1].ShortDebugString());
  EXPECT_EQ(violations[0].field(), expected.field);
  EXPECT_THAT(violations[0].description(), HasSubstr(expected.description));
}

TEST_P(BadSpecTest, IsRefusedWithFieldAndValue) {
  ExpectOneViolation(std::string(kGood) + GetParam().change, GetParam());
}

INSTANTIATE_TEST_SUITE_P(
    Cases, BadSpecTest,
    ::testing::Values(
        BadSpec{"ClassNotInDataset", "bias { fixed { key: 11 value: 5 } }", "bias.fixed[11]", "class 11 is not in"},
        BadSpec{"MoreThanAvailable", "bias { fixed { key: 3 value: 7000 } }", "bias.fixed[3]",
                "class 3: 7000 images asked for, 6000 available"},
        BadSpec{"ZeroFixedCount", "bias { fixed { key: 3 value: 0 } }", "bias.fixed[3]", "0 images; at least 1"},
        BadSpec{"NegativeVariedCount", "bias { varied { counts: -4 } }", "bias.varied.counts[2]", "-4 images"},
        BadSpec{"CountTwice", "bias { varied { counts: 50 } }", "bias.varied.counts[2]", "50 is there twice"},
        BadSpec{"ClassInBoth", "bias { fixed { key: 1 value: 5 } }", "bias.varied.class",
                "class 1 is in bias.fixed too"},
        BadSpec{"NoIterations", "iterations: 0", "iterations", "0 is not in 1..1000"},
        BadSpec{"TooManyIterations", "iterations: 1001", "iterations", "1001 is not in 1..1000"},
        BadSpec{"TotalTooSmall", "bias { total: 500 }", "bias.total", "class 0: 0 images; at least 1"},
        BadSpec{"TotalTooLarge", "bias { total: 20000 }", "bias.total",
                "class 0: 9975 images asked for, 6000 available"},
        BadSpec{"NegativeTotal", "bias { total: -2147483648 }", "bias.total", "class 0: 0 images"},
        BadSpec{"ProfileBesideFixed", "bias { profile { classes: 0 classes: 1 images: 5 balanced {} } }",
                "bias.profile", "it stands instead of them"},
        BadSpec{"Draw", "bias { draw: 7 }", "bias.draw", "7 is neither PER_ITERATION nor PER_JOB"},
        BadSpec{"Composition", "training { composition: 5 }", "training.composition",
                "5 is neither SHUFFLED nor QUOTA"},
        BadSpec{"NoOrder", "training { first_batches { batches: 3 } }", "training.first_batches.order", "0 is none of"},
        BadSpec{"FirstBatches", "training { first_batches { order: STRATIFIED batches: 0 } }",
                "training.first_batches.batches", "0 is not in 1..10000"},
        BadSpec{"EpochsAndSteps", "training { epochs: 3 steps: 100 }", "training", "epochs (3) and steps (100)"},
        BadSpec{"NoEpochs", "training { epochs: 0 }", "training.epochs", "0 is not in"},
        BadSpec{"BatchOfOne", "training { batch_size: 1 }", "training.batch_size", "1 is not in 2..4096"},
        BadSpec{"NoFamily", "models {}", "models[2]", "no family"},
        BadSpec{"SameModelTwice", "models { vae { latent: 16 } }", "models[2]", "same settings as models[1]"},
        BadSpec{"Narrow", "models { dcgan { width: 4 } }", "models[2].dcgan.width", "4 is not in 8..256"},
        BadSpec{"Rate", "models { vae { learning_rate: 0 } }", "models[2].vae.learning_rate", "0 is not above 0"},
        BadSpec{"Precision", "models { vae_mlp { precision: 9 } }", "models[2].vae_mlp.precision", "9 is none of AUTO"},
        BadSpec{"NoImages", "generation { images: 0 }", "generation.images", "0 is not in"},
        BadSpec{"BothEvery", "evaluation { every_epochs: 1 every_steps: 5 }", "evaluation", "both set"},
        BadSpec{"StopWidth", "stop { class: 1 half_width: 0.5 }", "stop.half_width",
                "0.5 is not above 0 and below 0.5"},
        BadSpec{"StopNoClass", "stop { half_width: 0.1 }", "stop.class", "is required"},
        BadSpec{"StopClass", "stop { class: 7 half_width: 0.1 }", "stop.class", "7 is no class of the job"},
        BadSpec{"StopLater", "stop { class: 1 half_width: 0.1 min_iterations: 6 }", "stop.min_iterations",
                "6 is not in 3..5"},
        BadSpec{"Threshold", "evaluation { reject_below: 1.5 }", "evaluation.reject_below", "1.5 is not in 0..1"},
        BadSpec{"SameJudgeTwice", "evaluation { more_judges { seed: 1 } more_judges { seed: 1 epochs: 4 } }",
                "evaluation.more_judges[1]", "epochs 4 and seed 1 are those of evaluation.more_judges[0]"},
        BadSpec{"FirstJudgeAgain", "evaluation { more_judges { epochs: 2 } classifier { epochs: 2 } }",
                "evaluation.more_judges[0]", "epochs 2 and seed 0 are those of evaluation.classifier"},
        BadSpec{"JudgeEpochs", "evaluation { more_judges { epochs: 101 } }", "evaluation.more_judges[0].epochs",
                "101 is not in 1..100"},
        BadSpec{"ManyJudges",
                "evaluation { more_judges { seed: 1 } more_judges { seed: 2 } more_judges { seed: 3 } "
                "more_judges { seed: 4 } more_judges { seed: 5 } more_judges { seed: 6 } more_judges { seed: 7 } "
                "more_judges { seed: 8 } }",
                "evaluation.more_judges", "8 judges; at most 7"},
        BadSpec{"Attempts", "max_attempts: 21", "max_attempts", "21 is not in 1..20"},
        BadSpec{"TimeLimit", "time_limit { nanos: 5 }", "time_limit", "below 1s"},
        BadSpec{"NoDuration", "time_limit { seconds: 3 nanos: 1000000000 }", "time_limit",
                "3 seconds and 1000000000 nanos are no duration"}),
    [](const auto& test) { return test.param.name; });

class BadProfileTest : public ::testing::TestWithParam<BadSpec> {};

TEST_P(BadProfileTest, IsRefusedWithFieldAndValue) {
  ExpectOneViolation(std::string("dataset: 'mnist' models { vae {} } ") + GetParam().change, GetParam());
}

INSTANTIATE_TEST_SUITE_P(
    Cases, BadProfileTest,
    ::testing::Values(
        BadSpec{"NoShape", "bias { profile { classes: [0, 1] images: 5 } }", "bias.profile", "no shape"},
        BadSpec{"OneClass", "bias { profile { classes: 0 images: 5 balanced {} } }", "bias.profile.classes",
                "1 class; shares need at least two"},
        BadSpec{"ClassTwice", "bias { profile { classes: [0, 1, 0] images: 5 balanced {} } }",
                "bias.profile.classes[2]", "0 is there twice"},
        BadSpec{"NoSuchClass", "bias { profile { classes: [0, 12] images: 5 balanced {} } }", "bias.profile.classes[1]",
                "class 12 is not in dataset"},
        BadSpec{"NoImages", "bias { profile { classes: [0, 1] balanced {} } }", "bias.profile.images", "0; the most"},
        BadSpec{"TooManyImages", "bias { profile { classes: [0, 1] images: 6001 balanced {} } }", "bias.profile.images",
                "class 0: 6001 images asked for, 6000 available"},
        BadSpec{"NoRatios", "bias { profile { classes: [0, 1] images: 50 step {} } }", "bias.profile.step.ratios",
                "empty; at least one ratio"},
        BadSpec{"RatioBelowOne", "bias { profile { classes: [0, 1] images: 50 step { ratios: 0.5 } } }",
                "bias.profile.step.ratios[0]", "0.5 is not in 1..10000"},
        BadSpec{"RatioIsNoNumber", "bias { profile { classes: [0, 1] images: 50 exponential { ratios: nan } } }",
                "bias.profile.exponential.ratios[0]", "nan is not in 1..10000"},
        BadSpec{"RatioTwice", "bias { profile { classes: [0, 1] images: 50 step { ratios: [2, 2] } } }",
                "bias.profile.step.ratios[1]", "2 is there twice"},
        BadSpec{"RatioTooLarge", "bias { profile { classes: [0, 1] images: 50 exponential { ratios: 200 } } }",
                "bias.profile.exponential.ratios[0]", "class 1: 0 images; at least 1"},
        BadSpec{"AllAreMinorities",
                "bias { profile { classes: [0, 1] images: 50 step { ratios: 2 minority_classes: 2 } } }",
                "bias.profile.step.minority_classes", "2 is not in 1..1"},
        BadSpec{"NoMinorities",
                "bias { profile { classes: [0, 1] images: 50 step { ratios: 2 minority_classes: -2147483648 } } }",
                "bias.profile.step.minority_classes", "-2147483648 is not in 1..1"}),
    [](const auto& test) { return test.param.name; });

TEST(SpecCheckTest, NamesEverythingThatIsWrongAtOnce) {
  EXPECT_EQ(Check(Parse(std::string(kGood) + "iterations: 0 training { epochs: -1 } generation { images: -1 }")).size(),
            3u);
}

TEST(SpecCheckTest, NeedsModelsAndTwoClasses) {
  const auto violations = Check(Parse("dataset: 'mnist' bias { fixed { key: 0 value: 5 } }"));
  ASSERT_EQ(violations.size(), 2u);
  EXPECT_EQ(violations[0].field(), "bias");
  EXPECT_EQ(violations[1].field(), "models");
}

TEST(SpecCheckTest, CountsRunsBeforeItMakesThem) {
  v1::JobSpec spec = Parse(std::string(kGood) + "iterations: 1000");
  spec.mutable_bias()->mutable_varied()->clear_counts();
  for (int32_t count = 1; count <= 51; ++count) spec.mutable_bias()->mutable_varied()->add_counts(count);
  const auto violations = Check(spec);
  ASSERT_EQ(violations.size(), 1u);
  EXPECT_THAT(violations[0].description(), HasSubstr("102000 runs"));
}

// The most memory that this process ever had.
int64_t PeakBytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return int64_t{usage.ru_maxrss} * 1024;
}

TEST(SpecCheckTest, MakesNoBiasPointsOfClassesThatThereAreNot) {
  v1::JobSpec spec = Parse(std::string(kGood) + "bias { total: 9000 } stop { class: 7 half_width: 0.1 }");
  for (int32_t label = 1; label <= 1000; ++label) (*spec.mutable_bias()->mutable_fixed())[-label] = 1;
  for (int32_t count = 1; count <= 20'000; ++count) spec.mutable_bias()->mutable_varied()->add_counts(count);
  const int64_t before = PeakBytes();
  EXPECT_FALSE(Check(spec).empty());
  EXPECT_LT(PeakBytes() - before, int64_t{200} << 20);
}

TEST(SpecCheckTest, NumbersWhoseProductIsTooLargeAreRefused) {
  const auto violations =
      Check(Parse(std::string(kGood) + "training { epochs: 2147483647 } bias { fixed { key: 3 value: 2147483647 } "
                                       "fixed { key: 4 value: 2147483647 } fixed { key: 5 value: 2147483647 } }"));
  EXPECT_THAT(violations, Contains(ResultOf([](const v1::FieldViolation& one) { return one.description(); },
                                            HasSubstr("more steps than can be counted"))));
}

TEST(SpecCheckTest, RefusesASpecOverAMebibyte) {
  v1::JobSpec spec = Parse(kGood);
  spec.set_name(std::string(2 << 20, 'x'));
  const auto violations = Check(spec);
  ASSERT_EQ(violations.size(), 1u);
  EXPECT_EQ(violations[0].field(), "spec");
}

// Each of them is a row of the queue, and of every forecast.
TEST(SpecCheckTest, RefusesMoreModelsThanAnybodyCompares) {
  v1::JobSpec spec = Parse("dataset: 'mnist' bias { fixed { key: 0 value: 20 } fixed { key: 1 value: 20 } }");
  for (int32_t width = 8; spec.models_size() < 256; ++width) spec.add_models()->mutable_vae_mlp()->set_width(width);
  EXPECT_TRUE(Check(spec).empty());
  EXPECT_TRUE(CheckSpecSize(spec).ok());
  spec.add_models()->mutable_vae_mlp()->set_width(7);
  const auto violations = Check(spec);
  ASSERT_EQ(violations.size(), 1u);
  EXPECT_EQ(violations[0].field(), "models");
  EXPECT_EQ(violations[0].description(), "257 models; at most 256 are accepted");
  EXPECT_TRUE(absl::IsInvalidArgument(CheckSpecSize(spec)));
}

TEST(SpecCheckTest, RefusesWhatOnlyANewerServerKnows) {
  v1::JobSpec spec = Parse(kGood);
  v1::ModelSpec& model = *spec.mutable_models(1);
  model.vae().GetReflection()->MutableUnknownFields(model.mutable_vae())->AddVarint(77, 5);
  const auto violations = Check(spec);
  ASSERT_EQ(violations.size(), 1u);
  EXPECT_EQ(violations[0].field(), "spec");
  EXPECT_THAT(violations[0].description(), HasSubstr("models[1].vae: field 77 is not known"));
}

TEST(SpecCheckTest, ATrainingOfAClassifierHasNoStudy) {
  v1::JobSpec spec = Parse("dataset: 'mnist' classifier { epochs: 2 }");
  EXPECT_TRUE(Check(spec).empty());
  spec.add_models()->mutable_vae();
  ASSERT_EQ(Check(spec).size(), 1u);
  EXPECT_EQ(Check(spec)[0].field(), "models");
}

TEST(SpecDefaultsTest, WritesOutTheReferenceSettings) {
  v1::JobSpec spec = Parse("dataset: 'mnist' models { dcgan {} }");
  FillDefaults(spec);
  EXPECT_EQ(spec.name(), "mnist-study");
  EXPECT_EQ(spec.training().steps(), 6000);
  EXPECT_EQ(spec.generation().images(), 10000);
  EXPECT_EQ(spec.evaluation().images(), 2000);
  EXPECT_EQ(spec.models(0).dcgan().latent(), 100);
  EXPECT_DOUBLE_EQ(spec.models(0).dcgan().generator_learning_rate(), 2e-4);
  EXPECT_EQ(spec.models(0).dcgan().sampling(), v1::EVAL);
  EXPECT_EQ(spec.models(0).dcgan().precision(), v1::AUTO);
}

TEST(SpecDefaultsTest, WritesOutHowImagesAreDrawnAndOrdered) {
  v1::JobSpec spec =
      Parse("dataset: 'mnist' bias { profile { classes: [0, 1, 2, 3, 4] step {} } } training { first_batches {} }");
  FillDefaults(spec);
  EXPECT_EQ(spec.bias().draw(), v1::PER_ITERATION);
  EXPECT_EQ(spec.bias().profile().step().minority_classes(), 2);
  EXPECT_EQ(spec.training().composition(), v1::SHUFFLED);
  EXPECT_EQ(spec.training().first_batches().batches(), 200);
}

TEST(SpecDefaultsTest, ImagesAreMeasuredWhereThereAreEnough) {
  const auto measures = [](const std::string& text) {
    v1::JobSpec spec = Parse(text);
    FillDefaults(spec);
    return spec.evaluation().measure_images();
  };
  EXPECT_TRUE(measures("dataset: 'mnist'"));
  EXPECT_TRUE(measures("generation { images: 5000 }"));
  EXPECT_FALSE(measures("generation { images: 4999 }"));
  EXPECT_TRUE(measures("generation { images: 4999 } evaluation { measure_images: true }"));
  EXPECT_FALSE(measures("evaluation { measure_images: false }"));
}

TEST(SpecDefaultsTest, FurtherJudgesAreTrainedAsTheFirst) {
  v1::JobSpec spec = Parse("dataset: 'mnist' evaluation { more_judges { seed: 1 } more_judges { epochs: 2 } }");
  FillDefaults(spec);
  EXPECT_EQ(spec.evaluation().more_judges(0).epochs(), spec.evaluation().classifier().epochs());
  EXPECT_TRUE(spec.evaluation().more_judges(1).has_seed());
}

TEST(SpecDefaultsTest, EpochsKeepStepsAway) {
  v1::JobSpec spec = Parse("dataset: 'mnist' models { dcgan {} } training { epochs: 30 }");
  FillDefaults(spec);
  EXPECT_FALSE(spec.training().has_steps());
}

}  // namespace
}  // namespace skew

#include "common/content_key.h"

#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace skew {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using ::testing::HasSubstr;

template <typename T>
T Parse(const std::string& text) {
  T message;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &message)) << text;
  return message;
}

v1::JobSpec Spec() {
  return Parse<v1::JobSpec>(R"(
    name: "study" dataset: "mnist" iterations: 8 seed: 7 max_attempts: 3
    bias { fixed { key: 0 value: 2000 } fixed { key: 2 value: 2000 } varied { class: 1 counts: 50 counts: 100 } }
    models { dcgan { width: 64 latent: 100 sampling: EVAL precision: AUTO } }
    models { vae { width: 64 latent: 16 sampling: EVAL precision: AUTO } }
    training { steps: 6000 }
    generation { images: 10000 }
    evaluation { images: 2000 reject_below: 0.5 classifier { epochs: 4 seed: 0 } })");
}

v1::Run SomeRun(int32_t model = 1) {
  v1::Run run = Parse<v1::Run>(
      "iteration: 3 seed: 12345 bias_point { counts { key: 0 value: 2000 } counts { key: 1 value: 50 } }");
  run.set_model_index(model);
  return run;
}

std::string KeyOf(const v1::JobSpec& spec, int32_t model = 1) {
  return ContentKeys(spec, "digest", v1::BF16).KeyOf(SomeRun(model));
}

TEST(ContentKeyTest, TheTextIsAsDocumented) {
  EXPECT_EQ(ContentKeys(Spec(), "digest", v1::BF16).TextOf(SomeRun()), R"(engine=1
dataset=digest
run_seed=12345
iteration=3
bias_point.counts[0]=2000
bias_point.counts[1]=50
model.vae
model.vae.width=64
model.vae.latent=16
model.vae.sampling=EVAL
model.vae.precision=BF16
bias
training
training.steps=6000
generation
generation.images=10000
evaluation
evaluation.images=2000
evaluation.reject_below=0.5
seed=7
)");
  EXPECT_EQ(KeyOf(Spec()).size(), 64u);
}

// Changes a field to a value that it does not have; of messages, a field in them that is no message.
void Change(Message& message, const FieldDescriptor& field) {
  const auto& reflection = *message.GetReflection();
  if (field.is_map()) {
    Message& entry = *reflection.AddMessage(&message, &field);
    Change(entry, *field.message_type()->map_key());
    Change(entry, *field.message_type()->map_value());
    return;
  }
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32:
      field.is_repeated() ? reflection.AddInt32(&message, &field, 77)
                          : reflection.SetInt32(&message, &field, reflection.GetInt32(message, &field) + 77);
      return;
    case FieldDescriptor::CPPTYPE_INT64:
      reflection.SetInt64(&message, &field, reflection.GetInt64(message, &field) + 77);
      return;
    case FieldDescriptor::CPPTYPE_UINT32:
      reflection.SetUInt32(&message, &field, reflection.GetUInt32(message, &field) + 77);
      return;
    case FieldDescriptor::CPPTYPE_DOUBLE:
      field.is_repeated() ? reflection.AddDouble(&message, &field, 77)
                          : reflection.SetDouble(&message, &field, reflection.GetDouble(message, &field) + 1e-9);
      return;
    case FieldDescriptor::CPPTYPE_BOOL:
      reflection.SetBool(&message, &field, !reflection.GetBool(message, &field));
      return;
    case FieldDescriptor::CPPTYPE_STRING:
      reflection.SetString(&message, &field, reflection.GetString(message, &field) + "x");
      return;
    case FieldDescriptor::CPPTYPE_ENUM: {
      const int highest = field.enum_type()->value(field.enum_type()->value_count() - 1)->number();
      const int now = reflection.GetEnumValue(message, &field);
      reflection.SetEnumValue(&message, &field, now == highest ? highest - 1 : highest);
      return;
    }
    default:
      FAIL() << field.full_name() << " has a type that this test cannot change: teach it";
  }
}

// The paths of all fields below `message` that are no messages: "training.epochs", "models.dcgan.width", ...
void AddLeaves(const Descriptor& descriptor, const std::string& prefix, std::vector<std::string>& paths) {
  for (int i = 0; i < descriptor.field_count(); ++i) {
    const FieldDescriptor& field = *descriptor.field(i);
    const std::string path = absl::StrCat(prefix, field.name());
    if (field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE && !field.is_map()) {
      AddLeaves(*field.message_type(), path + ".", paths);
    } else {
      paths.push_back(path);
    }
  }
}

// Changes what `path` leads to; of repeated messages, the last one.
void ChangeAt(Message& message, const std::string& path) {
  const std::vector<std::string> parts = absl::StrSplit(path, absl::MaxSplits('.', 1));
  const FieldDescriptor& field = *message.GetDescriptor()->FindFieldByName(parts[0]);
  if (parts.size() == 1) return Change(message, field);
  const auto& reflection = *message.GetReflection();
  if (!field.is_repeated()) return ChangeAt(*reflection.MutableMessage(&message, &field), parts[1]);
  const int last = reflection.FieldSize(message, &field) - 1;
  ChangeAt(
      last < 0 ? *reflection.AddMessage(&message, &field) : *reflection.MutableRepeatedMessage(&message, &field, last),
      parts[1]);
}

// Every field of a spec, and whether it changes what a run of the last model is. A field that is new in job.proto fails
// the test: decide what it is, here and (if it changes no result) in content_key.cc; if it changes results that old
// jobs have, raise kEngineVersion.
const std::map<std::string, bool>& Decisions() {
  static const auto* const decisions = new std::map<std::string, bool>{
      {"name", false},
      {"dataset", false},  // by its digest
      {"bias.fixed", false},
      {"bias.varied.class", false},
      {"bias.varied.counts", false},
      {"bias.total", false},  // the run's counts enter
      {"bias.profile.classes", false},
      {"bias.profile.images", false},
      {"bias.profile.step.ratios", false},
      {"bias.profile.step.minority_classes", false},
      {"bias.profile.exponential.ratios", false},
      {"bias.draw", true},
      {"models.dcgan.width", true},
      {"models.dcgan.latent", true},
      {"models.dcgan.generator_learning_rate", true},
      {"models.dcgan.discriminator_learning_rate", true},
      {"models.dcgan.beta1", true},
      {"models.dcgan.sampling", true},
      {"models.dcgan.precision", false},  // to BF16, which it is here already: see PrecisionsThatAreTheSame...
      {"models.vae.width", true},
      {"models.vae.latent", true},
      {"models.vae.learning_rate", true},
      {"models.vae.sampling", true},
      {"models.vae.precision", false},
      {"models.vae_mlp.width", true},
      {"models.vae_mlp.latent", true},
      {"models.vae_mlp.learning_rate", true},
      {"models.vae_mlp.precision", false},
      {"iterations", false},
      {"training.epochs", true},
      {"training.steps", true},
      {"training.batch_size", true},
      {"training.composition", true},
      {"training.first_batches.order", true},
      {"training.first_batches.batches", true},
      {"generation.images", true},
      {"evaluation.every_epochs", true},
      {"evaluation.every_steps", true},
      {"evaluation.images", true},
      {"evaluation.reject_below", true},
      {"evaluation.measure_images", true},
      {"evaluation.classifier.epochs", false},  // the judge is compared by its digest
      {"evaluation.classifier.seed", false},
      {"evaluation.more_judges.epochs", true},
      {"evaluation.more_judges.seed", true},
      {"seed", true},  // which images are drawn
      {"labels", false},
      {"stop.class", false},
      {"stop.half_width", false},
      {"stop.min_iterations", false},
      {"time_limit.seconds", false},
      {"time_limit.nanos", false},
      {"max_attempts", false},
      {"classifier.epochs", false},
      {"classifier.seed", false},
  };
  return *decisions;
}

// A spec whose last model is of the family that `path` is about, if it is about one.
v1::JobSpec SpecFor(const std::string& path) {
  v1::JobSpec spec = Spec();
  const std::vector<std::string> parts = absl::StrSplit(path, '.');
  if (parts[0] != "models") return spec;
  v1::ModelSpec& model = *spec.mutable_models(1);
  model.GetReflection()->MutableMessage(&model, v1::ModelSpec::descriptor()->FindFieldByName(parts[1]));
  return spec;
}

TEST(ContentKeyTest, EveryFieldOfASpecIsDecidedOn) {
  std::vector<std::string> paths;
  AddLeaves(*v1::JobSpec::descriptor(), "", paths);
  for (const std::string& path : paths) {
    const auto decision = Decisions().find(path);
    ASSERT_NE(decision, Decisions().end()) << path << " is new in JobSpec: does it change what a run comes out as?";
    v1::JobSpec changed = SpecFor(path);
    ChangeAt(changed, path);
    EXPECT_EQ(KeyOf(changed) != KeyOf(SpecFor(path)), decision->second) << path;
  }
  EXPECT_EQ(Decisions().size(), paths.size()) << "a field that is decided on does not exist";
}

TEST(ContentKeyTest, DefaultsOfFieldsThatOldSpecsLackKeyAsTheyDid) {
  v1::JobSpec filled = Spec();
  filled.mutable_bias()->set_draw(v1::PER_ITERATION);
  filled.mutable_training()->set_composition(v1::SHUFFLED);
  filled.mutable_evaluation()->set_measure_images(false);
  EXPECT_EQ(KeyOf(filled), KeyOf(Spec()));
  v1::JobSpec measured = filled;
  measured.mutable_evaluation()->set_measure_images(true);
  EXPECT_NE(KeyOf(measured), KeyOf(filled));
  v1::JobSpec one_draw = filled;
  one_draw.mutable_bias()->set_draw(v1::PER_JOB);
  EXPECT_NE(KeyOf(one_draw), KeyOf(filled));
  v1::JobSpec quota = filled;
  quota.mutable_training()->set_composition(v1::QUOTA);
  EXPECT_NE(KeyOf(quota), KeyOf(filled));
}

// Runs of before, when a training that was shorter than its first batches was reordered otherwise, answer none of now.
TEST(ContentKeyTest, FirstBatchesHaveAnEngineOfTheirOwn) {
  const auto text_of = [](const v1::JobSpec& spec) { return ContentKeys(spec, "d", v1::BF16).TextOf({}); };
  v1::JobSpec spec = Spec();
  spec.mutable_training()->clear_first_batches();
  EXPECT_THAT(text_of(spec), ::testing::StartsWith("engine=1\n"));
  spec.mutable_training()->mutable_first_batches()->set_batches(10);
  EXPECT_THAT(text_of(spec), ::testing::StartsWith("engine=1 first_batches=2\n"));
}

TEST(ContentKeyTest, EveryWayToTheSameCountsIsTheSameContent) {
  v1::JobSpec profile = Spec();
  *profile.mutable_bias() =
      Parse<v1::BiasSpec>("profile { classes: 0 classes: 1 images: 2000 exponential { ratios: 40 } }");
  EXPECT_EQ(KeyOf(profile), KeyOf(Spec()));
}

TEST(ContentKeyTest, EveryFamilyIsAnotherContent) {
  const auto* const family = v1::ModelSpec::descriptor()->FindOneofByName("family");
  std::set<std::string> keys;
  for (int i = 0; i < family->field_count(); ++i) {
    v1::JobSpec spec = Spec();
    v1::ModelSpec& model = *spec.mutable_models(1);
    model.Clear();
    model.GetReflection()->MutableMessage(&model, family->field(i));
    keys.insert(KeyOf(spec));
  }
  EXPECT_EQ(keys.size(), static_cast<size_t>(family->field_count()));
}

TEST(ContentKeyTest, WhatNamesTheRunEnters) {
  const std::string key = KeyOf(Spec());
  v1::Run iteration = SomeRun();
  iteration.set_iteration(4);
  v1::Run seed = SomeRun();
  seed.set_seed(1);
  v1::Run count = SomeRun();
  (*count.mutable_bias_point()->mutable_counts())[1] = 51;
  v1::Run label = SomeRun();
  (*label.mutable_bias_point()->mutable_counts())[3] = 50;
  for (const v1::Run& run : {iteration, seed, count, label, SomeRun(0)}) {
    EXPECT_NE(ContentKeys(Spec(), "digest", v1::BF16).KeyOf(run), key) << run.ShortDebugString();
  }
  EXPECT_NE(ContentKeys(Spec(), "another", v1::BF16).KeyOf(SomeRun()), key);
}

TEST(ContentKeyTest, WhatHappensToTheRunDoesNot) {
  v1::Run run = SomeRun();
  run.set_id("j3.1");
  run.set_job_id("j3");
  run.set_model("vae#2");
  run.set_state(v1::RUNNING);
  run.set_device("cpu1");
  run.set_message("hello");
  EXPECT_EQ(ContentKeys(Spec(), "digest", v1::BF16).KeyOf(run), KeyOf(Spec()));
}

TEST(ContentKeyTest, OtherModelsOfTheJobDoNotMatter) {
  v1::JobSpec spec = Spec();
  spec.mutable_models(0)->mutable_dcgan()->set_width(8);
  spec.add_models()->mutable_resample();
  EXPECT_EQ(KeyOf(spec), KeyOf(Spec()));
  EXPECT_NE(KeyOf(spec, 0), KeyOf(Spec(), 0));
}

TEST(ContentKeyTest, PrecisionsThatAreTheSameHereAreTheSameContent) {
  v1::JobSpec fp32 = Spec();
  fp32.mutable_models(1)->mutable_vae()->set_precision(v1::FP32);
  v1::JobSpec bf16 = Spec();
  bf16.mutable_models(1)->mutable_vae()->set_precision(v1::BF16);
  const auto key = [](const v1::JobSpec& spec, v1::Precision precision) {
    return ContentKeys(spec, "digest", precision).KeyOf(SomeRun());
  };
  EXPECT_EQ(key(Spec(), v1::BF16), key(bf16, v1::FP32));
  EXPECT_EQ(key(Spec(), v1::FP32), key(fp32, v1::BF16));
  EXPECT_NE(key(Spec(), v1::BF16), key(Spec(), v1::FP32));
  EXPECT_NE(key(Spec(), v1::AUTO), key(Spec(), v1::BF16));
  EXPECT_NE(key(Spec(), v1::AUTO), key(Spec(), v1::FP32));
}

v1::Precision ExpectedPrecisionOf(const std::string& model, v1::Precision auto_precision) {
  v1::JobSpec spec;
  *spec.add_models() = Parse<v1::ModelSpec>(model);
  return ContentKeys(spec, "digest", auto_precision).ExpectedPrecisionOf(SomeRun(0));
}

TEST(ContentKeyTest, ThePrecisionThatIsExpected) {
  EXPECT_EQ(ExpectedPrecisionOf("vae { precision: AUTO }", v1::FP32), v1::FP32);
  EXPECT_EQ(ExpectedPrecisionOf("vae {}", v1::BF16), v1::BF16);
  EXPECT_EQ(ExpectedPrecisionOf("dcgan { precision: BF16 }", v1::FP32), v1::BF16);
  EXPECT_EQ(ExpectedPrecisionOf("resample {}", v1::FP32), v1::PRECISION_UNSPECIFIED);
}

TEST(ContentKeyTest, TheOrderInWhichAMapWasFilledDoesNotMatter) {
  v1::Run forth;
  v1::Run back;
  forth.set_model_index(1);
  back.set_model_index(1);
  for (int label = 0; label < 12; ++label) {
    (*forth.mutable_bias_point()->mutable_counts())[label] = label;
    (*back.mutable_bias_point()->mutable_counts())[11 - label] = 11 - label;
  }
  EXPECT_EQ(ContentKeys(Spec(), "d", v1::BF16).TextOf(forth), ContentKeys(Spec(), "d", v1::BF16).TextOf(back));
  EXPECT_THAT(ContentKeys(Spec(), "d", v1::BF16).TextOf(forth), HasSubstr("[10]=10\nbias_point.counts[11]=11\n"));
}

}  // namespace
}  // namespace skew

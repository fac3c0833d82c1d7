#include "client/spec_file.h"

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "common/digest.h"
#include "tests/client/testing.h"

namespace skew {
namespace {

using ::testing::HasSubstr;

struct Accepted {
  const char* name;
  const char* text;
  const char* spec;
};

class GoodSpecs : public ::testing::TestWithParam<Accepted> {};

TEST_P(GoodSpecs, AreRead) {
  const absl::StatusOr<v1::JobSpec> spec = ParseYamlSpec(GetParam().text, "s.yaml");
  ASSERT_TRUE(spec.ok()) << spec.status();
  EXPECT_THAT(*spec, EqualsProto(GetParam().spec));
}

INSTANTIATE_TEST_SUITE_P(
    SpecFileTest, GoodSpecs,
    ::testing::Values(
        Accepted{"Scalars", "name: a study\ndataset: mnist\niterations: 5\nseed: 4294967295\n",
                 "name: 'a study' dataset: 'mnist' iterations: 5 seed: 4294967295"},
        Accepted{"Maps",
                 "bias: {fixed: {0: 2000, 2: 100}, varied: {class: 1, counts: [50, 100]}}\nlabels: {a: b, 1: 2}",
                 "bias { fixed { key: 0 value: 2000 } fixed { key: 2 value: 100 } varied { class: 1 counts: 50 counts: "
                 "100 } } labels { key: 'a' value: 'b' } labels { key: '1' value: '2' }"},
        Accepted{"Families", "models:\n- dcgan: {width: 32}\n- vae\n- resample:\n- {vae_mlp: {learning_rate: 1e-3}}\n",
                 "models { dcgan { width: 32 } } models { vae {} } models { resample {} } "
                 "models { vae_mlp { learning_rate: 0.001 } }"},
        Accepted{"NullIsTheEmptyMessage", "training:\nevaluation: ~\ngeneration: null\n",
                 "training {} evaluation {} generation {}"},
        Accepted{"Enums", "models: [{vae: {sampling: TRAIN}}, {dcgan: {sampling: eval}}]",
                 "models { vae { sampling: TRAIN } } models { dcgan { sampling: EVAL } }"},
        Accepted{"Durations", "time_limit: 1h30m", "time_limit { seconds: 5400 }"},
        Accepted{"FractionsOfSeconds", "time_limit: 90.5s", "time_limit { seconds: 90 nanos: 500000000 }"},
        Accepted{"Json", R"({"dataset": "mnist", "models": [{"vae": {}}], "timeLimit": "90s"})",
                 "dataset: 'mnist' models { vae {} } time_limit { seconds: 90 }"},
        Accepted{"ZeroIsGiven", "iterations: 0\nseed: 0", "iterations: 0 seed: 0"},
        Accepted{"Anchors", "models: [{vae: &s {width: 8}}, {dcgan: *s}]",
                 "models { vae { width: 8 } } models { dcgan { width: 8 } }"}),
    [](const auto& info) { return info.param.name; });

struct Refused {
  const char* name;
  const char* text;
  const char* error;
};

class BadSpecs : public ::testing::TestWithParam<Refused> {};

TEST_P(BadSpecs, AreRefused) {
  const absl::Status status = ParseYamlSpec(GetParam().text, "s.yaml").status();
  EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr(GetParam().error));
}

INSTANTIATE_TEST_SUITE_P(
    SpecFileTest, BadSpecs,
    ::testing::Values(
        Refused{"Empty", "", "s.yaml: is empty"}, Refused{"OnlyComments", "# nothing\n", "s.yaml: is empty"},
        Refused{"Broken", "name: a\nbias: [1,\n}", "s.yaml:3:1: broken YAML: "},
        Refused{"UnclosedQuote", "name: \"a", "broken YAML"},
        Refused{"TwoDocuments", "name: a\n---\nname: b\n", "a second document"},
        Refused{"EndlessDocuments", "name: a\n---\n[], 2]", "a second document"},
        Refused{"List", "- a\n", "s.yaml:1:1: a list is not a map of settings"},
        Refused{"Scalar", "mnist", "s.yaml:1:1: 'mnist' is not a map of settings"},
        Refused{"UnknownField", "dataset: m\ntraining:\n  epoch: 3\n",
                "s.yaml:3:3: training.epoch: unknown field (did you mean 'epochs'? known: epochs, steps, batch_size, "
                "composition, first_batches)"},
        Refused{"UnknownFieldWithoutNeighbour", "zzzzzz: 3", "s.yaml:1:1: zzzzzz: unknown field (known: name, "},
        Refused{"NoSettings", "models: [{resample: {width: 3}}]",
                "s.yaml:1:22: models[0].resample.width: unknown field (there are no settings here)"},
        Refused{"WrongType", "iterations: many", "s.yaml:1:13: iterations: 'many' is not a whole number"},
        Refused{"Fraction", "iterations: 2.5", "iterations: '2.5' is not a whole number"},
        Refused{"Overflow", "iterations: 2147483648",
                "iterations: '2147483648' does not fit: a whole number from -2147483648 to 2147483647 is needed"},
        Refused{"NegativeSeed", "seed: -1", "seed: '-1' does not fit: a whole number from 0 to 4294967295"},
        Refused{"ListForNumber", "iterations: [1]", "s.yaml:1:13: iterations: a list is not a whole number"},
        Refused{"NumberForList", "models: 3", "s.yaml:1:9: models: '3' is not a list"},
        Refused{"NumberForMap", "bias: {fixed: 3}", "bias.fixed: '3' is not a map"},
        Refused{"NumberForMessage", "training: 3", "training: '3' is not a map of settings"},
        Refused{"NoValue", "iterations:", "iterations: has no value; a whole number is needed"},
        Refused{"Element", "bias:\n  varied:\n    counts: [1, 2, x]",
                "s.yaml:3:20: bias.varied.counts[2]: 'x' is not a whole number"},
        Refused{"MapKey", "bias: {fixed: {one: 3}}", "s.yaml:1:16: bias.fixed[one]: 'one' is not a whole number"},
        Refused{"MapValue", "bias: {fixed: {1: x}}", "bias.fixed[1]: 'x' is not a whole number"},
        Refused{"DuplicateField", "name: a\nname: b", "s.yaml:2:1: name: is there twice"},
        Refused{"DuplicateClass", "bias: {fixed: {1: 2, 01: 3}}", "bias.fixed[01]: is there twice"},
        Refused{"TwoFamilies", "models:\n- vae: {}\n  dcgan: {}\n",
                "s.yaml:3:3: models[0]: vae and dcgan are both there"},
        Refused{"UnknownFamily", "models: [dcgam]",
                "s.yaml:1:10: models[0]: 'dcgam' is not known (did you mean 'dcgan'? known: dcgan, vae, vae_mlp, "
                "resample)"},
        Refused{"UnknownEnum", "models: [{vae: {sampling: TRIAN}}]", "'TRIAN' is not one of EVAL, TRAIN"},
        Refused{"UnspecifiedEnum", "models: [{vae: {sampling: BATCH_NORM_MODE_UNSPECIFIED}}]", "is not one of EVAL"},
        Refused{"NotUtf8", "name: \"\u00e9a\"\nseed: \"\xff\"", "s.yaml:2:8: this is not text in UTF-8"},
        Refused{"ControlCharacter", "name: \"a\x04\"", "s.yaml:1:9: this is not text in UTF-8"},
        Refused{"Duration", "time_limit: soon", "time_limit: 'soon' is not a duration like 90s or 1h30m"},
        Refused{"NotFinite", "evaluation: {reject_below: nan}", "reject_below: 'nan' is not a finite number"}),
    [](const auto& info) { return info.param.name; });

// It takes the parser for ever, and all memory, to read this as UTF-32.
TEST(SpecFileTest, BytesThatAreNoTextAreNotReadAsOne) {
  constexpr char kBytes[] = "\0\0\0,ist\x1a\0\"\x1b\n\x19\b\x90\xbe\x80\xda\xfc\xff\xff,\xff,";
  const absl::Status status = ParseYamlSpec(std::string(kBytes, sizeof(kBytes) - 1), "s.yaml").status();
  EXPECT_EQ(status, absl::InvalidArgumentError("s.yaml:1:1: this is not text in UTF-8"));
}

TEST(SpecFileTest, ReportsEveryError) {
  const absl::Status status = ParseYamlSpec("seed: x\niterations: y\n", "s.yaml").status();
  EXPECT_EQ(status.message(),
            "s.yaml:1:7: seed: 'x' is not a whole number\ns.yaml:2:13: iterations: 'y' is not a whole "
            "number");
}

TEST(SpecFileTest, ReadsTextProtobuf) {
  const auto spec = ParseTextProtoSpec("dataset: 'mnist' models { vae {} }", "s.textproto");
  ASSERT_TRUE(spec.ok()) << spec.status();
  EXPECT_THAT(*spec, EqualsProto("dataset: 'mnist' models { vae {} }"));
  const absl::Status status = ParseTextProtoSpec("dataset: 'mnist'\n  epoch: 3", "s.textproto").status();
  EXPECT_TRUE(absl::IsInvalidArgument(status));
  EXPECT_THAT(std::string(status.message()), HasSubstr("s.textproto:2:"));
}

TEST(SpecFileTest, RefusesTextProtobufWithTextThatNoServerCanRead) {
  for (const char* text :
       {"name: '\\377'", "labels { key: 'a' value: '\\303' }", "labels { key: '\xff' value: 'b' }"}) {
    const absl::Status status = ParseTextProtoSpec(text, "s.textproto").status();
    EXPECT_EQ(status, absl::InvalidArgumentError("s.textproto: a text in it is not UTF-8")) << text;
  }
  EXPECT_TRUE(ParseTextProtoSpec("name: '\\303\\251'", "s.textproto").ok());
}

class ReadSpecTest : public ::testing::Test {
 protected:
  ReadSpecTest() : folder_(std::filesystem::path(::testing::TempDir()) / ("skew-spec-" + RandomHex(8))) {
    std::filesystem::create_directory(folder_);
  }
  ~ReadSpecTest() override { std::filesystem::remove_all(folder_); }

  std::string Write(const std::string& name, const std::string& text) const {
    std::string path = (folder_ / name).string();
    std::ofstream(path) << text;
    return path;
  }

  std::filesystem::path folder_;
  std::istringstream input_;
};

TEST_F(ReadSpecTest, ChoosesTheFormatByTheName) {
  for (const char* name : {"a.textproto", "a.txtpb", "a.pbtxt"}) {
    EXPECT_TRUE(ReadSpec(Write(name, "training { epochs: 3 }"), {}, input_).ok()) << name;
  }
  EXPECT_TRUE(ReadSpec(Write("a.json", "{\"training\": {\"epochs\": 3}}"), {}, input_).ok());
  EXPECT_TRUE(ReadSpec(Write("a.yml", "training: {epochs: 3}"), {}, input_).ok());
}

TEST_F(ReadSpecTest, ReadsStandardInput) {
  input_.str("dataset: mnist");
  const auto spec = ReadSpec("-", {"seed=3"}, input_);
  ASSERT_TRUE(spec.ok()) << spec.status();
  EXPECT_THAT(*spec, EqualsProto("dataset: 'mnist' seed: 3"));
}

TEST_F(ReadSpecTest, RefusesMoreThanOneMebibyte) {
  const std::string longest = "#" + std::string(kMostSpecBytes - 16, 'x') + "\ndataset: mnist";
  ASSERT_EQ(longest.size(), kMostSpecBytes);
  EXPECT_TRUE(ReadSpec(Write("a.yaml", longest), {}, input_).ok());
  EXPECT_THAT(std::string(ReadSpec(Write("b.yaml", longest + "\n"), {}, input_).status().message()),
              HasSubstr("b.yaml: is longer than 1 MiB"));
}

TEST_F(ReadSpecTest, SaysWhatCannotBeOpened) {
  const absl::Status missing = ReadSpec((folder_ / "no.yaml").string(), {}, input_).status();
  EXPECT_TRUE(absl::IsInvalidArgument(missing));
  EXPECT_THAT(std::string(missing.message()), HasSubstr("no.yaml: cannot be opened: No such file"));
  EXPECT_THAT(std::string(ReadSpec(folder_.string(), {}, input_).status().message()), HasSubstr("is a folder"));
}

}  // namespace
}  // namespace skew

#include "client/render/message_text.h"

#include "client/spec_file.h"
#include "skew/v1/job_service.pb.h"
#include "tests/client/testing.h"

namespace skew {
namespace {

constexpr char kSpecText[] = R"pb(
  name: "a: study # 1"
  dataset: 'mnist'
  bias {
    fixed { key: 10 value: 2 }
    fixed { key: 2 value: 2000 }
    varied { class: 1 counts: 50 counts: 100 }
  }
  models { dcgan { width: 32 generator_learning_rate: 0.0002 sampling: TRAIN } }
  models { resample {} }
  iterations: 5
  seed: 0
  labels { key: 'team' value: 'true' }
  time_limit { seconds: 5400 }
)pb";

TEST(MessageTextTest, YamlIsReadable) {
  EXPECT_EQ(ToYaml(Parse<v1::JobSpec>(kSpecText)),
            "name: \"a: study # 1\"\n"
            "dataset: mnist\n"
            "bias:\n"
            "  fixed: {2: 2000, 10: 2}\n"
            "  varied:\n"
            "    class: 1\n"
            "    counts: [50, 100]\n"
            "models:\n"
            "  - dcgan:\n"
            "      width: 32\n"
            "      generator_learning_rate: 0.0002\n"
            "      sampling: TRAIN\n"
            "  - resample: {}\n"
            "iterations: 5\n"
            "seed: 0\n"
            "labels: {team: true}\n"
            "time_limit: 1h30m\n");
}

TEST(MessageTextTest, YamlReadsBackAsTheSameSpec) {
  const auto spec = ParseYamlSpec(ToYaml(Parse<v1::JobSpec>(kSpecText)), "s.yaml");
  ASSERT_TRUE(spec.ok()) << spec.status();
  EXPECT_THAT(*spec, EqualsProto(kSpecText));
}

TEST(MessageTextTest, StringsThatLookLikeOtherThingsReadBack) {
  for (const char* name : {"", "null", "~", "- a", "{", "'", "\"", "a\nb", "  x ", "# no", "&a", "*a", "%x", "à"}) {
    v1::JobSpec spec;
    spec.set_name(name);
    spec.set_dataset("mnist");
    const auto read = ParseYamlSpec(ToYaml(spec), "s.yaml");
    ASSERT_TRUE(read.ok()) << read.status() << ToYaml(spec);
    EXPECT_EQ(read->name(), name);
  }
}

TEST(MessageTextTest, JsonHasZerosOnOneLine) {
  EXPECT_EQ(ToJson(Parse<v1::RunCounts>("total: 3")),
            R"({"total":3,"queued":0,"active":0,"succeeded":0,"failed":0,"cancelled":0,"reused":0})");
  EXPECT_EQ(ToJson(Parse<v1::Estimate>("mean: 0.5")), R"({"mean":0.5})");
}

}  // namespace
}  // namespace skew

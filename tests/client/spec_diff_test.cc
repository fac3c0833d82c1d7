#include "client/render/spec_diff.h"

#include "skew/v1/job.pb.h"
#include "tests/client/testing.h"

namespace skew {
namespace {

using ::testing::IsEmpty;

std::string Text(const std::string& left, const std::string& right) {
  return DifferenceTable(Differences(Parse<v1::JobSpec>(left), Parse<v1::JobSpec>(right))).ToCsv(/*heading=*/false);
}

TEST(SpecDiffTest, EqualSpecsDoNotDiffer) {
  const auto spec = Parse<v1::JobSpec>(
      "dataset: 'mnist' bias { fixed { key: 0 value: 5 } varied { class: 1 counts: 3 } } models { resample {} }");
  EXPECT_THAT(Differences(spec, spec), IsEmpty());
}

TEST(SpecDiffTest, SingleValues) {
  EXPECT_EQ(Text("name: 'a' seed: 1 time_limit { seconds: 90 }", "name: 'b' seed: 1 time_limit { seconds: 3600 }"),
            "name,a,b\ntime_limit,1m30s,1h\n");
}

TEST(SpecDiffTest, WhatOneSideHasNot) {
  EXPECT_EQ(Text("training { epochs: 3 }", "training { steps: 60 }"), "training.epochs,3,\ntraining.steps,,60\n");
  EXPECT_EQ(DifferenceTable(Differences(Parse<v1::JobSpec>("seed: 0"), v1::JobSpec())).ToText(),
            "field  left  right\nseed   0     -\n");
}

TEST(SpecDiffTest, ListsOfValuesAreOneValue) {
  EXPECT_EQ(Text("bias { varied { counts: [50, 100] } }", "bias { varied { counts: 50 } }"),
            "bias.varied.counts,\"[50, 100]\",[50]\n");
}

TEST(SpecDiffTest, MapsGoByKeyAndKeysByNumber) {
  EXPECT_EQ(Text("bias { fixed { key: 2 value: 5 } fixed { key: 10 value: 5 } fixed { key: 3 value: 1 } }",
                 "bias { fixed { key: 10 value: 6 } fixed { key: 3 value: 1 } fixed { key: 4 value: 1 } }"),
            "bias.fixed[2],5,\nbias.fixed[4],,1\nbias.fixed[10],5,6\n");
}

TEST(SpecDiffTest, ModelsGoByPlace) {
  EXPECT_EQ(Text("models { dcgan { width: 8 latent: 4 } } models { resample {} }",
                 "models { dcgan { width: 16 latent: 4 } }"),
            "models[0].dcgan.width,8,16\nmodels[1].resample,{},\n");
  EXPECT_EQ(Text("models { dcgan { width: 8 } }", "models { vae { width: 8 } }"),
            "models[0].dcgan.width,8,\nmodels[0].vae.width,,8\n");
}

TEST(TableTest, JsonIsAnObjectARowWithEscapedTexts) {
  Table table({{"shown", "a"}, {"only shown", ""}, {"", "b"}});
  table.AddRow({{"5.0", "5"}, "x", "say \"hi\"\n\\"});
  table.AddRow({"", "x", "\xff"});
  EXPECT_EQ(table.ToJson(), "{\"a\":\"5\",\"b\":\"say \\\"hi\\\"\\u000a\\\\\"}\n{\"a\":\"\",\"b\":\"?\"}\n");
}

}  // namespace
}  // namespace skew

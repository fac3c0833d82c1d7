#include "client/field_override.h"

#include <string>

#include "skew/v1/job.pb.h"
#include "tests/client/testing.h"

namespace skew {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr char kSpec[] = R"pb(
  name: 'x'
  bias {
    fixed { key: 0 value: 2000 }
    varied { class: 1 counts: 5 counts: 6 }
  }
  models { dcgan { width: 64 latent: 10 } }
  models { vae {} }
)pb";

struct Assignment {
  const char* name;
  const char* assignment;
  // What a query of the spec then gives, or the error.
  const char* result;
};

class GoodOverrides : public ::testing::TestWithParam<Assignment> {};

TEST_P(GoodOverrides, AreApplied) {
  auto spec = Parse<v1::JobSpec>(kSpec);
  const absl::Status status = ApplyOverride(GetParam().assignment, spec);
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_THAT(spec.ShortDebugString(), HasSubstr(GetParam().result));
}

INSTANTIATE_TEST_SUITE_P(
    FieldOverrideTest, GoodOverrides,
    ::testing::Values(Assignment{"Nested", "training.epochs=3", "training { epochs: 3 }"},
                      Assignment{"InElement", "models[0].dcgan.width=32", "dcgan { width: 32 latent: 10 }"},
                      Assignment{"Element", "models[1]=resample", "models { resample { } }"},
                      Assignment{"List", "bias.varied.counts=[50,100]", "varied { class: 1 counts: 50 counts: 100 }"},
                      Assignment{"ElementOfList", "bias.varied.counts[1]=7", "counts: 5 counts: 7"},
                      Assignment{"MapEntry", "bias.fixed[0]=9", "fixed { key: 0 value: 9 }"},
                      Assignment{"NewMapEntry", "bias.fixed.2=9", "fixed { key: 2 value: 9 }"},
                      Assignment{"Map", "labels={a: b}", "labels { key: \"a\" value: \"b\" }"},
                      Assignment{"Duration", "time_limit=1h", "time_limit { seconds: 3600 }"},
                      Assignment{"TextWithEquals", "name=a=b", "name: \"a=b\""},
                      Assignment{"WholeMessage", "training={steps: 3}", "training { steps: 3 }"},
                      Assignment{"Enum", "models[1].vae.sampling=TRAIN", "vae { sampling: TRAIN }"}),
    [](const auto& info) { return info.param.name; });

class BadOverrides : public ::testing::TestWithParam<Assignment> {};

TEST_P(BadOverrides, AreRefused) {
  auto spec = Parse<v1::JobSpec>(kSpec);
  const absl::Status status = ApplyOverride(GetParam().assignment, spec);
  EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
  EXPECT_THAT(std::string(status.message()), StartsWith(std::string("--set ") + GetParam().assignment + ": "));
  EXPECT_THAT(std::string(status.message()), HasSubstr(GetParam().result));
}

INSTANTIATE_TEST_SUITE_P(
    FieldOverrideTest, BadOverrides,
    ::testing::Values(Assignment{"NoEquals", "training.epochs", "PATH=VALUE is needed"},
                      Assignment{"NoPath", "=3", "is not a path"},
                      Assignment{"EmptyPart", "training..epochs=3", "is not a path"},
                      Assignment{"OpenBracket", "models[0.vae=3", "is not a path"},
                      Assignment{"Unknown", "training.epoch=3", "did you mean 'epochs'?"},
                      Assignment{"Type", "training.epochs=x", "training.epochs: 'x' is not a whole number"},
                      Assignment{"Index", "models[2].vae.width=3", "has 2 elements, none is [2]"},
                      Assignment{"NegativeIndex", "models[-1].vae.width=3", "none is [-1]"},
                      Assignment{"ListWithoutIndex", "models.vae.width=3", "models[0] names its first element"},
                      Assignment{"SecondFamily", "models[1].dcgan.width=3", "models[1] is vae"},
                      Assignment{"BelowScalar", "name.x=3", "has no fields"},
                      Assignment{"EndlessDocuments", "bias.varied.counts=[], 2]", "a second document begins"},
                      Assignment{"BrokenYaml", "bias.varied.counts=[1", "broken YAML"}),
    [](const auto& info) { return info.param.name; });

TEST(FieldOverrideTest, EmptyValueRemoves) {
  auto spec = Parse<v1::JobSpec>(kSpec);
  ASSERT_TRUE(ApplyOverride("name=", spec).ok());
  EXPECT_EQ(spec.name(), "");
  ASSERT_TRUE(ApplyOverride("models[0].dcgan.width=", spec).ok());
  EXPECT_FALSE(spec.models(0).dcgan().has_width());
}

}  // namespace
}  // namespace skew

#include "common/proto_time.h"

#include <gtest/gtest.h>

namespace skew {
namespace {

TEST(ProtoTimeTest, TimesSurviveToTheMicrosecond) {
  for (const int64_t micros : {int64_t{0}, int64_t{1}, int64_t{1'700'000'000'123'456}, int64_t{-1}}) {
    const absl::Time time = absl::FromUnixMicros(micros);
    EXPECT_EQ(FromProto(ToProto(time)), time) << micros;
  }
}

TEST(ProtoTimeTest, TimestampsBeforeTheEpochHavePositiveNanos) {
  const google::protobuf::Timestamp proto = ToProto(absl::FromUnixMicros(-1));
  EXPECT_EQ(proto.seconds(), -1);
  EXPECT_EQ(proto.nanos(), 999'999'000);
}

TEST(ProtoTimeTest, DurationsSurvive) {
  for (const absl::Duration duration : {absl::Seconds(90), absl::Milliseconds(1500), absl::ZeroDuration()}) {
    EXPECT_EQ(FromProto(ToProto(duration)), duration);
  }
}

TEST(ProtoTimeTest, DurationsThatCannotBePrintedAreNotValid) {
  const auto duration = [](int64_t seconds, int32_t nanos) {
    google::protobuf::Duration proto;
    proto.set_seconds(seconds);
    proto.set_nanos(nanos);
    return proto;
  };
  EXPECT_TRUE(IsValid(duration(0, 0)));
  EXPECT_TRUE(IsValid(duration(-3, -999'999'999)));
  EXPECT_TRUE(IsValid(duration(315'576'000'000, 0)));
  EXPECT_FALSE(IsValid(duration(315'576'000'001, 0)));
  EXPECT_FALSE(IsValid(duration(1, -1)));
  EXPECT_FALSE(IsValid(duration(-1, 1)));
  EXPECT_FALSE(IsValid(duration(0, 1'000'000'000)));
}

}  // namespace
}  // namespace skew

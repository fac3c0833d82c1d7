#include "client/render/watch_frame.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/text.h"
#include "tests/client/testing.h"

namespace skew {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kBiasPoint[] =
    "bias_point { counts { key: 0 value: 2000 } counts { key: 1 value: 250 } counts { key: 2 value: 2000 } }";

const absl::Time kNow = absl::FromUnixSeconds(1000 + 120);

WatchState SomeState() {
  const auto job = Parse<v1::Job>("id: 'j7' spec { name: 'poster' } start_time { seconds: 1000 }");
  return WatchState(
      job, {Parse<v1::Run>(
                absl::StrCat("id: 'j7.1' model: 'dcgan' state: SUCCEEDED ", kBiasPoint,
                             "histogram { step: 400 final: true images: 1000 counts { key: 0 value: 450 } "
                             "counts { key: 1 value: 0 } counts { key: 2 value: 450 } rejected: 90 off_support: 10 }")),
            Parse<v1::Run>(absl::StrCat("id: 'j7.2' model: 'vae' iteration: 1 state: RUNNING ", kBiasPoint,
                                        "progress { step: 100 total_steps: 400 steps_per_second: 10 "
                                        "metrics { key: 'loss' value: 123.4 } }")),
            Parse<v1::Run>(absl::StrCat("id: 'j7.3' model: 'vae' state: STARTING ", kBiasPoint)),
            Parse<v1::Run>(absl::StrCat("id: 'j7.4' model: 'vae' state: QUEUED ", kBiasPoint))});
}

TEST(WatchFrameTest, ShowsJobRunsAndHistograms) {
  EXPECT_EQ(absl::StrJoin(WatchFrame(SomeState(), {100, 24}, false, kNow), "\n"),
            "j7  poster  RUNNING  2m 00s\n"
            "███████▉                   31%  ETA 4m 24s  1/4 done, 2 active, 1 queued, 0 failed, 0 cancelled\n"
            "\n"
            "j7.2  vae 0:2000 1:250 2:2000 #1  ████             100/400    10.0/s      30s  loss 123.4\n"
            "j7.3  vae 0:2000 1:250 2:2000 #0  STARTING\n"
            "\n"
            "j7.1  dcgan 0:2000 1:250 2:2000 #0  step 400 (final), 1000 images, rejected 9.0%, off-support 1.0%\n"
            "    0 ██████████████████████████████                                50.0%  trained  47.1%\n"
            "    1                                                                0.0%  trained   5.9%\n"
            "    2 ██████████████████████████████                                50.0%  trained  47.1%");
}

TEST(WatchFrameTest, ShowsNoSharesWhereNoImageWasAccepted) {
  const WatchState state(
      Parse<v1::Job>("id: 'j7'"),
      {Parse<v1::Run>(absl::StrCat("id: 'j7.1' model: 'dcgan' state: RUNNING ", kBiasPoint,
                                   "histogram { step: 10 images: 50 counts { key: 0 value: 0 } "
                                   "counts { key: 1 value: 0 } counts { key: 2 value: 0 } rejected: 50 }"))});
  const std::string frame = absl::StrJoin(WatchFrame(state, {100, 24}, false, kNow), "\n");
  EXPECT_THAT(frame, HasSubstr("step 10, 50 images, rejected 100.0%, off-support 0.0%"));
  EXPECT_THAT(frame, HasSubstr("    1 none accepted "));
  EXPECT_THAT(frame, HasSubstr("     -  trained   5.9%"));
  EXPECT_THAT(frame, Not(HasSubstr(" 0.0%  trained")));
}

TEST(WatchFrameTest, StaysInsideTheTerminal) {
  const WatchState state = SomeState();
  for (int width = 1; width < 130; ++width) {
    for (int height = 0; height < 14; ++height) {
      const std::vector<std::string> lines = WatchFrame(state, {width, height}, width % 2 == 0, kNow);
      EXPECT_LE(lines.size(), static_cast<size_t>(height));
      for (const std::string& line : lines) EXPECT_LE(DisplayWidth(line), width) << line;
    }
  }
}

TEST(WatchFrameTest, SaysHowManyRunsHaveNoRoom) {
  std::vector<v1::Run> runs;
  for (int i = 1; i <= 30; ++i) runs.push_back(Parse<v1::Run>(absl::StrCat("id: 'j7.", i, "' state: RUNNING")));
  const auto lines = WatchFrame(WatchState(Parse<v1::Job>("id: 'j7'"), runs), {80, 10}, false, kNow);
  EXPECT_EQ(lines.size(), 10U);
  EXPECT_EQ(lines.back(), "... and 24 more active runs");
}

TEST(WatchFrameTest, HasNoColourUnlessAsked) {
  EXPECT_THAT(absl::StrJoin(WatchFrame(SomeState(), {100, 24}, false, kNow), "\n"), Not(HasSubstr("\x1b")));
  EXPECT_THAT(absl::StrJoin(WatchFrame(SomeState(), {100, 24}, true, kNow), "\n"), HasSubstr("\x1b[1mj7\x1b[0m"));
}

TEST(WatchFrameTest, SaysWhyAJobWaits) {
  const WatchState state(Parse<v1::Job>("id: 'j2' message: 'waits for\\x1b its classifier'"),
                         {Parse<v1::Run>("id: 'j2.1' state: QUEUED")});
  EXPECT_EQ(WatchFrame(state, {80, 24}, false, kNow)[2], "waits for? its classifier");
}

}  // namespace
}  // namespace skew

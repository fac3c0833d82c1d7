#include "client/render/format.h"

#include <cmath>

#include "client/render/estimate.h"
#include "client/render/table.h"
#include "client/text.h"
#include "tests/client/testing.h"

namespace skew {
namespace {

TEST(FormatTest, BiasPointsAreInTheOrderOfTheirClasses) {
  const auto point =
      Parse<v1::BiasPoint>("counts { key: 10 value: 3 } counts { key: 2 value: 2000 } counts { key: 0 value: 50 }");
  EXPECT_EQ(CountsText(point.counts()), "0:50 2:2000 10:3");
}

TEST(FormatTest, SharesAreOfTheAcceptedImages) {
  const auto histogram =
      Parse<v1::ClassHistogram>("counts { key: 0 value: 30 } counts { key: 1 value: 10 } rejected: 60 images: 100");
  EXPECT_EQ(SharesText(histogram), "0:75.0% 1:25.0%");
  EXPECT_EQ(SharesText(Parse<v1::ClassHistogram>("counts { key: 0 value: 0 } images: 5 rejected: 5")), "none accepted");
  EXPECT_EQ(SharesText(v1::ClassHistogram()), "");
}

TEST(FormatTest, Durations) {
  EXPECT_EQ(DurationText(absl::Seconds(59.9)), "59s");
  EXPECT_EQ(DurationText(absl::Seconds(185)), "3m 05s");
  EXPECT_EQ(DurationText(absl::Minutes(62)), "1h 02m");
  EXPECT_EQ(DurationText(absl::Hours(51)), "2d 03h");
  EXPECT_EQ(DurationText(absl::InfiniteDuration()), "-");
}

TEST(FormatTest, Numbers) {
  EXPECT_EQ(Fixed(1.005, 1), "1.0");
  EXPECT_EQ(Fixed(std::nan(""), 1), "-");
  EXPECT_EQ(Exact(0.1), "0.1");
  EXPECT_EQ(Exact(2e-4), "0.0002");
  EXPECT_EQ(Exact(1e-9), "1e-09");
  EXPECT_EQ(Exact(0), "0");
  EXPECT_EQ(Exact(std::nan("")), "");
  EXPECT_EQ(BytesText(512), "512 B");
  EXPECT_EQ(BytesText(12595), "12.3 KiB");
}

TEST(FormatTest, BarsHaveTheirWidth) {
  EXPECT_EQ(Bar(0, 4), "    ");
  EXPECT_EQ(Bar(1, 4), "████");
  EXPECT_EQ(Bar(0.5, 3), "█▌ ");
  EXPECT_EQ(Bar(7, 2), "██");
  EXPECT_EQ(Bar(std::nan(""), 2), "  ");
  for (int i = 0; i <= 100; ++i) EXPECT_EQ(DisplayWidth(Bar(i / 100.0, 7)), 7) << i;
}

TEST(FormatTest, MetricsAreInTheOrderOfTheirNames) {
  const auto progress =
      Parse<v1::Progress>("metrics { key: 'loss_g' value: 0.5 } metrics { key: 'loss_d' value: 123.45 }");
  EXPECT_EQ(MetricsText(progress.metrics()), "loss_d 123.5 loss_g 0.500");
}

TEST(TableTest, AlignsColumns) {
  Table table({{"job", "job"}, {"runs", "n", true}, {"", "raw"}, {"note", ""}});
  table.AddRow({"j1", "7", {"", "0.25"}, "±"});
  table.AddRow({"j100", "1234567", "x", ""});
  EXPECT_EQ(table.ToText(),
            "job      runs  note\n"
            "j1          7  ±\n"
            "j100  1234567\n");
  EXPECT_EQ(table.ToCsv(), "job,n,raw\nj1,7,0.25\nj100,1234567,x\n");
}

TEST(TableTest, QuotesInCsv) {
  Table table({{"a", "a"}, {"b", "b"}});
  table.AddRow({"x,y", "say \"hi\"\n"});
  EXPECT_EQ(table.ToCsv(/*heading=*/false), "\"x,y\",\"say \"\"hi\"\"\n\"\n");
}

TEST(EstimateTest, TimeLeftFollowsThePaceSoFar) {
  const std::vector<v1::Run> runs = {Parse<v1::Run>("state: SUCCEEDED"),
                                     Parse<v1::Run>("state: RUNNING progress { step: 5 total_steps: 10 }"),
                                     Parse<v1::Run>("state: QUEUED"), Parse<v1::Run>("state: QUEUED")};
  const JobEstimate estimate = EstimateJob(runs, absl::Minutes(3));
  EXPECT_DOUBLE_EQ(estimate.done, 1.5 / 4);
  EXPECT_EQ(estimate.left, absl::Minutes(5));
  EXPECT_EQ(EstimateJob(runs, absl::ZeroDuration()).left, absl::InfiniteDuration());
}

TEST(EstimateTest, CancelledRunsSayNothingAboutThePace) {
  const std::vector<v1::Run> runs = {Parse<v1::Run>("state: CANCELLED"), Parse<v1::Run>("state: QUEUED")};
  EXPECT_EQ(EstimateJob(runs, absl::Minutes(3)).left, absl::InfiniteDuration());
}

TEST(EstimateTest, NeitherDoAnswersFromTheStore) {
  const std::vector<v1::Run> runs = {Parse<v1::Run>("state: SUCCEEDED reused_from: 'j1.1'"),
                                     Parse<v1::Run>("state: SUCCEEDED"), Parse<v1::Run>("state: QUEUED"),
                                     Parse<v1::Run>("state: QUEUED")};
  const JobEstimate estimate = EstimateJob(runs, absl::Minutes(3));
  EXPECT_DOUBLE_EQ(estimate.done, 0.5);
  EXPECT_EQ(estimate.left, absl::Minutes(6));
}

TEST(EstimateTest, TimeLeftOfARun) {
  EXPECT_EQ(TimeLeft(Parse<v1::Run>("progress { step: 4 total_steps: 10 steps_per_second: 2 }")), absl::Seconds(3));
  EXPECT_EQ(TimeLeft(Parse<v1::Run>("progress { step: 4 total_steps: 10 }")), absl::InfiniteDuration());
}

TEST(FormatTest, CountsThings) {
  EXPECT_EQ(Counted(1, "run"), "1 run");
  EXPECT_EQ(Counted(0, "run"), "0 runs");
  EXPECT_EQ(Counted(2, "class", "classes"), "2 classes");
  EXPECT_EQ(Counted(1, "class", "classes"), "1 class");
}

}  // namespace
}  // namespace skew

#include "server/api/request_rate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "common/status.h"
#include "tests/testing/fake_clock.h"

namespace skew {
namespace {

int TakeUntilRefused(RequestRate& rate, const std::string& who) {
  int taken = 0;
  while (rate.Take(who).ok()) ++taken;
  return taken;
}

TEST(RequestRateTest, FiveSecondsWorthIsTakenAtOnceAndTheRateFromThenOn) {
  FakeClock clock;
  RequestRate rate(10, &clock);
  EXPECT_EQ(TakeUntilRefused(rate, "ada"), 50);
  clock.Advance(absl::Seconds(1));
  EXPECT_EQ(TakeUntilRefused(rate, "ada"), 10);
  clock.Advance(absl::Hours(1));
  EXPECT_EQ(TakeUntilRefused(rate, "ada"), 50);
}

TEST(RequestRateTest, ARefusalSaysWhenToComeBackAndThenOneIsTaken) {
  FakeClock clock;
  RequestRate rate(0.5, &clock);
  TakeUntilRefused(rate, "ada");
  const absl::Status refused = rate.Take("ada");
  EXPECT_EQ(refused.message(), "ada makes more than 0.5 requests a second");
  ASSERT_TRUE(RetryDelay(refused).has_value());
  EXPECT_EQ(*RetryDelay(refused), absl::Seconds(1));  // 2.5 at once: half a token was left
  clock.Advance(*RetryDelay(refused));
  EXPECT_TRUE(rate.Take("ada").ok());
}

TEST(RequestRateTest, NoRateMeansNoLimit) {
  FakeClock clock;
  RequestRate rate(0, &clock);
  for (int i = 0; i < 100'000; ++i) ASSERT_TRUE(rate.Take("ada").ok());
}

TEST(RequestRateTest, AClockThatIsSetBackOrForwardCostsNothing) {
  FakeClock clock;
  RequestRate rate(10, &clock);
  TakeUntilRefused(rate, "ada");
  clock.Advance(-absl::Hours(24));
  clock.Advance(absl::Seconds(1));
  EXPECT_EQ(TakeUntilRefused(rate, "ada"), 0);  // that second is lost: it began before the clock was looked at
  clock.Advance(absl::Seconds(1));
  EXPECT_EQ(TakeUntilRefused(rate, "ada"), 10);
  clock.Advance(absl::Hours(48));
  EXPECT_EQ(TakeUntilRefused(rate, "ada"), 50);
}

TEST(RequestRateTest, PeersWithoutNumberTakeBoundedMemory) {
  FakeClock clock;
  RequestRate rate(1, &clock);
  for (int i = 0; i < 30'000; ++i) rate.Take(absl::StrCat("peer ", i)).IgnoreError();
  EXPECT_LE(rate.known(), 10'001u);
  clock.Advance(absl::Minutes(1));
  EXPECT_TRUE(rate.Take("ada").ok());  // the others are forgotten: their buckets are full
  EXPECT_LE(rate.known(), 2u);
}

}  // namespace
}  // namespace skew

#include "server/api/open_streams.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "absl/synchronization/notification.h"
#include "common/status.h"

namespace skew {
namespace {

using Kind = OpenStreams::Kind;

TEST(OpenStreamsTest, APlaceIsFreeAgainWhenItsStreamEnds) {
  OpenStreams streams({1, 10}, {1, 10}, {1, 10}, {1, 1});
  {
    const auto place = streams.Open(Kind::kWatch, "ada");
    ASSERT_TRUE(place.ok());
    const absl::Status refused = streams.Open(Kind::kWatch, "ada").status();
    EXPECT_TRUE(absl::IsResourceExhausted(refused) && RetryDelay(refused).has_value()) << refused;
    EXPECT_EQ(streams.count(Kind::kWatch), 1);
  }
  EXPECT_EQ(streams.count(Kind::kWatch), 0);
  EXPECT_TRUE(streams.Open(Kind::kWatch, "ada").ok());
}

TEST(OpenStreamsTest, KindsAndUsersAreCountedApartAndUsersTogether) {
  OpenStreams streams({1, 2}, {1, 2}, {1, 2}, {1, 1});
  const auto ada = streams.Open(Kind::kWatch, "ada");
  const auto bob = streams.Open(Kind::kWatch, "bob");
  EXPECT_TRUE(ada.ok() && bob.ok());
  EXPECT_TRUE(streams.Open(Kind::kRead, "ada").ok());
  EXPECT_EQ(streams.Open(Kind::kWatch, "carol").status().message(),
            "the server has 2 watches open, and may not have more");
}

TEST(OpenStreamsTest, CallsHaveALimitOfTheirOwnAndAreSoonOver) {
  OpenStreams streams({1, 1}, {1, 1}, {2, 2}, {1, 1});
  const auto watch = streams.Open(Kind::kWatch, "ada");
  const auto first = streams.Open(Kind::kCall, "ada");
  const auto second = streams.Open(Kind::kCall, "ada");
  EXPECT_TRUE(watch.ok() && first.ok() && second.ok());
  const absl::Status refused = streams.Open(Kind::kCall, "ada").status();
  EXPECT_EQ(refused.message(), "user 'ada' has 2 calls open, and may not have more; one has to end first");
  EXPECT_EQ(RetryDelay(refused), absl::Milliseconds(500));
}

TEST(OpenStreamsTest, APlaceThatIsMovedIsOne) {
  OpenStreams streams({1, 1}, {1, 1}, {1, 1}, {1, 1});
  std::optional<OpenStreams::Place> moved;
  {
    auto place = streams.Open(Kind::kRead, "ada");
    moved.emplace(*std::move(place));
  }
  EXPECT_EQ(streams.count(Kind::kRead), 1);
  moved.reset();
  EXPECT_EQ(streams.count(Kind::kRead), 0);
}

TEST(OpenStreamsTest, WhoAwaitsRoomHasItWhenAnotherOfTheUserEnds) {
  OpenStreams streams({1, 1}, {1, 1}, {1, 1}, {1, 2});
  std::optional<OpenStreams::Place> first = streams.Await(OpenStreams::Kind::kLargeRead, "ada");
  std::atomic<bool> ended = false;
  absl::Notification over;
  std::thread second([&] {
    const OpenStreams::Place turn = streams.Await(OpenStreams::Kind::kLargeRead, "ada");
    EXPECT_TRUE(ended);
    over.Notify();
  });
  { const OpenStreams::Place of_another = streams.Await(OpenStreams::Kind::kLargeRead, "bob"); }
  EXPECT_FALSE(over.WaitForNotificationWithTimeout(absl::Milliseconds(50)));
  ended = true;
  first.reset();
  over.WaitForNotification();
  second.join();
}

TEST(OpenStreamsTest, NoMoreHaveRoomThanMayBe) {
  OpenStreams streams({1, 1}, {1, 1}, {1, 1}, {3, 3});
  std::atomic<int> at_it = 0;
  std::vector<std::thread> callers;
  callers.reserve(12);
  for (int i = 0; i < 12; ++i) {
    callers.emplace_back([&, i] {
      for (int round = 0; round < 20; ++round) {
        const OpenStreams::Place turn = streams.Await(OpenStreams::Kind::kLargeRead, i % 2 == 0 ? "ada" : "bob");
        EXPECT_LE(++at_it, 3);
        std::this_thread::yield();
        --at_it;
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
}

}  // namespace
}  // namespace skew

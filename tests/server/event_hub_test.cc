#include "server/jobs/event_hub.h"

#include <gtest/gtest.h>

namespace skew {
namespace {

class CountingWaiter final : public EventHub::Waiter {
 public:
  void Wake() override { ++wakes; }
  int wakes = 0;
};

TEST(EventHubTest, WakesOnceForTheNextEvent) {
  EventHub hub;
  hub.Subscribe(JobId{1});
  const auto waiter = std::make_shared<CountingWaiter>();
  ASSERT_TRUE(hub.Arm(JobId{1}, 0, waiter));
  hub.Publish(JobId{2}, 1);
  EXPECT_EQ(waiter->wakes, 0);
  hub.Publish(JobId{1}, 2);
  hub.Publish(JobId{1}, 3);
  EXPECT_EQ(waiter->wakes, 1);
}

TEST(EventHubTest, WhoWaitsForAnyJobHearsOfAll) {
  EventHub hub;
  hub.Subscribe(EventHub::kAnyJob);
  const auto waiter = std::make_shared<CountingWaiter>();
  ASSERT_TRUE(hub.Arm(EventHub::kAnyJob, 0, waiter));
  hub.Publish(JobId{7}, 1);
  EXPECT_EQ(waiter->wakes, 1);
  EXPECT_FALSE(hub.Arm(EventHub::kAnyJob, 0, waiter));
  ASSERT_TRUE(hub.Arm(EventHub::kAnyJob, 1, waiter));
  hub.Publish(JobId{8}, 2);
  EXPECT_EQ(waiter->wakes, 2);
}

TEST(EventHubTest, DoesNotArmBehindTheNewestEvent) {
  EventHub hub;
  hub.Subscribe(JobId{1});
  hub.Publish(JobId{1}, 7);
  const auto waiter = std::make_shared<CountingWaiter>();
  EXPECT_FALSE(hub.Arm(JobId{1}, 6, waiter));
  EXPECT_TRUE(hub.Arm(JobId{1}, 7, waiter));
}

TEST(EventHubTest, LateNewsOfAnOlderEventDoesNotTakeTheNewestBack) {
  EventHub hub;
  hub.Subscribe(JobId{1});
  hub.Publish(JobId{1}, 7);
  hub.Publish(JobId{1}, 6);
  EXPECT_FALSE(hub.Arm(JobId{1}, 6, std::make_shared<CountingWaiter>()));
}

TEST(EventHubTest, ADisarmedWaiterIsLeftAlone) {
  EventHub hub;
  hub.Subscribe(JobId{1});
  const auto waiter = std::make_shared<CountingWaiter>();
  ASSERT_TRUE(hub.Arm(JobId{1}, 0, waiter));
  hub.Disarm(JobId{1}, waiter.get());
  hub.Publish(JobId{1}, 1);
  EXPECT_EQ(waiter->wakes, 0);
}

TEST(EventHubTest, DrainingWakesEverybodyAndArmsNobody) {
  EventHub hub;
  hub.Subscribe(JobId{1});
  const auto waiter = std::make_shared<CountingWaiter>();
  ASSERT_TRUE(hub.Arm(JobId{1}, 0, waiter));
  hub.Drain();
  EXPECT_EQ(waiter->wakes, 1);
  EXPECT_TRUE(hub.draining());
  EXPECT_FALSE(hub.Arm(JobId{1}, 0, waiter));
  EXPECT_TRUE(hub.AwaitDrain(absl::ZeroDuration()));
}

TEST(EventHubTest, KnowsOnlyJobsThatAreWatched) {
  EventHub hub;
  hub.Publish(JobId{1}, 1);
  EXPECT_EQ(hub.topics(), 0u);
  EXPECT_FALSE(hub.Arm(JobId{1}, 1, std::make_shared<CountingWaiter>()));
  hub.Subscribe(JobId{1});
  hub.Subscribe(JobId{1});
  hub.Publish(JobId{1}, 2);
  hub.Unsubscribe(JobId{1});
  EXPECT_FALSE(hub.Arm(JobId{1}, 1, std::make_shared<CountingWaiter>()));  // the other one still hears of it
  hub.Unsubscribe(JobId{1});
  EXPECT_EQ(hub.topics(), 0u);
  hub.Disarm(JobId{1}, nullptr);
  hub.Unsubscribe(JobId{1});
}

}  // namespace
}  // namespace skew

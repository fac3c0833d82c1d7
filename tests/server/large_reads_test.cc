#include "server/api/large_reads.h"

#include <gtest/gtest.h>

#include <atomic>
#include <optional>
#include <thread>
#include <vector>

#include "absl/synchronization/notification.h"

namespace skew {
namespace {

TEST(LargeReadsTest, OneWaitsUntilAnotherOfItsUserEndsAndOtherUsersDoNot) {
  LargeReads reads({1, 2});
  std::optional<LargeReads::Turn> first = reads.Await("ada");
  std::atomic<bool> ended = false;
  absl::Notification over;
  std::thread second([&] {
    const LargeReads::Turn turn = reads.Await("ada");
    EXPECT_TRUE(ended);
    over.Notify();
  });
  { const LargeReads::Turn of_another = reads.Await("bob"); }
  EXPECT_FALSE(over.HasBeenNotified());
  ended = true;
  first.reset();
  over.WaitForNotification();
  second.join();
}

TEST(LargeReadsTest, NoMoreAreAtItThanMayBe) {
  LargeReads reads({3, 3});
  std::atomic<int> at_it = 0;
  std::vector<std::thread> callers;
  for (int i = 0; i < 12; ++i) {
    callers.emplace_back([&, i] {
      for (int round = 0; round < 20; ++round) {
        const LargeReads::Turn turn = reads.Await(i % 2 == 0 ? "ada" : "bob");
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

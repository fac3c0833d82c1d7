#include "server/workers/out_of_memory.h"

#include <gtest/gtest.h>

#include "common/file.h"

namespace skew {
namespace {

TEST(OutOfMemoryTest, ReadsTheKernelsCounts) {
  EXPECT_EQ(ParseOutOfMemoryKills("low 0\nhigh 0\nmax 12\noom 3\noom_kill 2\noom_group_kill 0\n"), 2);  // memory.events
  EXPECT_EQ(ParseOutOfMemoryKills("oom_kill_disable 0\nunder_oom 0\noom_kill 5\n"), 5);  // memory.oom_control
  EXPECT_EQ(ParseOutOfMemoryKills("pgfault 1\noom_kill 0\n"), 0);                        // /proc/vmstat
  EXPECT_FALSE(ParseOutOfMemoryKills("pgfault 1\n").has_value());
  EXPECT_FALSE(ParseOutOfMemoryKills("").has_value());
}

TEST(OutOfMemoryTest, ThisSystemCounts) {
  EXPECT_TRUE(ParseOutOfMemoryKills(ReadFile("/proc/vmstat").value_or("")).has_value());
  EXPECT_GE(CountOutOfMemoryKills(), 0);
}

TEST(OutOfMemoryTest, WhatHappenedLongBeforeIsForgotten) {
  int64_t kills = 3;
  OutOfMemoryWatch watch([&] { return kills; });
  EXPECT_FALSE(watch.HasKilled());
  ++kills;
  EXPECT_TRUE(watch.HasKilled());
  watch.Sample();
  EXPECT_TRUE(watch.HasKilled());  // a process that is being ended may take a while
  watch.Sample();
  EXPECT_FALSE(watch.HasKilled());
}

}  // namespace
}  // namespace skew

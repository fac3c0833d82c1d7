// The policy over simulated time: thousands of jobs of several users on slots that do nothing.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <random>

#include "server/jobs/fair_share.h"
#include "server/store/use_decay.h"
#include "tests/testing/fair_share_snapshots.h"

namespace skew {
namespace {

using ::testing::DoubleNear;

// Slots in simulated time. Runs take their own random time; the policy is told only what runs of the same shape (here:
// of the same mean length) took before, if any have ended, and for others what all took on average.
class Box {
 public:
  Box(std::vector<FairShareDevice> devices, absl::Duration half_life, FairShareOptions options, uint32_t seed)
      : half_life_(half_life), options_(options), random_(seed) {
    snapshot_.now = kStart;
    snapshot_.devices = std::move(devices);
  }

  size_t AddUser(const std::string& name, double weight) {
    snapshot_.users.push_back(User(name, {}, weight));
    snapshot_.users.back().last_start = absl::InfinitePast();
    held_.emplace_back();
    longest_wait_.emplace_back();
    return snapshot_.users.size() - 1;
  }

  void Submit(size_t user, int32_t runs, absl::Duration mean, RunNeed need = {}) {
    QueuedBatch batch = Batch(++jobs_, runs);
    batch.waiting_since = snapshot_.now;
    batch.need = need;
    batch.expected = {absl::InfiniteDuration()};
    batch.shape = absl::ToInt64Microseconds(mean);
    if (const auto known = learned_.find(batch.shape); known != learned_.end()) batch.expected = {known->second};
    snapshot_.users[user].batches.push_back(batch);
  }

  // Plays until `end`, or until nothing runs and nothing can.
  void RunUntil(absl::Time end) {
    while (true) {
      Dispatch();
      if (running_.empty() || running_.begin()->first >= end) {
        Pass(running_.empty() ? end : std::min(end, running_.begin()->first));
        return;
      }
      Pass(running_.begin()->first);
      End();
    }
  }

  // Slot time that a user has held.
  double Held(size_t user) const { return absl::ToDoubleSeconds(held_[user]); }
  absl::Duration LongestWait(size_t user) const { return longest_wait_[user]; }
  int32_t QueuedOf(size_t user) const {
    int32_t runs = 0;
    for (const QueuedBatch& batch : snapshot_.users[user].batches) runs += batch.runs;
    return runs;
  }
  absl::Time now() const { return snapshot_.now; }
  absl::Time last_start(size_t user) const { return snapshot_.users[user].last_start; }
  int64_t starts() const { return starts_; }

 private:
  struct Running {
    ActiveLease lease;
    int64_t shape = 0;
    absl::Time start;
    absl::Duration length;
  };

  void Dispatch() {
    std::map<JobId, absl::Duration> ends;
    snapshot_.active.clear();
    for (const auto& [end, running] : running_) {
      snapshot_.active.push_back(running.lease);
      const auto known = learned_.find(running.shape);
      snapshot_.active.back().left = known == learned_.end()
                                         ? absl::InfiniteDuration()
                                         : std::max(known->second - (snapshot_.now - running.start), absl::Seconds(1));
    }
    for (const StartDecision& start : DecideStarts(snapshot_, options_)) Start(start);
    CheckNothingIsIdle();
    for (FairShareUser& user : snapshot_.users) {
      std::erase_if(user.batches, [](const QueuedBatch& batch) { return batch.runs == 0; });
    }
  }

  void Start(const StartDecision& start) {
    FairShareUser& user = snapshot_.users[start.user];
    QueuedBatch& batch = user.batches[start.batch];
    FairShareDevice& device = snapshot_.devices[start.device];
    ASSERT_GT(batch.runs, 0);
    ASSERT_TRUE(FitsNow(batch.need, device, LeasesOn(start.device) == 0));
    Running running;
    running.lease = {batch.job, start.user, start.device, batch.need, 1, absl::InfiniteDuration()};
    if (batch.need.whole_device) running.lease.slots = device.free_slots;
    running.start = snapshot_.now;
    running.shape = batch.shape;
    running.length = absl::Microseconds(batch.shape) * std::uniform_real_distribution<double>(0.5, 1.5)(random_);
    device.free_slots -= running.lease.slots;
    device.free_bytes -= batch.need.memory_bytes;
    longest_wait_[start.user] = std::max(longest_wait_[start.user], snapshot_.now - batch.waiting_since);
    --batch.runs;
    ++batch.next_run;
    batch.waiting_since = snapshot_.now;
    user.last_start = snapshot_.now;
    running_.emplace(snapshot_.now + running.length, running);
    ++starts_;
  }

  int LeasesOn(size_t device) const {
    return static_cast<int>(std::count_if(running_.begin(), running_.end(),
                                          [device](const auto& one) { return one.second.lease.device == device; }));
  }

  // Nothing ready and allowed could start, unless something aged is being reserved for.
  void CheckNothingIsIdle() const {
    bool reserving = false;
    bool could_start = false;
    for (size_t user = 0; user < snapshot_.users.size(); ++user) {
      for (const QueuedBatch& batch : snapshot_.users[user].batches) {
        if (batch.runs == 0) continue;
        bool fits = false;
        for (size_t i = 0; i < snapshot_.devices.size(); ++i) {
          fits = fits || FitsNow(batch.need, snapshot_.devices[i], LeasesOn(i) == 0);
        }
        could_start = could_start || fits;
        reserving = reserving || (!fits && snapshot_.now - batch.waiting_since >= options_.aged_after);
      }
    }
    ASSERT_TRUE(!could_start || reserving) << "a slot stands idle";
  }

  void Pass(absl::Time until) {
    const absl::Duration step = until - snapshot_.now;
    for (FairShareUser& user : snapshot_.users) user.use = DecayedUse(user.use, step, half_life_);
    for (const auto& [end, running] : running_) {
      snapshot_.users[running.lease.user].use += UseOfHolding(step, half_life_);
      held_[running.lease.user] += step;
    }
    snapshot_.now = until;
  }

  void End() {
    const Running ended = running_.begin()->second;
    running_.erase(running_.begin());
    snapshot_.devices[ended.lease.device].free_slots += ended.lease.slots;
    snapshot_.devices[ended.lease.device].free_bytes += ended.lease.need.memory_bytes;
    lengths_ += ended.length;
    options_.unknown = lengths_ / ++ends_;
    auto [known, first] = learned_.try_emplace(ended.shape, ended.length);
    if (!first) known->second = 0.8 * known->second + 0.2 * ended.length;
    for (FairShareUser& user : snapshot_.users) {
      for (QueuedBatch& batch : user.batches) {
        if (batch.shape == ended.shape) batch.expected = {known->second};
      }
    }
  }

  const absl::Duration half_life_;
  FairShareOptions options_;
  std::mt19937 random_;
  FairShareSnapshot snapshot_;
  int64_t jobs_ = 0;
  int64_t starts_ = 0;
  absl::Duration lengths_;
  int64_t ends_ = 0;
  std::map<int64_t, absl::Duration> learned_;
  std::multimap<absl::Time, Running> running_;
  std::vector<absl::Duration> held_;
  std::vector<absl::Duration> longest_wait_;
};

class SimulationTest : public ::testing::TestWithParam<uint32_t> {};

// Parts of what `users` held between two readings.
std::vector<double> Shares(const Box& box, const std::vector<double>& before) {
  std::vector<double> held;
  for (size_t user = 0; user < before.size(); ++user) held.push_back(box.Held(user) - before[user]);
  const double all = std::accumulate(held.begin(), held.end(), 0.0);
  for (double& one : held) one /= all;
  return held;
}

TEST_P(SimulationTest, SharesFollowTheWeightsWhileUsersCompete) {
  const std::vector<double> weights = {1, 1, 2, 4, 0.5};
  Box box(Slots(4).devices, absl::Hours(6), {}, GetParam());
  for (size_t user = 0; user < weights.size(); ++user)
    box.AddUser(std::string(1, static_cast<char>('a' + user)), weights[user]);
  // 3,000 jobs of 1 to 20 runs of 8 shapes from one to twenty minutes; everybody has more than enough.
  std::mt19937 random(GetParam() + 1);
  for (int i = 0; i < 3000; ++i) {
    const size_t user = random() % weights.size();
    const double minutes = std::exp(3 * static_cast<double>(random() % 8) / 7) * (user == 0 ? 0.2 : 1);
    box.Submit(user, 1 + static_cast<int32_t>(random() % 20), absl::Minutes(minutes));
  }
  const double sum = std::accumulate(weights.begin(), weights.end(), 0.0);
  std::vector<double> before(weights.size(), 0);
  for (int day = 0; day < 5; ++day) {
    box.RunUntil(box.now() + absl::Hours(24));
    const std::vector<double> shares = Shares(box, before);
    for (size_t user = 0; user < weights.size(); ++user) {
      ASSERT_GT(box.QueuedOf(user), 0);
      EXPECT_THAT(shares[user], DoubleNear(weights[user] / sum, 0.05 * weights[user] / sum)) << "user " << user;
      before[user] = box.Held(user);
    }
  }
  EXPECT_GT(box.starts(), 1000);
}

TEST_P(SimulationTest, ALateUserStartsWithinOneRunAndCatchesUpOnlyOnWhatIsRemembered) {
  Box box(Slots(2).devices, absl::Hours(1), {}, GetParam());
  for (const char* name : {"a", "b", "c"}) {
    const size_t user = box.AddUser(name, 1);
    for (int i = 0; i < 300; ++i) box.Submit(user, 10, absl::Minutes(4));
  }
  box.RunUntil(kStart + absl::Hours(8));
  const size_t late = box.AddUser("late", 1);
  for (int i = 0; i < 300; ++i) box.Submit(late, 10, absl::Minutes(4));
  const absl::Time came = box.now();
  box.RunUntil(came + absl::Minutes(6));  // the longest run there is
  EXPECT_GE(box.last_start(late), came);
  // Six half-lives later nothing of the past is left.
  box.RunUntil(came + absl::Hours(6));
  std::vector<double> before;
  for (size_t user = 0; user < 4; ++user) before.push_back(box.Held(user));
  box.RunUntil(came + absl::Hours(14));
  for (const double share : Shares(box, before)) EXPECT_THAT(share, DoubleNear(0.25, 0.0125));
}

TEST_P(SimulationTest, NobodyStarvesWhileANewcomerCatchesUp) {
  FairShareOptions options;
  options.aged_after = absl::Hours(1);
  Box box(Slots(1).devices, absl::Hours(24 * 30), options, GetParam());
  const size_t old = box.AddUser("old", 1);
  for (int i = 0; i < 100; ++i) box.Submit(old, 50, absl::Minutes(5));
  box.RunUntil(kStart + absl::Hours(100));
  const size_t late = box.AddUser("late", 1);
  for (int i = 0; i < 100; ++i) box.Submit(late, 50, absl::Minutes(5));
  const double before = box.Held(old);
  const absl::Time came = box.now();
  for (int hour = 1; hour <= 40; ++hour) {
    box.RunUntil(came + absl::Hours(hour));
    EXPECT_LE(box.now() - box.last_start(old), 2 * options.aged_after + absl::Minutes(10));  // half the weights
  }
  EXPECT_GT(box.Held(old) - before, 40.0 / 2 * 300.0 * 0.8);  // a run of five minutes every two hours
  EXPECT_GT(box.Held(late), 30 * 3600.0);
}

TEST_P(SimulationTest, EveryJobOfAUserWithEndlessUrgentWorkEnds) {
  FairShareOptions options;
  options.aged_after = absl::Minutes(30);
  Box box(Slots(2).devices, absl::Hours(24), options, GetParam());
  const size_t user = box.AddUser("a", 1);
  for (int i = 0; i < 200; ++i) box.Submit(user, 1 + i % 7, absl::Minutes(1 + i % 5));
  box.RunUntil(kStart + absl::Hours(24 * 3));
  EXPECT_EQ(box.QueuedOf(user), 0);
}

TEST_P(SimulationTest, LargeRunsAmongSmallOnesAreReservedForAndNothingElseIsIdle) {
  FairShareOptions options;
  options.aged_after = absl::Minutes(30);
  Box box({Gpu(24), Gpu(16)}, absl::Hours(6), options, GetParam());
  const size_t small = box.AddUser("small", 1);
  const size_t large = box.AddUser("large", 1);
  std::mt19937 random(GetParam());
  for (int i = 0; i < 300; ++i) {
    box.Submit(small, 50, absl::Minutes(3), RunNeed{static_cast<int64_t>(1 + random() % 5) * kGib, false});
  }
  for (int i = 0; i < 40; ++i)
    box.Submit(large, 1, absl::Minutes(20), RunNeed{(i % 2 == 0 ? 15 : 22) * kGib, i % 5 == 0});
  int hours = 0;
  while (box.QueuedOf(large) > 0 && hours < 200) box.RunUntil(kStart + absl::Hours(++hours));
  EXPECT_EQ(box.QueuedOf(large), 0) << "after " << hours << " hours";
  EXPECT_GT(box.QueuedOf(small), 0) << "they competed to the end";
}

INSTANTIATE_TEST_SUITE_P(Seeds, SimulationTest, ::testing::Values(1u, 2u, 3u));

}  // namespace
}  // namespace skew

#include "server/jobs/fair_share.h"

#include <algorithm>
#include <tuple>
#include <utility>

namespace skew {
namespace {

// A device that is kept for an aged run until the time at which that should fit.
struct Reservation {
  size_t device = 0;
  absl::Duration free_in;
};

// One decision after the other, on what the ones before have left.
class Round {
 public:
  Round(const FairShareSnapshot& snapshot, const FairShareOptions& options)
      : snapshot_(snapshot),
        options_(options),
        devices_(snapshot.devices),
        runs_on_(snapshot.devices.size(), 0),
        running_(snapshot.users.size(), 0),
        pending_(snapshot.users.size(), 0),
        done_(snapshot.users.size(), false) {
    for (size_t i = 0; i < devices_.size(); ++i) runs_on_[i] = devices_[i].settling;
    for (const ActiveLease& lease : snapshot.active) {
      ++runs_on_[lease.device];
      ++running_[lease.user];
      pending_[lease.user] += Seconds(lease.left);
    }
    for (size_t user = 0; user < snapshot.users.size(); ++user) {
      first_.push_back(FirstOf(user));
      if (first_[user].has_value() || running_[user] > 0) weights_ += snapshot.users[user].weight;
    }
  }

  std::vector<StartDecision> Decide() {
    while (HasFreeSlot() && (StartAwaited() || StartNext())) {
    }
    return std::move(starts_);
  }

 private:
  // Use is counted in advance for as long as a run should take, so that free slots do not all go to one user.
  double Seconds(absl::Duration duration) const {
    return absl::ToDoubleSeconds(duration == absl::InfiniteDuration() ? options_.unknown : duration);
  }

  bool HasFreeSlot() const {
    return std::any_of(devices_.begin(), devices_.end(),
                       [](const FairShareDevice& device) { return device.free_slots > 0 && !device.drained; });
  }

  int StartedOf(size_t user, size_t batch) const {
    return static_cast<int>(std::count_if(starts_.begin(), starts_.end(), [&](const StartDecision& start) {
      return start.user == user && start.batch == batch;
    }));
  }

  bool IsCandidate(size_t user, size_t index) const {
    const QueuedBatch& batch = snapshot_.users[user].batches[index];
    return IsReady(batch, snapshot_.now) && batch.runs > StartedOf(user, index);
  }

  bool AtLimit(size_t user) const {
    const int most = snapshot_.users[user].max_slots;
    return most > 0 && running_[user] >= most;
  }

  bool IsAged(absl::Time since) const { return snapshot_.now - since >= options_.aged_after; }

  // How long a user has had something to start, nothing under way and no start, once that is too long: longer than
  // `aged_after` over the user's part of the weights. Negative otherwise.
  absl::Duration StarvedFor(size_t user) const {
    const FairShareUser& one = snapshot_.users[user];
    const absl::Duration too_long = options_.aged_after * (weights_ / one.weight);
    if (running_[user] > 0 || snapshot_.now - one.last_start < too_long) return -absl::InfiniteDuration();
    absl::Duration longest = -absl::InfiniteDuration();
    for (size_t i = 0; i < one.batches.size(); ++i) {
      const absl::Duration waited = snapshot_.now - std::max(one.batches[i].waiting_since, one.last_start);
      if (waited >= too_long && IsCandidate(user, i)) longest = std::max(longest, waited);
    }
    return longest;
  }

  // Use per weight in the middle of the user's next run. At its start, a user of few long runs would stand for less
  // than the average over time, and get more than the weight says.
  double UseInTheMiddle(size_t user) const {
    const FairShareUser& one = snapshot_.users[user];
    const QueuedBatch& next = one.batches[*first_[user]];
    const absl::Duration expected = next.expected.empty() ? absl::InfiniteDuration() : next.expected.front();
    return (one.use + pending_[user] + Seconds(expected) / 2) / one.weight;
  }

  // The user whose turn it is, among those that have something left to try.
  std::optional<size_t> NextUser() const {
    std::optional<size_t> best;
    std::tuple<absl::Duration, double> best_rank;  // smaller is earlier
    for (size_t user = 0; user < snapshot_.users.size(); ++user) {
      if (done_[user] || AtLimit(user) || !first_[user].has_value()) continue;
      const std::tuple<absl::Duration, double> rank{-StarvedFor(user), UseInTheMiddle(user)};
      if (best.has_value() && rank >= best_rank) continue;
      best = user;
      best_rank = rank;
    }
    return best;
  }

  int64_t EffectivePriority(const QueuedBatch& batch) const {
    const absl::Duration waited = std::max(snapshot_.now - batch.waiting_since, absl::ZeroDuration());
    absl::Duration rest;
    return batch.priority + absl::IDivDuration(waited, options_.aged_after, &rest);
  }

  // Whether batch `a` of a user goes before batch `b`.
  bool GoesBefore(size_t user, size_t a, size_t b) const {
    const QueuedBatch& one = snapshot_.users[user].batches[a];
    const QueuedBatch& other = snapshot_.users[user].batches[b];
    const int64_t priority = EffectivePriority(one);
    const int64_t other_priority = EffectivePriority(other);
    if (priority != other_priority) return priority > other_priority;
    if (one.job != other.job) return one.job < other.job;
    return one.next_run + one.stride * StartedOf(user, a) < other.next_run + other.stride * StartedOf(user, b);
  }

  std::optional<size_t> FirstOf(size_t user) const {
    std::optional<size_t> first;
    for (size_t i = 0; i < snapshot_.users[user].batches.size(); ++i) {
      if (IsCandidate(user, i) && (!first.has_value() || GoesBefore(user, i, *first))) first = i;
    }
    return first;
  }

  // All of the user's candidates in their order.
  std::vector<size_t> Candidates(size_t user) const {
    std::vector<size_t> candidates;
    for (size_t i = 0; i < snapshot_.users[user].batches.size(); ++i) {
      if (IsCandidate(user, i)) candidates.push_back(i);
    }
    std::sort(candidates.begin(), candidates.end(), [&](size_t a, size_t b) { return GoesBefore(user, a, b); });
    return candidates;
  }

  absl::Duration ExpectedOn(const QueuedBatch& batch, size_t device) const {
    const size_t kind = devices_[device].kind;
    return kind < batch.expected.size() ? batch.expected[kind] : absl::InfiniteDuration();
  }

  // An empty device before one that is shared; of those, the one whose memory it fills best.
  std::optional<size_t> ChooseDevice(const QueuedBatch& batch) const {
    std::optional<size_t> best;
    const auto rank = [&](size_t i) { return std::tuple(runs_on_[i] > 0, devices_[i].free_bytes); };
    for (size_t i = 0; i < devices_.size(); ++i) {
      if (!FitsNow(batch.need, devices_[i], runs_on_[i] == 0)) continue;
      if (reserved_.has_value() && reserved_->device == i && ExpectedOn(batch, i) > reserved_->free_in) continue;
      if (!best.has_value() || rank(i) < rank(*best)) best = i;
    }
    return best;
  }

  // Until a run would fit on device `index`, by what is expected of the runs there; empty when it never does.
  std::optional<absl::Duration> FitsIn(const RunNeed& need, size_t index) const {
    FairShareDevice device = devices_[index];
    if (!FitsEver(need, device)) return std::nullopt;
    std::vector<const ActiveLease*> leases;
    for (const ActiveLease& lease : snapshot_.active) {
      if (lease.device == index) leases.push_back(&lease);
    }
    std::sort(leases.begin(), leases.end(),
              [](const ActiveLease* a, const ActiveLease* b) { return a->left < b->left; });
    int left_on_it = runs_on_[index];
    for (const ActiveLease* lease : leases) {
      device.free_slots += lease->slots;
      device.free_bytes += lease->need.memory_bytes;
      if (FitsNow(need, device, --left_on_it == 0)) return lease->left;
    }
    return std::nullopt;
  }

  void Reserve(const QueuedBatch& batch) {
    if (reserved_.has_value()) return;
    for (size_t i = 0; i < devices_.size(); ++i) {
      const std::optional<absl::Duration> free_in = FitsIn(batch.need, i);
      if (!free_in.has_value()) continue;
      if (!reserved_.has_value() || *free_in < reserved_->free_in) reserved_ = Reservation{i, *free_in};
    }
  }

  void Start(size_t user, size_t index, size_t device) {
    const QueuedBatch& batch = snapshot_.users[user].batches[index];
    starts_.push_back({user, index, device});
    FairShareDevice& taken = devices_[device];
    taken.free_slots = batch.need.whole_device ? 0 : taken.free_slots - 1;
    taken.free_bytes -= batch.need.memory_bytes;
    ++runs_on_[device];
    ++running_[user];
    pending_[user] += Seconds(ExpectedOn(batch, device));
    first_[user] = FirstOf(user);
  }

  // A classifier's training that studies wait for: everybody's turn.
  bool StartAwaited() {
    for (size_t user = 0; user < snapshot_.users.size(); ++user) {
      const std::vector<QueuedBatch>& batches = snapshot_.users[user].batches;
      for (size_t i = 0; i < batches.size(); ++i) {
        if (!batches[i].awaited || !IsCandidate(user, i)) continue;
        const std::optional<size_t> device = ChooseDevice(batches[i]);
        if (!device.has_value()) continue;
        Start(user, i, *device);
        return true;
      }
    }
    return false;
  }

  bool StartNext() {
    while (const std::optional<size_t> user = NextUser()) {
      if (StartOneOf(*user)) return true;
      done_[*user] = true;
    }
    return false;
  }

  // The user's first batch that fits. Nearly always that is the first one: the others are put in order only if not.
  bool StartOneOf(size_t user) {
    if (StartOrReserve(user, *first_[user])) return true;
    const std::vector<size_t> candidates = Candidates(user);
    return std::any_of(candidates.begin() + 1, candidates.end(),
                       [&](size_t index) { return StartOrReserve(user, index); });
  }

  bool StartOrReserve(size_t user, size_t index) {
    const QueuedBatch& batch = snapshot_.users[user].batches[index];
    const std::optional<size_t> device = ChooseDevice(batch);
    if (device.has_value()) {
      Start(user, index, *device);
      return true;
    }
    if (IsAged(batch.waiting_since)) Reserve(batch);
    return false;
  }

  const FairShareSnapshot& snapshot_;
  const FairShareOptions& options_;
  std::vector<FairShareDevice> devices_;
  std::vector<int> runs_on_;                  // by device
  std::vector<int> running_;                  // by user
  std::vector<double> pending_;               // by user, in seconds
  double weights_ = 0;                        // of all who have something to start or under way
  std::vector<std::optional<size_t>> first_;  // by user, the batch that goes first
  std::vector<bool> done_;                    // users of whom nothing more fits
  std::optional<Reservation> reserved_;
  std::vector<StartDecision> starts_;
};

}  // namespace

bool IsReady(const QueuedBatch& batch, absl::Time now) {
  return batch.runs > 0 && !batch.paused && batch.after.empty() && batch.trainings.empty() && batch.held.empty() &&
         batch.stands_back.empty() && batch.ready_at <= now;
}

bool FitsNow(const RunNeed& need, const FairShareDevice& device, bool empty) {
  if (device.drained || device.free_slots <= 0 || (need.whole_device && !empty)) return false;
  if (device.memory_bytes == 0) return true;
  // An empty GPU has a little in use for its own sake.
  const int64_t needed = need.memory_bytes > 0 ? need.memory_bytes : device.memory_bytes / 10 * 9;
  return needed <= device.free_bytes;
}

bool FitsEver(const RunNeed& need, const FairShareDevice& device) {
  return !device.drained && (device.memory_bytes == 0 || need.memory_bytes <= device.memory_bytes);
}

std::vector<StartDecision> DecideStarts(const FairShareSnapshot& snapshot, const FairShareOptions& options) {
  return Round(snapshot, options).Decide();
}

}  // namespace skew

#include "server/jobs/forecast.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <optional>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "server/store/use_decay.h"

namespace skew {
namespace {

// A run that goes on in the play.
struct Playing {
  absl::Time end;  // by a guess where nothing is known
  bool known = false;
  ActiveLease lease;

  bool operator<(const Playing& other) const {
    return std::tie(end, lease.device, lease.job) < std::tie(other.end, other.lease.device, other.lease.job);
  }
};

class Play {
 public:
  Play(FairShareSnapshot& state, const FairShareOptions& options, absl::Duration half_life)
      : state_(state), options_(options), half_life_(half_life) {
    forecast_.runs.resize(state.users.size());
    forecast_.starts_of.resize(state.users.size());
    forecast_.ends.resize(state.active.size(), absl::InfiniteFuture());
    for (size_t user = 0; user < state.users.size(); ++user) {
      forecast_.runs[user].resize(state.users[user].batches.size());
      for (const QueuedBatch& batch : state.users[user].batches) open_runs_[batch.job] += batch.runs;
    }
    // Memory comes back in a moment.
    for (FairShareDevice& device : state.devices) device.free_slots += std::exchange(device.settling, 0);
    CollectReadyTimes();
    for (size_t i = 0; i < state.active.size(); ++i) {
      const ActiveLease& lease = state.active[i];
      ++open_runs_[lease.job];
      const bool known = lease.left != absl::InfiniteDuration();
      if (known) forecast_.ends[i] = state.now + lease.left;
      playing_.insert({state.now + (known ? lease.left : options_.unknown), known, lease});
    }
  }

  Forecast Run(int32_t most_starts) {
    while (true) {
      StartWhatMay();
      if (number_ >= most_starts || !Advance()) return std::move(forecast_);
    }
  }

 private:
  void StartWhatMay() {
    const std::vector<StartDecision> starts = DecideStarts(state_, options_);
    for (const StartDecision& start : starts) {
      QueuedBatch& batch = state_.users[start.user].batches[start.batch];
      const size_t kind = state_.devices[start.device].kind;
      const absl::Duration expected = kind < batch.expected.size() ? batch.expected[kind] : absl::InfiniteDuration();
      const bool known = known_now_ && expected != absl::InfiniteDuration();
      const absl::Time end = state_.now + (expected == absl::InfiniteDuration() ? options_.unknown : expected);
      forecast_.starts_of[start.user].push_back(number_);
      forecast_.runs[start.user][start.batch].push_back(
          {number_++, known_now_ ? state_.now : absl::InfiniteFuture(), known ? end : absl::InfiniteFuture()});
      --batch.runs;
      batch.next_run += batch.stride;
      batch.waiting_since = state_.now;
      state_.users[start.user].last_start = state_.now;
      FairShareDevice& device = state_.devices[start.device];
      ActiveLease lease{batch.job, start.user, start.device, batch.need, 1, end - state_.now};
      if (batch.need.whole_device) lease.slots = device.free_slots;
      device.free_slots -= lease.slots;
      device.free_bytes -= batch.need.memory_bytes;
      playing_.insert({end, known, lease});
    }
    if (!starts.empty()) CopyActive();
  }

  // To the next end of a run or of somebody's waiting time; false when there is none.
  bool Advance() {
    const absl::Time ready = ready_times_.empty() ? absl::InfiniteFuture() : *ready_times_.begin();
    if (playing_.empty() && ready == absl::InfiniteFuture()) return false;
    const absl::Time next = playing_.empty() ? ready : std::min(ready, playing_.begin()->end);
    AccrueUse(next);
    state_.now = next;
    while (!ready_times_.empty() && *ready_times_.begin() <= next) ready_times_.erase(ready_times_.begin());
    while (!playing_.empty() && playing_.begin()->end <= next) {
      const Playing ended = *playing_.begin();
      playing_.erase(playing_.begin());
      // Whoever starts now owes it to this one: as sure as its end.
      known_now_ = ended.known;
      state_.devices[ended.lease.device].free_slots += ended.lease.slots;
      state_.devices[ended.lease.device].free_bytes += ended.lease.need.memory_bytes;
      if (--open_runs_[ended.lease.job] == 0) Release(ended.lease.job);
    }
    CopyActive();
    return true;
  }

  void CollectReadyTimes() {
    for (const FairShareUser& user : state_.users) {
      for (const QueuedBatch& batch : user.batches) {
        if (batch.runs > 0 && batch.ready_at > state_.now) ready_times_.insert(batch.ready_at);
      }
    }
  }

  void AccrueUse(absl::Time next) {
    const absl::Duration step = next - state_.now;
    for (FairShareUser& user : state_.users) user.use = DecayedUse(user.use, step, half_life_);
    for (const ActiveLease& lease : state_.active) state_.users[lease.user].use += UseOfHolding(step, half_life_);
  }

  void Release(JobId job) {
    for (FairShareUser& user : state_.users) {
      for (QueuedBatch& batch : user.batches) {
        std::erase(batch.after, job);
        std::erase(batch.trainings, job);
      }
    }
  }

  void CopyActive() {
    state_.active.clear();
    for (const Playing& one : playing_) {
      state_.active.push_back(one.lease);
      state_.active.back().left = one.end - state_.now;
    }
  }

  FairShareSnapshot& state_;
  const FairShareOptions& options_;
  const absl::Duration half_life_;
  std::multiset<Playing> playing_;
  std::set<absl::Time> ready_times_;
  std::map<JobId, int64_t> open_runs_;
  bool known_now_ = true;
  int32_t number_ = 0;
  Forecast forecast_;
};

std::string MemoryText(int64_t bytes) {
  return absl::StrFormat("%.1f GiB", static_cast<double>(bytes) / (int64_t{1} << 30));
}

std::string JobsText(const std::vector<JobId>& jobs) {
  return absl::StrCat(jobs.size() == 1 ? "job " : "jobs ",
                      absl::StrJoin(jobs, " and ", [](std::string* out, JobId job) { *out += job.ToString(); }));
}

// Why it could not start even if it were its turn.
std::optional<WaitReason> ExplainHold(const FairShareSnapshot& snapshot, const QueuedBatch& batch) {
  if (batch.paused) return WaitReason{v1::PAUSED, "paused"};
  if (!batch.after.empty()) return WaitReason{v1::AFTER_JOB, absl::StrCat("waits for ", JobsText(batch.after))};
  if (!batch.trainings.empty()) {
    const bool one = batch.trainings.size() == 1;
    return WaitReason{v1::AFTER_CLASSIFIER,
                      absl::StrCat(one ? "waits for its classifier, which " : "waits for its classifiers, which ",
                                   JobsText(batch.trainings), one ? " trains" : " train")};
  }
  if (!batch.held.empty()) return WaitReason{v1::RETRY_LATER, absl::StrCat("held, and tried again: ", batch.held)};
  if (batch.ready_at > snapshot.now) {
    if (!batch.stands_back.empty()) return WaitReason{v1::RETRY_LATER, batch.stands_back};
    const double seconds = absl::ToDoubleSeconds(batch.ready_at - snapshot.now);
    return WaitReason{v1::RETRY_LATER, absl::StrFormat("tried again in %.0f s", seconds)};
  }
  return std::nullopt;
}

std::optional<WaitReason> ExplainLimit(const FairShareSnapshot& snapshot, size_t user) {
  const FairShareUser& owner = snapshot.users[user];
  const auto running = std::count_if(snapshot.active.begin(), snapshot.active.end(),
                                     [user](const ActiveLease& lease) { return lease.user == user; });
  if (owner.max_slots == 0 || running < owner.max_slots) return std::nullopt;
  return WaitReason{v1::SLOT_LIMIT, absl::StrCat("over its slot limit: ", owner.name, " runs ", running,
                                                 " and may run ", owner.max_slots)};
}

// Why no device takes it, although some device would take another.
std::optional<WaitReason> ExplainDevices(const FairShareSnapshot& snapshot, const RunNeed& need) {
  const std::vector<FairShareDevice>& devices = snapshot.devices;
  if (std::all_of(devices.begin(), devices.end(), [](const FairShareDevice& one) { return one.drained; })) {
    return WaitReason{v1::DEVICES_DRAINED, "every device is drained"};
  }
  if (std::none_of(devices.begin(), devices.end(), [&](const auto& one) { return FitsEver(need, one); })) {
    return WaitReason{v1::NO_DEVICE_FITS, absl::StrCat("no device has ", MemoryText(need.memory_bytes))};
  }
  std::vector<int> runs(devices.size(), 0);
  for (size_t i = 0; i < devices.size(); ++i) runs[i] = devices[i].settling;
  for (const ActiveLease& lease : snapshot.active) ++runs[lease.device];
  bool some_free = false;
  for (size_t i = 0; i < devices.size(); ++i) {
    if (FitsNow(need, devices[i], runs[i] == 0)) return std::nullopt;
    some_free = some_free || (!devices[i].drained && devices[i].free_slots > 0);
  }
  if (!some_free) return std::nullopt;
  if (need.whole_device) return WaitReason{v1::NO_DEVICE_FITS, "no device without other runs"};
  return WaitReason{v1::NO_DEVICE_FITS, absl::StrCat("no device with ", MemoryText(need.memory_bytes), " free")};
}

// "alice", "alice and bob", "alice, bob and 2 others": those with most runs first.
std::string NamesText(std::vector<std::pair<int64_t, std::string>> users) {
  std::sort(users.begin(), users.end(),
            [](const auto& a, const auto& b) { return std::pair(-a.first, a.second) < std::pair(-b.first, b.second); });
  std::vector<std::string> names;
  names.reserve(users.size());
  for (const auto& [runs, name] : users) names.push_back(name);
  if (names.size() == 1) return names[0];
  if (names.size() <= 3) {
    const std::string last = names.back();
    names.pop_back();
    return absl::StrCat(absl::StrJoin(names, ", "), " and ", last);
  }
  return absl::StrCat(names[0], ", ", names[1], " and ", names.size() - 2, " others");
}

WaitReason ExplainTurn(const FairShareSnapshot& snapshot, const Forecast& forecast, int32_t number) {
  if (number == 0) return {v1::NEXT, "next, when a device is free"};
  std::vector<std::pair<int64_t, std::string>> ahead;
  for (size_t user = 0; user < snapshot.users.size(); ++user) {
    const std::vector<int32_t>& starts = forecast.starts_of[user];
    const int64_t runs = std::lower_bound(starts.begin(), starts.end(), number) - starts.begin();
    if (runs > 0) ahead.emplace_back(runs, snapshot.users[user].name);
  }
  return {v1::RUNS_AHEAD,
          absl::StrCat(number, number == 1 ? " run of " : " runs of ", NamesText(std::move(ahead)), " ahead")};
}

}  // namespace

Forecast PlayForward(FairShareSnapshot snapshot, const FairShareOptions& options, absl::Duration half_life,
                     int32_t most_starts) {
  return Play(snapshot, options, half_life).Run(most_starts);
}

WaitReason ExplainWait(const FairShareSnapshot& snapshot, const Forecast& forecast, size_t user, size_t batch,
                       int32_t number) {
  const QueuedBatch& waiting = snapshot.users[user].batches[batch];
  if (auto hold = ExplainHold(snapshot, waiting)) return *std::move(hold);
  if (!snapshot.disk_problem.empty()) return {v1::DISK_FULL, snapshot.disk_problem};
  if (!snapshot.start_problem.empty()) {
    return {v1::RETRY_LATER,
            absl::StrCat("the server could not start workers and tries again: ", snapshot.start_problem)};
  }
  if (auto devices = ExplainDevices(snapshot, waiting.need)) return *std::move(devices);
  if (auto limit = ExplainLimit(snapshot, user)) return *std::move(limit);
  if (number >= 0) return ExplainTurn(snapshot, forecast, number);
  int64_t starts = 0;
  for (const std::vector<int32_t>& of_user : forecast.starts_of) starts += static_cast<int64_t>(of_user.size());
  return {v1::RUNS_AHEAD, absl::StrCat("more than ", starts, " runs ahead")};
}

}  // namespace skew

#include "server/jobs/queue_snapshot.h"

#include <algorithm>
#include <map>
#include <string>
#include <utility>

namespace skew {
namespace {

// Of what a run takes in all, that it is never nearer to its end: after its last step it still evaluates and stores.
constexpr double kLeastLeft = 0.05;

// What runs of a shape take on each kind of device.
class Lengths {
 public:
  Lengths(const QueuePicture& picture, const std::vector<std::string>& kinds,
          const std::map<std::string, std::string>& kind_of)
      : kinds_(kinds) {
    for (const auto& [key, learned] : picture.lengths) {
      lengths_[key] = learned.length;
      int64_t& peak = peaks_[key.first];
      peak = std::max(peak, learned.peak_bytes);
    }
    for (const ActiveRow& run : picture.active) {
      const auto kind = kind_of.find(run.device);
      if (kind == kind_of.end()) continue;
      const absl::Duration left = ExpectedLeft(run, absl::InfiniteDuration(), picture.time);
      if (left == absl::InfiniteDuration()) continue;
      lengths_.try_emplace({run.shape, kind->second}, picture.time - run.start_time + left);
    }
  }

  absl::Duration Of(int64_t shape, const std::string& kind) const {
    const auto found = lengths_.find({shape, kind});
    return found == lengths_.end() ? absl::InfiniteDuration() : found->second;
  }

  // The most that a run of the shape was seen to use of a GPU; 0 when none was.
  int64_t PeakOf(int64_t shape) const {
    const auto found = peaks_.find(shape);
    return found == peaks_.end() ? 0 : found->second;
  }

  std::vector<absl::Duration> OnAllKinds(int64_t shape) const {
    std::vector<absl::Duration> lengths;
    for (const std::string& kind : kinds_) lengths.push_back(Of(shape, kind));
    return lengths;
  }

 private:
  const std::vector<std::string>& kinds_;
  std::map<std::pair<int64_t, std::string>, absl::Duration> lengths_;
  std::map<int64_t, int64_t> peaks_;
};

// As declared; else what runs of the shape needed before, and some more; else a device for itself.
RunNeed NeedOf(const QueueRow& row, const Lengths& lengths) {
  RunNeed need{row.need.memory_bytes(), row.need.whole_device()};
  if (need.memory_bytes == 0) need.memory_bytes = lengths.PeakOf(row.key.shape) / 4 * 5;
  if (need.memory_bytes == 0) need.whole_device = true;
  return need;
}

// `stride`: runs of a job take turns, one of every batch.
QueuedBatch BatchOf(const QueueRow& row, int32_t stride, const Lengths& lengths) {
  QueuedBatch batch;
  batch.job = row.key.job;
  batch.shape = row.key.shape;
  batch.priority = row.key.priority;
  batch.next_run = row.next_run;
  batch.stride = stride;
  batch.runs = row.runs;
  batch.waiting_since = row.waiting_since;
  batch.need = NeedOf(row, lengths);
  batch.expected = lengths.OnAllKinds(row.key.shape);
  batch.paused = row.paused;
  batch.after = row.after;
  batch.trainings = row.trainings;
  batch.ready_at = row.ready_at;
  batch.stands_back = row.stands_back;
  batch.awaited = row.awaited;
  return batch;
}

FairShareUser UserOf(const QueueUser& user, const Lengths& lengths) {
  FairShareUser one;
  one.name = user.name;
  one.weight = user.settings.weight;
  one.use = user.use;
  one.max_slots = user.settings.max_slots;
  one.last_start = user.last_start;
  std::map<JobId, int32_t> batches;
  for (const QueueRow& row : user.rows) ++batches[row.key.job];
  for (const QueueRow& row : user.rows) one.batches.push_back(BatchOf(row, batches[row.key.job], lengths));
  return one;
}

}  // namespace

absl::Duration ExpectedLeft(const ActiveRow& run, absl::Duration length, absl::Time now) {
  const absl::Duration elapsed = std::max(now - run.start_time, absl::ZeroDuration());
  // What was done before a checkpoint need not be done again.
  const double total = run.progress.total_steps();
  const double resumed = run.resumed_step;
  const double done = total > resumed ? std::max(run.progress.step() - resumed, 0.0) / (total - resumed) : 0;
  if (length == absl::InfiniteDuration()) {
    return done > 0 ? elapsed * (1 / done - 1) : absl::InfiniteDuration();
  }
  if (total > 0) length *= 1 - resumed / total;
  if (done == 0) return std::max(length - elapsed, kLeastLeft * length);
  const absl::Duration own = elapsed / done;
  const absl::Duration whole = (1 - done) * length + done * own;
  return std::max((1 - done) * whole, kLeastLeft * std::min(length, own));
}

FairShareSnapshot SnapshotOf(const QueuePicture& picture, const std::vector<DeviceSlots>& devices) {
  FairShareSnapshot snapshot;
  snapshot.now = picture.time;
  std::vector<std::string> kinds;
  std::map<std::string, std::string> kind_of;
  std::map<std::string, size_t> index_of;
  for (const DeviceSlots& device : devices) {
    const auto kind = std::find(kinds.begin(), kinds.end(), device.kind);
    FairShareDevice& one = snapshot.devices.emplace_back();
    one.kind = static_cast<size_t>(kind - kinds.begin());
    one.free_slots = device.slots - device.settling;
    one.settling = device.settling;
    one.drained = device.drained;
    one.memory_bytes = device.memory_bytes;
    one.free_bytes = device.free_bytes;
    if (kind == kinds.end()) kinds.push_back(device.kind);
    kind_of[device.name] = device.kind;
    index_of[device.name] = snapshot.devices.size() - 1;
  }
  const Lengths lengths(picture, kinds, kind_of);
  std::map<std::string, size_t> user_of;
  for (const QueueUser& user : picture.users) {
    user_of[user.name] = snapshot.users.size();
    snapshot.users.push_back(UserOf(user, lengths));
  }
  for (const ActiveRow& run : picture.active) {
    const auto device = index_of.find(run.device);
    if (device == index_of.end()) continue;
    ActiveLease lease{run.run.job, user_of[run.owner], device->second, {}, 1, absl::InfiniteDuration()};
    for (const HeldLease& held : devices[device->second].held) {
      if (held.run == run.run) lease.need = {held.memory_bytes, held.whole_device};
    }
    FairShareDevice& on = snapshot.devices[device->second];
    if (lease.need.whole_device) lease.slots = on.free_slots;
    on.free_slots -= lease.slots;
    lease.left = ExpectedLeft(run, lengths.Of(run.shape, kind_of[run.device]), picture.time);
    snapshot.active.push_back(lease);
  }
  return snapshot;
}

FairShareOptions OptionsOf(const QueuePicture& picture, absl::Duration aged_after) {
  FairShareOptions options;
  options.aged_after = aged_after;
  if (picture.average_length > absl::ZeroDuration()) options.unknown = picture.average_length;
  return options;
}

}  // namespace skew

// Makings of snapshots for the fair-share policy.
#ifndef SKEW_TESTS_TESTING_FAIR_SHARE_SNAPSHOTS_H_
#define SKEW_TESTS_TESTING_FAIR_SHARE_SNAPSHOTS_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "server/jobs/fair_share.h"

namespace skew {

inline const absl::Time kStart = absl::FromUnixSeconds(1'700'000'000);
inline constexpr int64_t kGib = int64_t{1} << 30;

inline QueuedBatch Batch(int64_t job, int32_t runs = 1) {
  QueuedBatch batch;
  batch.job = JobId{job};
  batch.next_run = 1;
  batch.runs = runs;
  batch.waiting_since = kStart;
  batch.expected = {absl::Minutes(1)};
  return batch;
}

inline FairShareUser User(const std::string& name, std::vector<QueuedBatch> batches, double weight = 1,
                          double use = 0) {
  FairShareUser user;
  user.name = name;
  user.weight = weight;
  user.use = use;
  user.last_start = kStart;
  user.batches = std::move(batches);
  return user;
}

inline FairShareSnapshot Slots(int count) {
  FairShareSnapshot snapshot;
  snapshot.now = kStart;
  snapshot.devices.resize(static_cast<size_t>(count));
  for (FairShareDevice& device : snapshot.devices) device.free_slots = 1;
  return snapshot;
}

inline FairShareDevice Gpu(int64_t gib, int slots = 4) {
  FairShareDevice device;
  device.free_slots = slots;
  device.memory_bytes = device.free_bytes = gib * kGib;
  return device;
}

}  // namespace skew

#endif  // SKEW_TESTS_TESTING_FAIR_SHARE_SNAPSHOTS_H_

// From the store's picture of the queue to what the policy decides on. Pure.
#ifndef SKEW_SERVER_JOBS_QUEUE_SNAPSHOT_H_
#define SKEW_SERVER_JOBS_QUEUE_SNAPSHOT_H_

#include <vector>

#include "absl/time/time.h"
#include "server/jobs/device_ledger.h"
#include "server/jobs/fair_share.h"
#include "server/store/queue_store.h"

namespace skew {

// Users, batches and active leases are in the picture's order, devices in theirs; active runs on devices that there are
// no longer are left out. A shape whose length was not learned yet takes as long as the progress of a run of it under
// way says.
FairShareSnapshot SnapshotOf(const QueuePicture& picture, const std::vector<DeviceSlots>& devices);

FairShareOptions OptionsOf(const QueuePicture& picture, absl::Duration aged_after);

// Until a run under way should end: by what runs of its shape took (InfiniteDuration: not known) and by its own pace,
// which counts for more the further it is. InfiniteDuration when neither says anything.
absl::Duration ExpectedLeft(const ActiveRow& run, absl::Duration length, absl::Time now);

}  // namespace skew

#endif  // SKEW_SERVER_JOBS_QUEUE_SNAPSHOT_H_

// What a worker is told.
#ifndef SKEW_SERVER_JOBS_WORK_ORDER_H_
#define SKEW_SERVER_JOBS_WORK_ORDER_H_

#include "absl/time/time.h"
#include "server/jobs/device_ledger.h"
#include "server/store/artifact_store.h"
#include "server/store/dataset_registry.h"
#include "server/store/run_store.h"
#include "server/store/state_dir.h"
#include "skew/worker/v1/worker.pb.h"

namespace skew {

// Where its files are. Borrowed.
struct OrderSources {
  DatasetRegistry* datasets;
  ArtifactStore* artifacts;
  const StateDir* state_dir;
  absl::Duration checkpoint_interval;
};

// For an attempt on the leased device.
worker::v1::WorkOrder OrderFor(const Claim& claim, const Lease& lease, const OrderSources& from);

}  // namespace skew

#endif  // SKEW_SERVER_JOBS_WORK_ORDER_H_

// What a worker is told.
#ifndef SKEW_SERVER_JOBS_WORK_ORDER_H_
#define SKEW_SERVER_JOBS_WORK_ORDER_H_

#include "absl/status/status.h"
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

// Whether all that a run of the job needs is there, as far as is known without reading it anew; otherwise an error that
// says what is missing, and that has nothing to do with the run.
absl::Status CheckSources(const JobSources& sources, const OrderSources& from);

// For an attempt on the leased device.
worker::v1::WorkOrder OrderFor(const Claim& claim, const Lease& lease, const OrderSources& from);

}  // namespace skew

#endif  // SKEW_SERVER_JOBS_WORK_ORDER_H_

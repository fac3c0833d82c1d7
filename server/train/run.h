// One run from its order to its last report.
#ifndef SKEW_SERVER_TRAIN_RUN_H_
#define SKEW_SERVER_TRAIN_RUN_H_

#include "absl/status/statusor.h"
#include "common/clock.h"
#include "common/data/dataset.h"
#include "server/train/engine/engine.h"
#include "server/train/stop_request.h"
#include "server/train/worker_session.h"
#include "skew/worker/v1/worker.pb.h"

namespace skew::train {

// What every run is given. All but the order borrowed.
struct RunContext {
  worker::v1::WorkOrder order;
  Engine engine;
  WorkerSession* session = nullptr;
  const StopRequest* stop = nullptr;
  Clock* clock = nullptr;
};

// Trains a model and measures it. Reports everything but the end, which it returns: Finished, or Stopped once a stop
// was asked for. Errors are for FailureOf.
absl::StatusOr<worker::v1::Report> RunStudy(const RunContext& context);

// The same for the training of a classifier. It has no checkpoints: after a stop it begins anew.
absl::StatusOr<worker::v1::Report> RunClassifierTraining(const RunContext& context);

// The order's dataset. FAILED_PRECONDITION, naming both digests, when it is not the one that the order was made for;
// otherwise the errors of ReadDataset.
absl::StatusOr<DatasetContent> ReadOrderedDataset(const worker::v1::WorkOrder& order);

worker::v1::Report StartedReport(int64_t resumed_step, const std::string& manifest_digest,
                                 v1::Precision precision = v1::PRECISION_UNSPECIFIED);
worker::v1::Report StoppedReport(int64_t checkpoint_step);

}  // namespace skew::train

#endif  // SKEW_SERVER_TRAIN_RUN_H_

// The daemon's end of the worker protocol.
#ifndef SKEW_SERVER_WORKERS_WORKER_SERVICE_H_
#define SKEW_SERVER_WORKERS_WORKER_SERVICE_H_

#include "absl/status/status.h"
#include "common/token_bucket.h"
#include "grpcpp/grpcpp.h"
#include "server/jobs/event_hub.h"
#include "server/jobs/scheduler.h"
#include "server/store/artifact_store.h"
#include "server/store/removals.h"
#include "server/store/run_store.h"
#include "server/workers/report_limits.h"
#include "skew/worker/v1/worker.grpc.pb.h"

namespace skew {

// One handler thread per worker, of which there are as many as devices. Thread-safe.
class WorkerService final : public worker::v1::WorkerService::Service {
 public:
  // Borrowed; they outlive the server this service is registered with.
  WorkerService(RunStore* runs, ArtifactStore* artifacts, Removals* removals, Scheduler* scheduler, const EventHub* hub,
                const ReportLimits& limits)
      : runs_(runs), artifacts_(artifacts), removals_(removals), scheduler_(scheduler), hub_(hub), limits_(limits) {}

  grpc::Status Attach(grpc::ServerContext* context,
                      grpc::ServerReaderWriter<worker::v1::DaemonMessage, worker::v1::WorkerMessage>* stream) override;

 private:
  void AwaitTurn(TokenBucket& pace);
  absl::Status Apply(const AttemptId& attempt, const std::string& work_dir, const worker::v1::Report& report);
  absl::Status ApplyOnce(const AttemptId& attempt, const std::string& work_dir, const worker::v1::Report& report);

  RunStore* const runs_;
  ArtifactStore* const artifacts_;
  Removals* const removals_;
  Scheduler* const scheduler_;
  const EventHub* const hub_;
  const ReportLimits limits_;
};

}  // namespace skew

#endif  // SKEW_SERVER_WORKERS_WORKER_SERVICE_H_

// skew.v1.ReuseService; semantics in reuse_service.proto.
#ifndef SKEW_SERVER_API_REUSE_SERVICE_H_
#define SKEW_SERVER_API_REUSE_SERVICE_H_

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "grpcpp/grpcpp.h"
#include "server/api/access_gate.h"
#include "server/api/submission.h"
#include "server/jobs/event_hub.h"
#include "server/jobs/queue_view.h"
#include "server/jobs/scheduler.h"
#include "server/store/dataset_registry.h"
#include "server/store/job_store.h"
#include "server/store/reuse_store.h"
#include "skew/v1/reuse_service.grpc.pb.h"

namespace skew {

// Thread-safe.
class ReuseService final : public v1::ReuseService::Service {
 public:
  // Borrowed; they outlive the server. `auto_precision`: see PrepareJob.
  ReuseService(AccessGate* gate, JobStore* jobs, ReuseStore* reuse, QueueView* view, DatasetRegistry* datasets,
               Scheduler* scheduler, const EventHub* hub, OpenStreams* streams, v1::Precision auto_precision)
      : gate_(gate),
        jobs_(jobs),
        reuse_(reuse),
        view_(view),
        datasets_(datasets),
        scheduler_(scheduler),
        hub_(hub),
        streams_(streams),
        auto_precision_(auto_precision) {}

  grpc::Status ExtendJob(grpc::ServerContext* context, const v1::ExtendJobRequest* request,
                         v1::SubmitJobResponse* response) override;
  grpc::Status ReproduceRun(grpc::ServerContext* context, const v1::ReproduceRunRequest* request,
                            v1::SubmitJobResponse* response) override;
  grpc::Status CompareRuns(grpc::ServerContext* context, const v1::CompareRunsRequest* request,
                           v1::CompareRunsResponse* response) override;

 private:
  absl::StatusOr<PreparedJob> Prepare(const v1::SubmitJobRequest& request, const Caller& caller,
                                      const grpc::ServerContextBase& context);
  absl::StatusOr<PreparedJob> PrepareExtension(const v1::ExtendJobRequest& request, const Caller& caller,
                                               const grpc::ServerContextBase& context);
  absl::StatusOr<PreparedJob> PrepareReproduction(const v1::ReproduceRunRequest& request, const Caller& caller,
                                                  const grpc::ServerContextBase& context);
  absl::Status CheckDataset(const v1::Job& job);
  absl::Status CheckJudges(const v1::Run& run);
  absl::Status Submit(const absl::StatusOr<PreparedJob>& prepared, const Caller& caller,
                      v1::SubmitJobResponse& response);

  AccessGate* const gate_;
  JobStore* const jobs_;
  ReuseStore* const reuse_;
  QueueView* const view_;
  DatasetRegistry* const datasets_;
  Scheduler* const scheduler_;
  const EventHub* const hub_;
  OpenStreams* const streams_;
  const v1::Precision auto_precision_;
};

}  // namespace skew

#endif  // SKEW_SERVER_API_REUSE_SERVICE_H_

// skew.v1.RunService and skew.v1.ArtifactService; semantics in run_service.proto.
#ifndef SKEW_SERVER_API_RUN_SERVICE_H_
#define SKEW_SERVER_API_RUN_SERVICE_H_

#include "grpcpp/grpcpp.h"
#include "server/api/access_gate.h"
#include "server/api/open_streams.h"
#include "server/api/slow_readers.h"
#include "server/jobs/event_hub.h"
#include "server/jobs/queue_view.h"
#include "server/jobs/scheduler.h"
#include "server/store/artifact_store.h"
#include "server/store/job_store.h"
#include "server/store/queue_store.h"
#include "server/store/state_dir.h"
#include "skew/v1/run_service.grpc.pb.h"

namespace skew {

// Thread-safe.
class RunService final : public v1::RunService::Service {
 public:
  // Borrowed; they outlive the server.
  RunService(AccessGate* gate, JobStore* jobs, QueueStore* queue, QueueView* view, Scheduler* scheduler,
             const EventHub* hub, const StateDir* state_dir, OpenStreams* streams, SlowReaders* slow_readers)
      : gate_(gate),
        jobs_(jobs),
        queue_(queue),
        view_(view),
        scheduler_(scheduler),
        hub_(hub),
        state_dir_(state_dir),
        streams_(streams),
        slow_readers_(slow_readers) {}

  grpc::Status GetRun(grpc::ServerContext* context, const v1::GetRunRequest* request, v1::Run* response) override;
  grpc::Status ListRuns(grpc::ServerContext* context, const v1::ListRunsRequest* request,
                        v1::ListRunsResponse* response) override;
  grpc::Status ListHistograms(grpc::ServerContext* context, const v1::ListHistogramsRequest* request,
                              v1::ListHistogramsResponse* response) override;
  grpc::Status CancelRun(grpc::ServerContext* context, const v1::CancelRunRequest* request, v1::Run* response) override;
  grpc::Status PauseRun(grpc::ServerContext* context, const v1::PauseRunRequest* request, v1::Run* response) override;
  grpc::Status ResumeRun(grpc::ServerContext* context, const v1::ResumeRunRequest* request, v1::Run* response) override;
  grpc::Status RetryRun(grpc::ServerContext* context, const v1::RetryRunRequest* request, v1::Run* response) override;
  grpc::Status SetRunPriority(grpc::ServerContext* context, const v1::SetRunPriorityRequest* request,
                              v1::Run* response) override;
  grpc::Status ReadLog(grpc::ServerContext* context, const v1::ReadLogRequest* request,
                       grpc::ServerWriter<v1::ReadLogResponse>* writer) override;

 private:
  absl::StatusOr<AttemptId> FindAttempt(const v1::ReadLogRequest& request);
  AccessGate* const gate_;
  JobStore* const jobs_;
  QueueStore* const queue_;
  QueueView* const view_;
  Scheduler* const scheduler_;
  const EventHub* const hub_;
  const StateDir* const state_dir_;
  OpenStreams* const streams_;
  SlowReaders* const slow_readers_;
};

// Thread-safe.
class ArtifactService final : public v1::ArtifactService::Service {
 public:
  // Borrowed; they outlive the server.
  ArtifactService(AccessGate* gate, ArtifactStore* artifacts, OpenStreams* streams, SlowReaders* slow_readers)
      : gate_(gate), artifacts_(artifacts), streams_(streams), slow_readers_(slow_readers) {}

  grpc::Status ListArtifacts(grpc::ServerContext* context, const v1::ListArtifactsRequest* request,
                             v1::ListArtifactsResponse* response) override;
  grpc::Status ReadArtifact(grpc::ServerContext* context, const v1::ReadArtifactRequest* request,
                            grpc::ServerWriter<v1::ReadArtifactResponse>* writer) override;

 private:
  AccessGate* const gate_;
  ArtifactStore* const artifacts_;
  OpenStreams* const streams_;
  SlowReaders* const slow_readers_;
};

}  // namespace skew

#endif  // SKEW_SERVER_API_RUN_SERVICE_H_

// skew.v1.JobService; semantics in job_service.proto.
#ifndef SKEW_SERVER_API_JOB_SERVICE_H_
#define SKEW_SERVER_API_JOB_SERVICE_H_

#include "grpcpp/grpcpp.h"
#include "server/api/access_gate.h"
#include "server/api/open_streams.h"
#include "server/api/watch_stream.h"
#include "server/jobs/event_hub.h"
#include "server/jobs/queue_view.h"
#include "server/jobs/scheduler.h"
#include "server/store/dataset_registry.h"
#include "server/store/job_deletion.h"
#include "server/store/job_store.h"
#include "server/store/queue_store.h"
#include "server/store/reuse_store.h"
#include "skew/v1/job_service.grpc.pb.h"

namespace skew {

// Unary calls on gRPC's threads, watches as callbacks that write serialised messages. Thread-safe.
class JobService final : public v1::JobService::WithRawCallbackMethod_WatchJob<
                             v1::JobService::WithRawCallbackMethod_WatchJobs<v1::JobService::Service>> {
 public:
  // Borrowed; they outlive the server. `auto_precision`: see PrepareJob.
  JobService(AccessGate* gate, JobStore* jobs, JobDeletion* deletion, QueueStore* queue, QueueView* view,
             ReuseStore* reuse, DatasetRegistry* datasets, Scheduler* scheduler, EventHub* hub, WatchPump* pump,
             OpenStreams* streams, v1::Precision auto_precision)
      : gate_(gate),
        jobs_(jobs),
        deletion_(deletion),
        queue_(queue),
        view_(view),
        reuse_(reuse),
        datasets_(datasets),
        scheduler_(scheduler),
        hub_(hub),
        pump_(pump),
        streams_(streams),
        auto_precision_(auto_precision) {}

  grpc::Status SubmitJob(grpc::ServerContext* context, const v1::SubmitJobRequest* request,
                         v1::SubmitJobResponse* response) override;
  grpc::Status GetJob(grpc::ServerContext* context, const v1::GetJobRequest* request, v1::Job* response) override;
  grpc::Status ListJobs(grpc::ServerContext* context, const v1::ListJobsRequest* request,
                        v1::ListJobsResponse* response) override;
  grpc::Status CancelJob(grpc::ServerContext* context, const v1::CancelJobRequest* request, v1::Job* response) override;
  grpc::Status PauseJob(grpc::ServerContext* context, const v1::PauseJobRequest* request, v1::Job* response) override;
  grpc::Status ResumeJob(grpc::ServerContext* context, const v1::ResumeJobRequest* request, v1::Job* response) override;
  grpc::Status RetryJob(grpc::ServerContext* context, const v1::RetryJobRequest* request, v1::Job* response) override;
  grpc::Status SetJobPriority(grpc::ServerContext* context, const v1::SetJobPriorityRequest* request,
                              v1::Job* response) override;
  grpc::Status DeleteJob(grpc::ServerContext* context, const v1::DeleteJobRequest* request, v1::Job* response) override;
  grpc::Status UndeleteJob(grpc::ServerContext* context, const v1::UndeleteJobRequest* request,
                           v1::Job* response) override;
  grpc::Status GetResults(grpc::ServerContext* context, const v1::GetResultsRequest* request,
                          v1::GetResultsResponse* response) override;
  WatchReactor* WatchJob(grpc::CallbackServerContext* context, const grpc::ByteBuffer* request) override;
  WatchReactor* WatchJobs(grpc::CallbackServerContext* context, const grpc::ByteBuffer* request) override;

 private:
  AccessGate* const gate_;
  JobStore* const jobs_;
  JobDeletion* const deletion_;
  QueueStore* const queue_;
  QueueView* const view_;
  ReuseStore* const reuse_;
  DatasetRegistry* const datasets_;
  Scheduler* const scheduler_;
  EventHub* const hub_;
  WatchPump* const pump_;
  OpenStreams* const streams_;
  const v1::Precision auto_precision_;
};

}  // namespace skew

#endif  // SKEW_SERVER_API_JOB_SERVICE_H_

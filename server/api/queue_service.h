// skew.v1.QueueService; semantics in queue_service.proto.
#ifndef SKEW_SERVER_API_QUEUE_SERVICE_H_
#define SKEW_SERVER_API_QUEUE_SERVICE_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "grpcpp/grpcpp.h"
#include "server/api/access_gate.h"
#include "server/jobs/device_ledger.h"
#include "server/jobs/queue_view.h"
#include "server/jobs/scheduler.h"
#include "server/store/queue_store.h"
#include "skew/v1/queue_service.grpc.pb.h"

namespace skew {

// INVALID_ARGUMENT, with its range, for a priority out of -1000..1000.
absl::Status CheckPriority(int32_t priority);

// Thread-safe.
class QueueService final : public v1::QueueService::Service {
 public:
  // Borrowed; they outlive the server.
  QueueService(AccessGate* gate, QueueStore* queue, QueueView* view, DeviceLedger* devices, Scheduler* scheduler)
      : gate_(gate), queue_(queue), view_(view), devices_(devices), scheduler_(scheduler) {}

  grpc::Status GetQueue(grpc::ServerContext* context, const v1::GetQueueRequest* request,
                        v1::GetQueueResponse* response) override;
  grpc::Status ListShares(grpc::ServerContext* context, const v1::ListSharesRequest* request,
                          v1::ListSharesResponse* response) override;
  grpc::Status SetShare(grpc::ServerContext* context, const v1::SetShareRequest* request, v1::Share* response) override;
  grpc::Status DrainDevice(grpc::ServerContext* context, const v1::DrainDeviceRequest* request,
                           v1::DrainDeviceResponse* response) override;
  grpc::Status UndrainDevice(grpc::ServerContext* context, const v1::UndrainDeviceRequest* request,
                             v1::UndrainDeviceResponse* response) override;

 private:
  absl::StatusOr<std::vector<v1::Device>> SetDrained(const grpc::ServerContextBase& context,
                                                     const google::protobuf::Message& request,
                                                     const std::string& device, bool drained);

  AccessGate* const gate_;
  QueueStore* const queue_;
  QueueView* const view_;
  DeviceLedger* const devices_;
  Scheduler* const scheduler_;
  absl::Mutex draining_;  // one at a time, so that the store and the ledger agree
};

}  // namespace skew

#endif  // SKEW_SERVER_API_QUEUE_SERVICE_H_

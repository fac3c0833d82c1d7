// skew.v1.ServerService; semantics in server_service.proto.
#ifndef SKEW_SERVER_API_SERVER_SERVICE_H_
#define SKEW_SERVER_API_SERVER_SERVICE_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "grpcpp/grpcpp.h"
#include "server/api/access_gate.h"
#include "server/jobs/device_ledger.h"
#include "server/jobs/event_hub.h"
#include "server/store/dataset_registry.h"
#include "server/store/disk_reserve.h"
#include "server/store/event_log.h"
#include "server/store/job_store.h"
#include "skew/v1/server_service.grpc.pb.h"

namespace skew {

// Thread-safe.
class ServerService final : public v1::ServerService::Service {
 public:
  // Borrowed; they outlive the server.
  ServerService(AccessGate* gate, JobStore* jobs, EventLog* events, DatasetRegistry* datasets,
                const DeviceLedger* devices, const DiskReserve* reserve, const EventHub* hub, absl::Time start_time,
                std::string commit)
      : gate_(gate),
        jobs_(jobs),
        events_(events),
        datasets_(datasets),
        devices_(devices),
        reserve_(reserve),
        hub_(hub),
        start_time_(start_time),
        commit_(std::move(commit)) {}

  // Known only once the server listens.
  void SetAddresses(std::vector<std::string> addresses);

  grpc::Status GetServerInfo(grpc::ServerContext* context, const v1::GetServerInfoRequest* request,
                             v1::ServerInfo* response) override;
  grpc::Status ListDevices(grpc::ServerContext* context, const v1::ListDevicesRequest* request,
                           v1::ListDevicesResponse* response) override;
  grpc::Status ListDatasets(grpc::ServerContext* context, const v1::ListDatasetsRequest* request,
                            v1::ListDatasetsResponse* response) override;
  grpc::Status ListClassifiers(grpc::ServerContext* context, const v1::ListClassifiersRequest* request,
                               v1::ListClassifiersResponse* response) override;

 private:
  AccessGate* const gate_;
  JobStore* const jobs_;
  EventLog* const events_;
  DatasetRegistry* const datasets_;
  const DeviceLedger* const devices_;
  const DiskReserve* const reserve_;
  const EventHub* const hub_;
  const absl::Time start_time_;
  const std::string commit_;
  absl::Mutex mutex_;
  std::vector<std::string> addresses_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace skew

#endif  // SKEW_SERVER_API_SERVER_SERVICE_H_

// skew.v1.AdminService; semantics in admin_service.proto.
#ifndef SKEW_SERVER_API_ADMIN_SERVICE_H_
#define SKEW_SERVER_API_ADMIN_SERVICE_H_

#include "grpcpp/grpcpp.h"
#include "server/api/access_gate.h"
#include "server/jobs/event_hub.h"
#include "server/store/artifact_store.h"
#include "server/store/backup.h"
#include "server/store/garbage_collector.h"
#include "skew/v1/admin_service.grpc.pb.h"

namespace skew {

// Thread-safe.
class AdminService final : public v1::AdminService::Service {
 public:
  // Borrowed; they outlive the server.
  AdminService(AccessGate* gate, Backups* backups, ArtifactStore* artifacts, GarbageCollector* collector,
               const EventHub* hub)
      : gate_(gate), backups_(backups), artifacts_(artifacts), collector_(collector), hub_(hub) {}

  grpc::Status BackUp(grpc::ServerContext* context, const v1::BackUpRequest* request,
                      v1::BackUpResponse* response) override;
  grpc::Status ListQuarantine(grpc::ServerContext* context, const v1::ListQuarantineRequest* request,
                              v1::ListQuarantineResponse* response) override;
  grpc::Status CheckArtifacts(grpc::ServerContext* context, const v1::CheckArtifactsRequest* request,
                              v1::CheckArtifactsResponse* response) override;
  grpc::Status CollectGarbage(grpc::ServerContext* context, const v1::CollectGarbageRequest* request,
                              v1::CollectGarbageResponse* response) override;

 private:
  // Whether somebody waits for the answer and the server does not want to stop.
  bool GoesOn(const grpc::ServerContext& context) const { return !context.IsCancelled() && !hub_->draining(); }

  AccessGate* const gate_;
  Backups* const backups_;
  ArtifactStore* const artifacts_;
  GarbageCollector* const collector_;
  const EventHub* const hub_;
};

}  // namespace skew

#endif  // SKEW_SERVER_API_ADMIN_SERVICE_H_

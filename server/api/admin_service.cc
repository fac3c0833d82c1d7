#include "server/api/admin_service.h"

#include "common/status.h"
#include "server/api/respond.h"

namespace skew {

grpc::Status AdminService::BackUp(grpc::ServerContext* context, const v1::BackUpRequest* request,
                                  v1::BackUpResponse* response) {
  const absl::StatusOr<Caller> caller = gate_->Admit(*context, *request);
  if (!caller.ok()) return ToGrpc(caller.status());
  return Respond(backups_->BackUp(
                     request->name(), [&] { return GoesOn(*context); }, caller->AsActor()),
                 *response);
}

grpc::Status AdminService::ListQuarantine(grpc::ServerContext* context, const v1::ListQuarantineRequest* request,
                                          v1::ListQuarantineResponse* response) {
  const absl::StatusOr<Caller> caller = gate_->Admit(*context, *request);
  if (!caller.ok()) return ToGrpc(caller.status());
  return Respond(artifacts_->ListQuarantine(), *response);
}

grpc::Status AdminService::CheckArtifacts(grpc::ServerContext* context, const v1::CheckArtifactsRequest* request,
                                          v1::CheckArtifactsResponse* response) {
  const absl::StatusOr<Caller> caller = gate_->Admit(*context, *request);
  if (!caller.ok()) return ToGrpc(caller.status());
  return Respond(artifacts_->CheckAll([&] { return GoesOn(*context); }, caller->AsActor()), *response);
}

grpc::Status AdminService::CollectGarbage(grpc::ServerContext* context, const v1::CollectGarbageRequest* request,
                                          v1::CollectGarbageResponse* response) {
  const absl::StatusOr<Caller> caller = gate_->Admit(*context, *request);
  if (!caller.ok()) return ToGrpc(caller.status());
  return Respond(collector_->Collect({request->dry_run(), caller->AsActor()}, [&] { return GoesOn(*context); }),
                 *response);
}

}  // namespace skew

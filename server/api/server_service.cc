#include "server/api/server_service.h"

#include <utility>

#include "common/proto_time.h"
#include "common/status.h"
#include "common/version.h"

namespace skew {

void ServerService::SetAddresses(std::vector<std::string> addresses) {
  absl::MutexLock lock(&mutex_);
  addresses_ = std::move(addresses);
}

grpc::Status ServerService::GetServerInfo(grpc::ServerContext* context, const v1::GetServerInfoRequest* request,
                                          v1::ServerInfo* response) {
  const absl::StatusOr<Caller> caller = gate_->Admit(*context, *request);
  if (!caller.ok()) return ToGrpc(caller.status());
  const absl::StatusOr<int64_t> revision = events_->NewestRevision();
  if (!revision.ok()) return ToGrpc(revision.status());
  const absl::StatusOr<v1::RunCounts> runs = jobs_->CountRuns();
  if (!runs.ok()) return ToGrpc(runs.status());
  response->set_version(Version());
  response->set_commit(commit_);
  response->set_build(BuildDescription());
  *response->mutable_start_time() = ToProto(start_time_);
  response->set_revision(*revision);
  response->set_draining(hub_->draining());
  response->set_queued_runs(runs->queued());
  response->set_active_runs(runs->active());
  if (const absl::StatusOr<int64_t> free = reserve_->free_bytes(); free.ok()) response->set_disk_free_bytes(*free);
  response->set_disk_reserve_bytes(reserve_->bytes());
  absl::MutexLock lock(&mutex_);
  response->mutable_addresses()->Assign(addresses_.begin(), addresses_.end());
  return grpc::Status::OK;
}

grpc::Status ServerService::ListDevices(grpc::ServerContext* context, const v1::ListDevicesRequest* request,
                                        v1::ListDevicesResponse* response) {
  const absl::StatusOr<Caller> caller = gate_->Admit(*context, *request);
  if (!caller.ok()) return ToGrpc(caller.status());
  const std::vector<v1::Device> devices = devices_->List();
  response->mutable_devices()->Assign(devices.begin(), devices.end());
  return grpc::Status::OK;
}

grpc::Status ServerService::ListDatasets(grpc::ServerContext* context, const v1::ListDatasetsRequest* request,
                                         v1::ListDatasetsResponse* response) {
  const absl::StatusOr<Caller> caller = gate_->Admit(*context, *request);
  if (!caller.ok()) return ToGrpc(caller.status());
  const std::vector<v1::Dataset> datasets = datasets_->List();
  response->mutable_datasets()->Assign(datasets.begin(), datasets.end());
  return grpc::Status::OK;
}

grpc::Status ServerService::ListClassifiers(grpc::ServerContext* context, const v1::ListClassifiersRequest* request,
                                            v1::ListClassifiersResponse* response) {
  const absl::StatusOr<Caller> caller = gate_->Admit(*context, *request);
  if (!caller.ok()) return ToGrpc(caller.status());
  const absl::StatusOr<std::vector<v1::Classifier>> classifiers = jobs_->ListClassifiers();
  if (!classifiers.ok()) return ToGrpc(classifiers.status());
  response->mutable_classifiers()->Assign(classifiers->begin(), classifiers->end());
  return grpc::Status::OK;
}

}  // namespace skew

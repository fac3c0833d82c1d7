#include "server/api/queue_service.h"

#include <vector>

#include "absl/strings/str_cat.h"
#include "common/status.h"
#include "server/api/respond.h"

namespace skew {
namespace {

absl::Status CheckShare(const v1::SetShareRequest& request) {
  std::vector<v1::FieldViolation> violations;
  const auto require = [&violations](bool right, const std::string& field, const std::string& description) {
    if (right) return;
    v1::FieldViolation& violation = violations.emplace_back();
    violation.set_field(field);
    violation.set_description(description);
  };
  require(!request.user().empty() && request.user().size() <= 128, "user",
          absl::StrCat("'", request.user(), "' is not a name of 1 to 128 bytes"));
  // Written so that NaN is refused, too.
  require(!request.has_weight() || (request.weight() >= 0.001 && request.weight() <= 1000), "weight",
          absl::StrCat(request.weight(), " is not in 0.001..1000"));
  require(request.max_slots() >= 0, "max_slots", absl::StrCat(request.max_slots(), " is negative"));
  require(request.max_queued() >= 0, "max_queued", absl::StrCat(request.max_queued(), " is negative"));
  require(request.max_artifact_bytes() >= 0, "max_artifact_bytes",
          absl::StrCat(request.max_artifact_bytes(), " is negative"));
  return violations.empty() ? absl::OkStatus() : InvalidFields(violations);
}

}  // namespace

absl::Status CheckPriority(int32_t priority) {
  if (priority >= -1000 && priority <= 1000) return absl::OkStatus();
  return InvalidField("priority", absl::StrCat(priority, " is not in -1000..1000"));
}

grpc::Status QueueService::GetQueue(grpc::ServerContext* context, const v1::GetQueueRequest* request,
                                    v1::GetQueueResponse* response) {
  const absl::StatusOr<Caller> caller = gate_->Admit(*context, *request);
  if (!caller.ok()) return ToGrpc(caller.status());
  if (request->max_waiting() < 0 || request->max_waiting() > 1000) {
    return ToGrpc(InvalidField("max_waiting", absl::StrCat(request->max_waiting(), " is not in 1..1000")));
  }
  return Respond(view_->Show(request->max_waiting() == 0 ? 100 : request->max_waiting()), *response);
}

grpc::Status QueueService::ListShares(grpc::ServerContext* context, const v1::ListSharesRequest* request,
                                      v1::ListSharesResponse* response) {
  const absl::StatusOr<Caller> caller = gate_->Admit(*context, *request);
  if (!caller.ok()) return ToGrpc(caller.status());
  return Respond(queue_->ListShares(), *response);
}

grpc::Status QueueService::SetShare(grpc::ServerContext* context, const v1::SetShareRequest* request,
                                    v1::Share* response) {
  const absl::StatusOr<Caller> caller = gate_->Admit(*context, *request);
  if (!caller.ok()) return ToGrpc(caller.status());
  const absl::Status valid = CheckShare(*request);
  if (!valid.ok()) return ToGrpc(valid);
  grpc::Status status = Respond(queue_->SetShare(*request, caller->AsActor()), *response);
  scheduler_->Wake();
  return status;
}

absl::StatusOr<std::vector<v1::Device>> QueueService::SetDrained(const grpc::ServerContextBase& context,
                                                                 const google::protobuf::Message& request,
                                                                 const std::string& device, bool drained) {
  SKEW_ASSIGN_OR_RETURN(const Caller caller, gate_->Admit(context, request));
  std::vector<std::string> names;
  for (const v1::Device& one : devices_->List()) {
    if (device.empty() || one.name() == device) names.push_back(one.name());
  }
  if (names.empty()) return absl::NotFoundError(absl::StrCat("there is no device ", device));
  absl::MutexLock lock(&draining_);
  SKEW_RETURN_IF_ERROR(queue_->SetDrained(names, drained, caller.AsActor()));
  for (const std::string& name : names) SKEW_RETURN_IF_ERROR(devices_->SetDrained(name, drained));
  scheduler_->Wake();
  return devices_->List();
}

grpc::Status QueueService::DrainDevice(grpc::ServerContext* context, const v1::DrainDeviceRequest* request,
                                       v1::DrainDeviceResponse* response) {
  const absl::StatusOr<std::vector<v1::Device>> devices = SetDrained(*context, *request, request->device(), true);
  if (!devices.ok()) return ToGrpc(devices.status());
  response->mutable_devices()->Assign(devices->begin(), devices->end());
  return grpc::Status::OK;
}

grpc::Status QueueService::UndrainDevice(grpc::ServerContext* context, const v1::UndrainDeviceRequest* request,
                                         v1::UndrainDeviceResponse* response) {
  const absl::StatusOr<std::vector<v1::Device>> devices = SetDrained(*context, *request, request->device(), false);
  if (!devices.ok()) return ToGrpc(devices.status());
  response->mutable_devices()->Assign(devices->begin(), devices->end());
  return grpc::Status::OK;
}

}  // namespace skew

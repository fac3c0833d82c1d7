// The methods of Client about the server's store.
#include "client/client_stubs.h"

namespace skew {

using Admin = v1::AdminService::Stub;

absl::StatusOr<v1::BackUpResponse> Client::BackUp(const std::string& name) {
  v1::BackUpRequest request;
  request.set_name(name);
  return CallWithin<Admin, v1::BackUpResponse>(absl::InfiniteDuration(), stubs_->admin, &Admin::BackUp, request);
}

absl::StatusOr<v1::CheckArtifactsResponse> Client::CheckArtifacts() {
  return CallWithin<Admin, v1::CheckArtifactsResponse>(absl::InfiniteDuration(), stubs_->admin, &Admin::CheckArtifacts,
                                                       v1::CheckArtifactsRequest());
}

absl::StatusOr<v1::CollectGarbageResponse> Client::CollectGarbage(bool dry_run) {
  v1::CollectGarbageRequest request;
  request.set_dry_run(dry_run);
  return CallWithin<Admin, v1::CollectGarbageResponse>(absl::InfiniteDuration(), stubs_->admin, &Admin::CollectGarbage,
                                                       request);
}

absl::StatusOr<std::vector<v1::QuarantinedContent>> Client::ListQuarantine() {
  SKEW_ASSIGN_OR_RETURN(const auto response, (Call<Admin, v1::ListQuarantineResponse>(
                                                 stubs_->admin, &Admin::ListQuarantine, v1::ListQuarantineRequest())));
  return std::vector<v1::QuarantinedContent>(response.contents().begin(), response.contents().end());
}

}  // namespace skew

#include "client/client_stubs.h"

namespace skew {

absl::StatusOr<v1::SubmitJobResponse> Client::ExtendJob(const v1::ExtendJobRequest& request) {
  return Call<v1::ReuseService::Stub, v1::SubmitJobResponse>(stubs_->reuse, &v1::ReuseService::Stub::ExtendJob,
                                                             request);
}

absl::StatusOr<v1::SubmitJobResponse> Client::ReproduceRun(const v1::ReproduceRunRequest& request) {
  return Call<v1::ReuseService::Stub, v1::SubmitJobResponse>(stubs_->reuse, &v1::ReuseService::Stub::ReproduceRun,
                                                             request);
}

absl::StatusOr<v1::CompareRunsResponse> Client::CompareRuns(const v1::CompareRunsRequest& request) {
  return Call<v1::ReuseService::Stub, v1::CompareRunsResponse>(stubs_->reuse, &v1::ReuseService::Stub::CompareRuns,
                                                               request);
}

}  // namespace skew

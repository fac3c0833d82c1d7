// A job as it would be stored, for validate_only.
#ifndef SKEW_SERVER_API_PREVIEW_H_
#define SKEW_SERVER_API_PREVIEW_H_

#include "absl/status/status.h"
#include "server/store/job_store.h"
#include "server/store/reuse_store.h"
#include "skew/v1/job_service.pb.h"

namespace skew {

// Without an id, with the number of runs that would be answered from the store.
absl::Status DescribePreview(const NewJob& job, ReuseStore& reuse, v1::SubmitJobResponse& response);

}  // namespace skew

#endif  // SKEW_SERVER_API_PREVIEW_H_

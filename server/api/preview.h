// A job as it would be stored, for validate_only.
#ifndef SKEW_SERVER_API_PREVIEW_H_
#define SKEW_SERVER_API_PREVIEW_H_

#include "absl/status/status.h"
#include "server/api/submission.h"
#include "server/jobs/queue_view.h"
#include "server/store/reuse_store.h"
#include "skew/v1/job_service.pb.h"

namespace skew {

// Without an id, with the number of runs that would be answered from the store and the outlook of the others.
absl::Status DescribePreview(PreparedJob prepared, ReuseStore& reuse, QueueView& view, v1::SubmitJobResponse& response);

}  // namespace skew

#endif  // SKEW_SERVER_API_PREVIEW_H_

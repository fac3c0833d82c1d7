// Every histogram of a job, page by page.
#ifndef SKEW_SERVER_STORE_HISTOGRAM_LIST_H_
#define SKEW_SERVER_STORE_HISTOGRAM_LIST_H_

#include "absl/status/statusor.h"
#include "server/store/sqlite.h"
#include "skew/v1/run_service.pb.h"

namespace skew {

// See RunService.ListHistograms. NOT_FOUND; INVALID_ARGUMENT for a page size out of 1..1000 or a page token that is not
// of this job.
absl::StatusOr<v1::ListHistogramsResponse> ListHistograms(Database& db, const v1::ListHistogramsRequest& request);

}  // namespace skew

#endif  // SKEW_SERVER_STORE_HISTOGRAM_LIST_H_

// What reading about reuse needs of the store.
#ifndef SKEW_SERVER_STORE_REUSE_STORE_H_
#define SKEW_SERVER_STORE_REUSE_STORE_H_

#include <cstddef>
#include <vector>

#include "absl/status/statusor.h"
#include "common/ids.h"
#include "common/run_comparison.h"
#include "server/store/connections.h"
#include "server/store/job_store.h"

namespace skew {

// Thread-safe.
class ReuseStore {
 public:
  explicit ReuseStore(Connections* connections) : connections_(connections) {}

  // Positions in `job` of the runs that would be answered from the store if it was submitted now, in ascending order.
  absl::StatusOr<std::vector<size_t>> FindAnswers(const NewJob& job);

  // NOT_FOUND
  absl::StatusOr<RunRecord> ReadRecord(RunId run);

 private:
  Connections* const connections_;
};

}  // namespace skew

#endif  // SKEW_SERVER_STORE_REUSE_STORE_H_

// Which runs take equally long.
#ifndef SKEW_SERVER_STORE_RUN_SHAPE_H_
#define SKEW_SERVER_STORE_RUN_SHAPE_H_

#include <cstdint>
#include <map>
#include <utility>

#include "skew/v1/job.pb.h"
#include "skew/v1/run.pb.h"

namespace skew {

// Shapes of the runs of one job.
class RunShapes {
 public:
  // `spec` is normalised, and borrowed.
  explicit RunShapes(const v1::JobSpec& spec) : spec_(spec) {}

  // A digest of everything that decides how much work the run is: dataset, model with its settings, updates, batch
  // size, images generated and judged, and how often. Seeds and class counts are not part of it. Updates that follow
  // from epochs are rounded to two digits, so that a study has few shapes however many bias points it has.
  int64_t Of(const v1::Run& run);

 private:
  const v1::JobSpec& spec_;
  std::map<std::pair<int32_t, int64_t>, int64_t> known_;  // by model and updates
};

}  // namespace skew

#endif  // SKEW_SERVER_STORE_RUN_SHAPE_H_

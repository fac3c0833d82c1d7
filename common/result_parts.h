// What results are made of; for the files that make them.
#ifndef SKEW_COMMON_RESULT_PARTS_H_
#define SKEW_COMMON_RESULT_PARTS_H_

#include <cstdint>
#include <vector>

#include "absl/types/span.h"
#include "common/stats/student.h"
#include "skew/v1/job_service.pb.h"
#include "skew/v1/run.pb.h"

namespace skew {

v1::Estimate ToEstimate(const stats::MeanEstimate& estimate);

// Accepted images of each class.
std::vector<int64_t> AcceptedCounts(const v1::ClassHistogram& histogram, absl::Span<const int> labels);

}  // namespace skew

#endif  // SKEW_COMMON_RESULT_PARTS_H_

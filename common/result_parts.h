// What results are made of; for the files that make them.
#ifndef SKEW_COMMON_RESULT_PARTS_H_
#define SKEW_COMMON_RESULT_PARTS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/types/span.h"
#include "common/stats/judge.h"
#include "common/stats/student.h"
#include "skew/v1/job_service.pb.h"
#include "skew/v1/run.pb.h"

namespace skew {

// What the judge of a model's images is corrected for (see Judges).
stats::JudgedOn JudgedOnOf(const std::string& model);

v1::Estimate ToEstimate(const stats::MeanEstimate& estimate);

// Accepted images of each class.
std::vector<int64_t> AcceptedCounts(const v1::ClassHistogram& histogram, absl::Span<const int> labels);

}  // namespace skew

#endif  // SKEW_COMMON_RESULT_PARTS_H_

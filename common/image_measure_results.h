// ImageMeasures over the iterations of a cell.
#ifndef SKEW_COMMON_IMAGE_MEASURE_RESULTS_H_
#define SKEW_COMMON_IMAGE_MEASURE_RESULTS_H_

#include <cstdint>
#include <vector>

#include "absl/types/span.h"
#include "skew/v1/job_service.pb.h"
#include "skew/v1/run.pb.h"

namespace skew {

// How many generated images are measured as a whole (see ImageMeasures): a job has its images measured by default where
// it generates as many.
inline constexpr int32_t kMeasuredImages = 5000;

// Mean, sd and interval of every measure that some run has (see EstimateOf in results.h), and how many images it is of;
// of the number of different images what the near pairs of all runs together say. Of all images first, then of the
// classes in ascending order; within these in the order of the fields.
std::vector<v1::MeasureResult> MeasureResultsOf(absl::Span<const v1::Run* const> runs);

}  // namespace skew

#endif  // SKEW_COMMON_IMAGE_MEASURE_RESULTS_H_

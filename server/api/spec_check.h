// Whether a job specification can be carried out.
#ifndef SKEW_SERVER_API_SPEC_CHECK_H_
#define SKEW_SERVER_API_SPEC_CHECK_H_

#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "skew/v1/error.pb.h"
#include "skew/v1/job.pb.h"
#include "skew/v1/server_service.pb.h"

namespace skew {

// Labels of a job.
inline constexpr int kMostLabels = 16;

// INVALID_ARGUMENT when `spec`, as it was sent, is too large to look at any closer, or to copy.
absl::Status CheckSpecSize(const v1::JobSpec& spec);

// Everything that is wrong with `spec`, whose defaults are filled in, for the dataset it names (or the error of finding
// it). Empty when it can be carried out. Each violation names the field, the value and what would be right.
std::vector<v1::FieldViolation> CheckSpec(const v1::JobSpec& spec, const absl::StatusOr<v1::Dataset>& dataset);

}  // namespace skew

#endif  // SKEW_SERVER_API_SPEC_CHECK_H_

// The devices that --devices names.
#ifndef SKEW_SERVER_JOBS_DEVICE_SPEC_H_
#define SKEW_SERVER_JOBS_DEVICE_SPEC_H_

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "server/jobs/device_ledger.h"

namespace skew {

// `spec` is "cpu:SLOTSxCORES", "cpu" (one slot for each of `cores`), "cuda:all" or "cuda:0,2". `cores` are those this
// process may use; GPU workers share all of them. INVALID_ARGUMENT, with the spec and what would be right.
absl::StatusOr<std::vector<Lease>> ParseDevices(absl::string_view spec, const std::vector<int32_t>& cores);

// Cores that this process may use.
std::vector<int32_t> UsableCores();

}  // namespace skew

#endif  // SKEW_SERVER_JOBS_DEVICE_SPEC_H_

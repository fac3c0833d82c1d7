// What went wrong, in the words of the worker protocol.
#ifndef SKEW_SERVER_TRAIN_FAILURE_H_
#define SKEW_SERVER_TRAIN_FAILURE_H_

#include <exception>

#include "absl/status/status.h"
#include "skew/worker/v1/worker.pb.h"

namespace skew::train {

// INVALID_ARGUMENT is USER_CONFIG and OUT_OF_RANGE is NUMERIC (a loss that is not finite). Files and devices that are
// not there, not readable, damaged or full are not the run's doing, and may be there again next time: PREEMPTED. The
// rest is INTERNAL.
worker::v1::Failed FailureOf(const absl::Status& status);

// LibTorch's exceptions have few types of their own, so their text decides: memory of the host or of the device, other
// faults of the device; the rest is INTERNAL. The message is the first line.
worker::v1::Failed FailureOf(const std::exception& error);

}  // namespace skew::train

#endif  // SKEW_SERVER_TRAIN_FAILURE_H_

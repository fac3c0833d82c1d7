// Whether a worker's report can be, before anything is made of it.
#ifndef SKEW_SERVER_WORKERS_REPORT_CHECK_H_
#define SKEW_SERVER_WORKERS_REPORT_CHECK_H_

#include "absl/status/status.h"
#include "server/workers/report_limits.h"
#include "skew/worker/v1/worker.pb.h"

namespace skew {

// INVALID_ARGUMENT, naming the field and its value: a number below 1 or above what an attempt may have, no report at
// all, counts and sizes below 0 or without end, names that are not plain, reasons that no worker can give.
absl::Status CheckReport(const worker::v1::Report& report, const ReportLimits& limits = {});

}  // namespace skew

#endif  // SKEW_SERVER_WORKERS_REPORT_CHECK_H_

// What workers report, written inside a transaction.
#ifndef SKEW_SERVER_STORE_REPORT_ROWS_H_
#define SKEW_SERVER_STORE_REPORT_ROWS_H_

#include <cstdint>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/store/connections.h"
#include "server/store/run_store.h"
#include "skew/worker/v1/worker.pb.h"

namespace skew {

// How far the reports of an attempt have come.
struct ReportCursor {
  int64_t last_report = 0;
  bool ended = false;
};
absl::StatusOr<ReportCursor> ReadReportCursor(Database& db, const AttemptId& attempt);

// Writes the report's effect, its event and its number. INVALID_ARGUMENT for content that cannot be (a histogram whose
// parts do not add up to its images).
absl::Status WriteReport(WriteScope& scope, const AttemptId& attempt, const worker::v1::Report& report);

}  // namespace skew

#endif  // SKEW_SERVER_STORE_REPORT_ROWS_H_

// The queue: who runs what, who waits for what, and how long.
#ifndef SKEW_CLIENT_RENDER_QUEUE_H_
#define SKEW_CLIENT_RENDER_QUEUE_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "client/render/table.h"
#include "skew/v1/queue.pb.h"
#include "skew/v1/queue_service.pb.h"

namespace skew {

// "12 runs of alice and bob ahead, starts in 3m 05s, ends in 1h 02m": as much of it as there is.
std::string OutlookText(const v1::Outlook& outlook, absl::Time now);

// The box at a glance, as several tables.
std::string QueueText(const v1::GetQueueResponse& queue);
// Active and waiting runs in one table, for CSV.
Table QueueTable(const v1::GetQueueResponse& queue);

Table ShareTable(absl::Span<const v1::Share> shares);

// "3GiB", "500MB", "1024": a number of bytes. INVALID_ARGUMENT names the flag and the text.
absl::StatusOr<int64_t> ParseBytes(absl::string_view flag, const std::string& text);

}  // namespace skew

#endif  // SKEW_CLIENT_RENDER_QUEUE_H_

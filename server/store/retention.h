// For how long things are kept.
#ifndef SKEW_SERVER_STORE_RETENTION_H_
#define SKEW_SERVER_STORE_RETENTION_H_

#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace skew {

// By kind: for good, but for jobs that somebody deleted. Histograms and everything else in the database stay as long as
// their job.
struct Retention {
  // Artifacts, from when their run got them: pictures; a model's weights; manifests and losses as CSV. The weights of
  // judges are always kept.
  absl::Duration samples = absl::InfiniteDuration();
  absl::Duration weights = absl::InfiniteDuration();
  absl::Duration tables = absl::InfiniteDuration();
  // Of workers that have ended, from their last line.
  absl::Duration logs = absl::InfiniteDuration();
  // A job's newest event is always kept.
  absl::Duration events = absl::InfiniteDuration();
  // Jobs that were deleted.
  absl::Duration deleted = absl::Hours(24 * 7);
};

// Changes what "samples=30d" or "logs=forever" names; ages are days, units as of absl::ParseDuration, or "forever".
// INVALID_ARGUMENT, with the text and what would do.
absl::Status ParseRetention(const std::string& text, Retention& retention);

}  // namespace skew

#endif  // SKEW_SERVER_STORE_RETENTION_H_

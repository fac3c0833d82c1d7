// Names of jobs and runs as users see them: job "j17", its third run "j17.3".
#ifndef SKEW_COMMON_IDS_H_
#define SKEW_COMMON_IDS_H_

#include <compare>
#include <cstdint>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace skew {

// Names one job. Numbers start at 1 and are never used twice.
struct JobId {
  int64_t number = 0;

  std::string ToString() const;
  // INVALID_ARGUMENT, naming the text and the field job_id, unless it is "j" and a positive decimal number.
  static absl::StatusOr<JobId> Parse(absl::string_view text);

  auto operator<=>(const JobId&) const = default;
  template <typename H>
  friend H AbslHashValue(H hash, const JobId& id) {
    return H::combine(std::move(hash), id.number);
  }
};

// Names one run: its job, and its number there (from 1).
struct RunId {
  JobId job;
  int32_t number = 0;

  std::string ToString() const;
  // INVALID_ARGUMENT, naming the text and the field run_id, unless it is a job id, a dot and a positive number.
  static absl::StatusOr<RunId> Parse(absl::string_view text);

  auto operator<=>(const RunId&) const = default;
};

}  // namespace skew

#endif  // SKEW_COMMON_IDS_H_

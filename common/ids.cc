#include "common/ids.h"

#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "common/status.h"

namespace skew {
namespace {

// Only the digits that ToString prints: no sign, no spaces, no leading zero.
template <typename Int>
bool ParsePositive(absl::string_view text, Int& value) {
  return !text.empty() && text.front() >= '1' && text.front() <= '9' && absl::SimpleAtoi(text, &value) && value > 0;
}

}  // namespace

std::string JobId::ToString() const { return absl::StrCat("j", number); }

absl::StatusOr<JobId> JobId::Parse(absl::string_view text) {
  JobId id;
  absl::string_view digits = text;
  if (!absl::ConsumePrefix(&digits, "j") || !ParsePositive(digits, id.number)) {
    return InvalidField("job_id", absl::StrCat("'", text, "' is not a job id; one looks like j17"));
  }
  return id;
}

std::string RunId::ToString() const { return absl::StrCat(job.ToString(), ".", number); }

absl::StatusOr<RunId> RunId::Parse(absl::string_view text) {
  const std::pair<absl::string_view, absl::string_view> parts = absl::StrSplit(text, absl::MaxSplits('.', 1));
  RunId id;
  const absl::StatusOr<JobId> job = JobId::Parse(parts.first);
  if (!job.ok() || !ParsePositive(parts.second, id.number)) {
    return InvalidField("run_id", absl::StrCat("'", text, "' is not a run id; one looks like j17.3"));
  }
  id.job = *job;
  return id;
}

}  // namespace skew

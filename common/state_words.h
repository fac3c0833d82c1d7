// How jobs and runs stand, in messages for people.
#ifndef SKEW_COMMON_STATE_WORDS_H_
#define SKEW_COMMON_STATE_WORDS_H_

#include "absl/strings/string_view.h"
#include "skew/v1/job.pb.h"
#include "skew/v1/run.pb.h"

namespace skew {

// "is queued", "has succeeded": after the name of a job or a run.
absl::string_view StateInWords(v1::JobState state);
absl::string_view StateInWords(v1::RunState state);

// "be cancelled", "succeed": what a run would do to get into `state`.
absl::string_view ChangeInWords(v1::RunState state);

}  // namespace skew

#endif  // SKEW_COMMON_STATE_WORDS_H_

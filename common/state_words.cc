#include "common/state_words.h"

namespace skew {

absl::string_view StateInWords(v1::JobState state) {
  switch (state) {
    case v1::JOB_QUEUED:
      return "is queued";
    case v1::JOB_RUNNING:
      return "is running";
    case v1::JOB_SUCCEEDED:
      return "has succeeded";
    case v1::JOB_FAILED:
      return "has failed";
    case v1::JOB_CANCELLED:
      return "is cancelled";
    default:
      return "is in an unknown state";
  }
}

absl::string_view StateInWords(v1::RunState state) {
  switch (state) {
    case v1::QUEUED:
      return "is queued";
    case v1::STARTING:
      return "is starting";
    case v1::RUNNING:
      return "is running";
    case v1::CANCELLING:
      return "is being cancelled";
    case v1::SUCCEEDED:
      return "has succeeded";
    case v1::FAILED:
      return "has failed";
    case v1::CANCELLED:
      return "is cancelled";
    default:
      return "is in an unknown state";
  }
}

absl::string_view ChangeInWords(v1::RunState state) {
  switch (state) {
    case v1::QUEUED:
      return "be queued again";
    case v1::STARTING:
      return "start";
    case v1::RUNNING:
      return "run";
    case v1::CANCELLING:
    case v1::CANCELLED:
      return "be cancelled";
    case v1::SUCCEEDED:
      return "succeed";
    case v1::FAILED:
      return "fail";
    default:
      return "get into an unknown state";
  }
}

}  // namespace skew

// How a stream ends whose reader was too slow to be told so in the stream itself (see StreamEnd.SLOW_CONSUMER).
#ifndef SKEW_COMMON_SLOW_CONSUMER_H_
#define SKEW_COMMON_SLOW_CONSUMER_H_

#include "absl/status/status.h"
#include "absl/strings/match.h"

namespace skew {

// What the message of that RESOURCE_EXHAUSTED begins with; the stream can be opened again where it was.
inline constexpr char kSlowConsumer[] = "SLOW_CONSUMER";

inline bool IsSlowConsumer(const absl::Status& status) {
  return absl::IsResourceExhausted(status) && absl::StartsWith(status.message(), kSlowConsumer);
}

}  // namespace skew

#endif  // SKEW_COMMON_SLOW_CONSUMER_H_

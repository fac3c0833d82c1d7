// absl::Time and absl::Duration to and from their protobuf forms.
#ifndef SKEW_COMMON_PROTO_TIME_H_
#define SKEW_COMMON_PROTO_TIME_H_

#include "absl/time/time.h"
#include "google/protobuf/duration.pb.h"
#include "google/protobuf/timestamp.pb.h"

namespace skew {

// Microsecond precision, which is what the store keeps.
google::protobuf::Timestamp ToProto(absl::Time time);
absl::Time FromProto(const google::protobuf::Timestamp& time);

google::protobuf::Duration ToProto(absl::Duration duration);
absl::Duration FromProto(const google::protobuf::Duration& duration);

// Whether it is one by protobuf's own rules: at most 10,000 years, less than a second in nanos, and no contradicting
// signs. Others cannot be printed.
bool IsValid(const google::protobuf::Duration& duration);

}  // namespace skew

#endif  // SKEW_COMMON_PROTO_TIME_H_

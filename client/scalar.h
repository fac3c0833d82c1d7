// Single values of a spec, from the text a user wrote into a field of a message.
#ifndef SKEW_CLIENT_SCALAR_H_
#define SKEW_CLIENT_SCALAR_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"

namespace skew {

// Whether one value is enough for the field (or one element of it): every type but messages, and
// google.protobuf.Duration, which is written as "90s" or "1h30m".
bool IsScalar(const google::protobuf::FieldDescriptor& field);

// Sets the field of `message`, or adds to it when it is repeated. INVALID_ARGUMENT with the value and what is needed,
// e.g. "'many' is not a whole number"; numbers must fit the field's type, enum values go by name.
absl::Status SetScalar(absl::string_view text, const google::protobuf::FieldDescriptor& field,
                       google::protobuf::Message& message);

// What the field (or one element of it) takes: "a whole number", "one of EVAL, TRAIN", "a map of settings", ...
std::string NeededBy(const google::protobuf::FieldDescriptor& field);

// `text` in quotes, shortened and free of control characters.
std::string Quoted(absl::string_view text);

}  // namespace skew

#endif  // SKEW_CLIENT_SCALAR_H_

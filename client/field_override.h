// `--set PATH=VALUE`: single fields of a message, set from the command line.
#ifndef SKEW_CLIENT_FIELD_OVERRIDE_H_
#define SKEW_CLIENT_FIELD_OVERRIDE_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/message.h"

namespace skew {

// Applies one override to `message`. PATH is written as in error messages: "training.epochs", "models[0].dcgan.width",
// "bias.fixed[0]" (a map's key; "bias.fixed.0" means the same). VALUE is YAML and replaces what was there, lists and
// maps as a whole; an empty VALUE removes a field that holds a single value, a list or a map.
//
// INVALID_ARGUMENT, beginning with "--set", for a malformed path, an unknown field, an index out of range, a value of
// the wrong type, or a second family in a message that has one.
absl::Status ApplyOverride(absl::string_view assignment, google::protobuf::Message& message);

}  // namespace skew

#endif  // SKEW_CLIENT_FIELD_OVERRIDE_H_

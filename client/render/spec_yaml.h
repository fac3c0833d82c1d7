// Job specifications as YAML.
#ifndef SKEW_CLIENT_RENDER_SPEC_YAML_H_
#define SKEW_CLIENT_RENDER_SPEC_YAML_H_

#include <string>

#include "google/protobuf/message.h"

namespace skew {

// The set fields of `message` in the order of their declaration, maps sorted by key, as YAML that spec_file.h reads
// back into an equal message. Ends with a newline.
std::string ToYaml(const google::protobuf::Message& message);

}  // namespace skew

#endif  // SKEW_CLIENT_RENDER_SPEC_YAML_H_

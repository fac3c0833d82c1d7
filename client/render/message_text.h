// Any message as JSON or YAML.
#ifndef SKEW_CLIENT_RENDER_MESSAGE_TEXT_H_
#define SKEW_CLIENT_RENDER_MESSAGE_TEXT_H_

#include <string>
#include <vector>

#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"

namespace skew {

// Canonical proto JSON on one line, without a line end. Single values are there even when they have their default.
std::string ToJson(const google::protobuf::Message& message);

// What is set, as a YAML document that reads back as the same message (see yaml_decoder.h): field names as in the
// .proto file, enums by name, durations like "1h30m". Short lists and maps of single values stand on one line.
std::string ToYaml(const google::protobuf::Message& message);

// A field that holds a single value (see IsScalar), or its element `index`, as in YAML but without quotes.
std::string ValueText(const google::protobuf::Message& message, const google::protobuf::FieldDescriptor& field,
                      int index = 0);

// The entries of a map field in the order of their keys, numbers as numbers.
std::vector<const google::protobuf::Message*> SortedEntries(const google::protobuf::Message& message,
                                                            const google::protobuf::FieldDescriptor& map);

}  // namespace skew

#endif  // SKEW_CLIENT_RENDER_MESSAGE_TEXT_H_

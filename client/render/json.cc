#include "client/render/json.h"

#include <google/protobuf/util/json_util.h>

namespace skew {

std::string JsonLine(const google::protobuf::Message& message) {
  google::protobuf::util::JsonPrintOptions options;
  options.always_print_primitive_fields = true;
  std::string json;
  // Fails only for an Any of an unknown type, which no message of ours holds.
  google::protobuf::util::MessageToJsonString(message, &json, options).IgnoreError();
  return json + "\n";
}

}  // namespace skew

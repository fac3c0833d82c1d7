// Messages as Protocol Buffers' canonical JSON.
#ifndef SKEW_CLIENT_RENDER_JSON_H_
#define SKEW_CLIENT_RENDER_JSON_H_

#include <string>

#include "google/protobuf/message.h"

namespace skew {

// One line, with its end. Names in lowerCamelCase; fields with their default value are there; 64 bit integers are
// strings, as the canonical form demands.
std::string JsonLine(const google::protobuf::Message& message);

}  // namespace skew

#endif  // SKEW_CLIENT_RENDER_JSON_H_

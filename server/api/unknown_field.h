// What a newer client says and this server does not understand.
#ifndef SKEW_SERVER_API_UNKNOWN_FIELD_H_
#define SKEW_SERVER_API_UNKNOWN_FIELD_H_

#include <string>

#include "google/protobuf/message.h"

namespace skew {

// "models[1].dcgan: field 9" for the first field in the message or what it holds that its type does not have; empty
// when there is none.
std::string FindUnknownField(const google::protobuf::Message& message);

}  // namespace skew

#endif  // SKEW_SERVER_API_UNKNOWN_FIELD_H_

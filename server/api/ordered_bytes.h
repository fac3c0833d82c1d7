// Messages as bytes that can be compared.
#ifndef SKEW_SERVER_API_ORDERED_BYTES_H_
#define SKEW_SERVER_API_ORDERED_BYTES_H_

#include <string>

#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"
#include "google/protobuf/message_lite.h"

namespace skew {

// The message serialised with its maps sorted: equal messages of this program are equal bytes.
inline std::string OrderedBytes(const google::protobuf::MessageLite& message) {
  std::string bytes;
  {
    google::protobuf::io::StringOutputStream stream(&bytes);
    google::protobuf::io::CodedOutputStream coded(&stream);
    coded.SetSerializationDeterministic(true);
    message.SerializeToCodedStream(&coded);
  }
  return bytes;
}

}  // namespace skew

#endif  // SKEW_SERVER_API_ORDERED_BYTES_H_

// YAML (and with it JSON) into protobuf messages, with errors that say where and what.
#ifndef SKEW_CLIENT_YAML_DECODER_H_
#define SKEW_CLIENT_YAML_DECODER_H_

#include <yaml-cpp/yaml.h>

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"

namespace skew {

// The one document in `text`. INVALID_ARGUMENT as "<source>:line:column: ..." for text that is not YAML, that holds no
// document, or more than one.
absl::StatusOr<YAML::Node> ParseYaml(const std::string& text, absl::string_view source);

// The field by its name in the .proto file or in JSON; null when there is none.
const google::protobuf::FieldDescriptor* FindField(const google::protobuf::Descriptor& type, absl::string_view name);

// "unknown field (did you mean 'epochs'? known: epochs, steps, batch_size)"
std::string UnknownField(const google::protobuf::Descriptor& type, absl::string_view name);

// The field of the same oneof that is set beside `field`; null when there is none. Of a message's families only one
// can be chosen, and a second one must not silently replace the first.
const google::protobuf::FieldDescriptor* RivalOf(const google::protobuf::FieldDescriptor& field,
                                                 const google::protobuf::Message& message);

// Walks a YAML tree guided by a message's descriptor:
//   messages are maps from field names, null is the empty message; a message with a oneof may be the bare name of one
//   of its messages ("dcgan" for {dcgan: {}}); repeated fields are lists; map fields are maps; single values are as in
//   scalar.h.
// Goes on after an error, so that one pass finds them all.
class YamlDecoder {
 public:
  // `source` names the text in errors; when it is empty, they leave out the place.
  explicit YamlDecoder(std::string source) : source_(std::move(source)) {}

  // Merges `node` into `message`, whose place in the spec is `path` (empty for the whole spec).
  void DecodeMessage(const YAML::Node& node, const std::string& path, google::protobuf::Message& message);

  // Sets a field, or adds to it when it is a list or a map. `path` is the field's.
  void DecodeField(const YAML::Node& node, const std::string& path, const google::protobuf::FieldDescriptor& field,
                   google::protobuf::Message& message);

  // Sets the field, or adds one element to it.
  void DecodeOne(const YAML::Node& node, const std::string& path, const google::protobuf::FieldDescriptor& field,
                 google::protobuf::Message& message);

  // INVALID_ARGUMENT with one line "<source>:line:column: path: problem" for each error so far.
  absl::Status status() const;

 private:
  void DecodeEntry(const YAML::Node& key, const YAML::Node& value, const std::string& path,
                   google::protobuf::Message& message);
  void DecodeFamilyName(const YAML::Node& node, const std::string& path, google::protobuf::Message& message);
  void DecodeMap(const YAML::Node& node, const std::string& path, const google::protobuf::FieldDescriptor& field,
                 google::protobuf::Message& message);
  void DecodeList(const YAML::Node& node, const std::string& path, const google::protobuf::FieldDescriptor& field,
                  google::protobuf::Message& message);
  void Report(const YAML::Mark& mark, const std::string& path, absl::string_view problem);

  const std::string source_;
  std::vector<std::string> problems_;
};

}  // namespace skew

#endif  // SKEW_CLIENT_YAML_DECODER_H_
